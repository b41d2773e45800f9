package rollout

import (
	"fmt"
	"strings"
	"time"

	"sluice/stages/driver"
)

// Advance starts a phase. The rollout must be IN_PROGRESS, the phase PENDING
// and not the first, and the phase before it SUCCEEDED or SKIPPED. phase ""
// means the next one.
func (e *Execution) Advance(r *Record, phase, actor string, now time.Time) error {
	if e.Rollout.State != StateInProgress {
		return e.refuse("advance", "only a rollout that is IN_PROGRESS can be advanced")
	}
	if e.Spec.Remote && !e.mirrored() {
		return e.refuse("advance", "the platform has not got it yet")
	}
	p, err := e.nextPhase(phase)
	if err != nil {
		return err
	}
	if e.Spec.Remote {
		return e.ask(r, Request{Kind: driver.Advance, Phase: p.ID, Actor: actor}, now)
	}
	r.event(e, now, Event{Type: "phase.advanced", Phase: p.ID, Actor: actor})
	e.beginPhase(r, p, now)
	return nil
}

// nextPhase finds the phase that can be started now.
func (e *Execution) nextPhase(phase string) (*Phase, error) {
	current, i, ok := e.current()
	if phase != "" {
		named, exists := e.Rollout.Phase(phase)
		switch {
		case !exists:
			return nil, e.refuse("advance", fmt.Sprintf("it has no phase %q; its phases are %s", phase, strings.Join(e.phaseIDs(), ", ")))
		case named.State != PhasePending:
			return nil, e.refuse("advance", pendingOnly(named))
		case ok && current.ID != phase:
			return nil, e.refuse("advance", fmt.Sprintf("phase %s waits for phase %s, which is %s", phase, current.ID, current.State))
		}
	}
	switch {
	case !ok:
		return nil, e.refuse("advance", "no phase is left")
	case current.State != PhasePending:
		return nil, e.refuse("advance", pendingOnly(current))
	case i == 0:
		return nil, e.refuse("advance", "its first phase starts by itself")
	}
	return current, nil
}

func pendingOnly(p *Phase) string {
	return fmt.Sprintf("phase %s is %s; only a phase that is PENDING can be started", p.ID, p.State)
}

func (e *Execution) phaseIDs() []string {
	ids := make([]string, 0, len(e.Rollout.Phases))
	for _, p := range e.Rollout.Phases {
		ids = append(ids, p.ID)
	}
	return ids
}
