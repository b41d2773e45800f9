package rollout

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"sluice/stages/driver"
)

func (t Create) apply(r *Record, now time.Time) error {
	if err := r.MayCreate(t.Spec, now); err != nil {
		return err
	}
	r.passBlocks(t.Spec, now)
	r.insert(r.promote(t, now), len(r.Rollouts), t.Spec.Command+" of "+t.Spec.Release.ID, now)
	return nil
}

func (t Replace) apply(r *Record, now time.Time) error {
	if err := r.MayCreate(t.Spec, now); err != nil {
		return err
	}
	r.passBlocks(t.Spec, now)
	e := r.promote(t.Create, now)
	at := len(r.Rollouts)
	for i := range at {
		if old := &r.Rollouts[i]; !old.Over() && old.Rollout.RollbackOfRollout == "" {
			takeOverFrom(&e, old)
			old.owner().makeWay(r, way{by: e.Rollout.Name, actor: t.Spec.Creator, why: "replaced by " + e.Rollout.Name, person: t.Spec.Person}, now)
		}
	}
	r.insert(e, at, t.Spec.Command+" of "+t.Spec.Release.ID, now)
	return nil
}

// takeOverFrom has e go back to what an older rollout would have gone back to.
func takeOverFrom(e *Execution, old *Execution) {
	if !old.Touched() {
		return
	}
	e.Baseline, e.Previous = slices.Clone(old.Baseline), old.Previous
	e.Accepted = true // what stands is the older rollout's, and wanted as it is
}

// MayCreate says whether blocks are in the way of [Create] and [Replace]; it
// reads only. The error is a [*RefusedError] that names all of them.
func (r *Record) MayCreate(spec Spec, now time.Time) error {
	q := Question{Intention: intentionOf(spec.Command), Release: spec.Release.ID, Person: spec.Person, Overrides: spec.Overrides}
	if blocks := r.Blocks.leftBy(spec).Stopping(q, now); len(blocks) > 0 {
		return &RefusedError{Command: spec.Command, Target: r.Target, Reason: ReasonBlocked, Blocks: blocks, Release: spec.Release.ID}
	}
	return nil
}

// promote is a new rollout by its plan.
func (r *Record) promote(t Create, now time.Time) Execution {
	if h := r.Testers(); h != nil && t.Spec.Header == nil {
		t.Spec.ClearTesters(*h) // what a rollout before it left
	}
	e := newExecution(r, t.Spec, t.Spec.Release, now)
	if t.Runs.ID != "" {
		e.Previous = t.Runs
	}
	if t.First {
		e.Spec.deployFirst()
	}
	if !t.Spec.Remote {
		e.Rollout.Phases = e.Spec.buildPhases(t.First)
	}
	return e
}

// newExecution is a rollout without phases, named after a release.
func newExecution(r *Record, spec Spec, named driver.Release, now time.Time) Execution {
	name := r.nextName(named, spec.Target.Name)
	e := Execution{
		Rollout: Rollout{
			Name:          name,
			UID:           uuid.NewSHA1(uuid.NameSpaceURL, []byte(r.Pipeline+"/"+r.Target+"/"+name+"/"+now.UTC().Format(time.RFC3339Nano))).String(),
			Description:   spec.Options.Description,
			Labels:        spec.Options.Labels,
			Annotations:   spec.Options.Annotations,
			CreateTime:    now.UTC(),
			TargetID:      spec.Target.Name,
			ApprovalState: DoesNotNeedApproval,
			State:         StatePending,
			EnqueueTime:   now.UTC(),
		},
		Spec:  spec,
		Steps: []Step{},
	}
	if spec.Approval != nil {
		e.Rollout.ApprovalState, e.Rollout.State, e.Rollout.EnqueueTime = NeedsApproval, StatePendingApproval, time.Time{}
	}
	if spec.Controlled {
		e.Rollout.ControllerRollout = ControllerName(nameFor(named), spec.Target.Stage, spec.Promotion)
	}
	if r.Release != nil {
		e.Previous = *r.Release
	}
	if spec.Rule != nil && spec.Command == CommandPromote {
		beginAutomation(&e, *spec.Rule, now).end(AutomationSucceeded, "", now)
	}
	return e
}

// insert puts a new rollout at its place in the order of work.
func (r *Record) insert(e Execution, at int, message string, now time.Time) {
	if why := e.Spec.Reason; why != "" {
		message += ": " + why
	}
	r.Rollouts = slices.Insert(r.Rollouts, at, e)
	r.event(&r.Rollouts[at], now, Event{Type: "rollout.created", Message: message, Actor: e.Spec.Creator})
}
