package engine

import (
	"context"
	"fmt"

	"sluice/internal/old/rollout"
	"sluice/pipeline"
	"sluice/stages/driver"
)

// CanaryPromotion is a request to make the canary that stands on a target what
// runs there for all traffic.
type CanaryPromotion struct {
	Target  *pipeline.Target
	Disable bool // then remove the canary
	Reason  string
	Options driver.Options
}

// PromoteCanary promotes the canary that stands on a target, whoever put it
// there. It is refused while another rollout of ours is at work there; a canary
// promotion that is not over is resumed.
func (e *Engine) PromoteCanary(ctx context.Context, req CanaryPromotion) (rollout.Outcome, error) {
	slots, err := e.load(ctx, []*pipeline.Target{req.Target})
	if err != nil {
		return rollout.Outcome{}, err
	}
	s := slots[0]
	id, again := e.promotionID(CommandPromoteCanary, req.Target.Stage.Name.Value, slots)
	if again {
		return e.again(ctx, id, slots)
	}
	if err := e.mayPromoteCanary(ctx, s, req); err != nil {
		return rollout.Outcome{}, err
	}
	if x := s.active(); x != nil {
		return e.resume(ctx, x.Spec.Promotion, slots)
	}
	j := &journey{slot: s, spec: e.baseSpec(s.declared)}
	j.spec.Options = req.Options
	j.spec.Phases = []rollout.PhaseSpec{rollout.StablePhase(req.Disable)}
	if err := e.gatesRun(j.spec.Gates, s.name()); err != nil {
		return rollout.Outcome{}, err
	}
	if err := e.preflight(ctx, []*journey{j}, id); err != nil {
		return rollout.Outcome{}, err
	}
	if j.unchanged && req.Disable {
		if err := e.onlyDisable(ctx, j, id); err != nil {
			return rollout.Outcome{}, err
		}
	}
	return e.embark(ctx, []*journey{j}, voyage{id: id, command: CommandPromoteCanary, reason: req.Reason})
}

func (e *Engine) mayPromoteCanary(ctx context.Context, s *slot, req CanaryPromotion) error {
	if err := e.mayStart(s, CommandPromoteCanary, req.Options.OverridePolicies); err != nil {
		return err
	}
	if err := e.free(ctx, s, e.Now()); err != nil {
		return err
	}
	x, ok := s.record.Active()
	if !ok {
		return nil
	}
	if x.Spec.Command == CommandPromoteCanary {
		return nil
	}
	return refused(s.name(), fmt.Sprintf("a rollout of ours is at work there: %s is %s", x.Rollout.Name, x.Rollout.State),
		"`sluice advance --target "+s.name()+"` starts its next phase")
}

// onlyDisable plans the removal alone of a canary that was promoted already.
func (e *Engine) onlyDisable(ctx context.Context, j *journey, id string) error {
	release := j.spec.Release
	j.unchanged = false
	j.spec.Phases = []rollout.PhaseSpec{{ID: rollout.PhaseStable, Effects: []driver.Kind{driver.Disable}}}
	if err := e.preflight(ctx, []*journey{j}, id); err != nil {
		return err
	}
	if j.spec.Release.ID == "" {
		j.spec.Release = release
	}
	return nil
}
