package engine

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"sluice/pipeline"
	"sluice/rollout"
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
// there. It is refused while a rollout of ours is at work there.
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
		return refused(s.name(), fmt.Sprintf("%s is %s and not over", x.Rollout.Name, x.Rollout.State), "`sluice reconcile` goes on with it")
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

// Back is a request to undo rollouts.
type Back struct {
	Targets   []*pipeline.Target
	Promotion string // "" means each target's newest
	Reason    string
	Options   driver.Options
}

// Rollback puts targets back to what they ran before their newest rollout's
// first effect.
func (e *Engine) Rollback(ctx context.Context, req Back) (rollout.Outcome, error) {
	slots, err := e.load(ctx, req.Targets)
	if err != nil {
		return rollout.Outcome{}, err
	}
	id := uuid.NewString()
	if e.Origin != "" {
		var again bool
		if id, again = e.promotionID(CommandRollback, req.Targets[0].Stage.Name.Value, slots); again {
			return e.again(ctx, id, slots)
		}
	}
	undone, err := e.undone(ctx, req, slots)
	if err != nil {
		return rollout.Outcome{}, err
	}
	journeys, err := e.backwards(ctx, req, slots, undone, id)
	if err != nil {
		return rollout.Outcome{}, err
	}
	at := slotsOf(journeys)
	if err := e.acquire(ctx, at); err != nil {
		return rollout.Outcome{}, err
	}
	for _, j := range journeys {
		if err := e.turnBack(j, undone[j.slot], id, req.Reason, namesOf(at)); err != nil {
			return rollout.Outcome{}, err
		}
	}
	if err := e.commit(ctx, at...); err != nil {
		return rollout.Outcome{}, err
	}
	return e.runAll(ctx, id, at)
}

// undone finds the rollout to undo on each target. Targets of the request that
// have none are left out as long as one has.
func (e *Engine) undone(ctx context.Context, req Back, slots []*slot) (map[*slot]string, error) {
	refusals := &RefusedError{}
	found := map[*slot]string{}
	for _, s := range slots {
		if err := e.free(ctx, s, e.Now()); err != nil {
			return nil, err
		}
		if err := collect(&refusals.Findings, e.mayStart(s, CommandRollback, req.Options.OverridePolicies)); err != nil {
			return nil, err
		}
		x, err := s.record.RolledBack(req.Promotion)
		if err != nil {
			refusals.Findings = append(refusals.Findings, driver.Finding{Target: s.name(), Severity: driver.Refuse, Message: err.Error()})
			continue
		}
		found[s] = x.Rollout.Name
	}
	if len(refusals.Findings) > 0 {
		return nil, refusals
	}
	return found, nil
}

// backwards plans the rollbacks and looks at every target first.
func (e *Engine) backwards(ctx context.Context, req Back, slots []*slot, undone map[*slot]string, id string) ([]*journey, error) {
	var journeys []*journey
	refusals := &RefusedError{}
	for _, s := range slots {
		x, _ := s.record.Rollout(undone[s])
		j := &journey{slot: s, spec: e.baseSpec(s.declared)}
		j.spec.Options = req.Options
		if a := s.declared.Stage.Approval; a == nil || !a.Rollback {
			j.spec.Approval = nil
		}
		j.spec.Release = driver.Release{ID: x.Previous}
		if err := collect(&refusals.Findings, e.lookBack(ctx, j, x, id)); err != nil {
			return nil, err
		}
		journeys = append(journeys, j)
	}
	if len(refusals.Findings) > 0 {
		return nil, refusals
	}
	return journeys, nil
}

// lookBack prepares a rollback, to be refused before anything is saved.
func (e *Engine) lookBack(ctx context.Context, j *journey, x *rollout.Execution, id string) error {
	place, err := e.place(j.spec.Target)
	if err != nil {
		return err
	}
	change := driver.Change{
		Target: j.spec.Target, Release: j.spec.Release, Phase: rollout.PhaseStable, Job: rollout.JobDeploy,
		Baseline: []byte(x.Baseline), Options: driver.Options{Resolved: true},
	}
	call := driver.Call{Key: "preflight/" + id, Kind: driver.Rollback, Changes: []driver.Change{change}}
	p, err := retryReads(ctx, func() (driver.Prepared, error) { return place.Prepare(ctx, call) })
	if err != nil {
		return refuseUnknown(err, j.slot.name())
	}
	refusals := slices.DeleteFunc(slices.Clone(p.Findings), func(f driver.Finding) bool { return f.Severity != driver.Refuse })
	if len(refusals) > 0 {
		return &RefusedError{Findings: refusals}
	}
	return nil
}

// turnBack puts a rollback into a record.
func (e *Engine) turnBack(j *journey, undone, id, reason string, members []string) error {
	s, now := j.slot, e.Now()
	j.spec.Promotion, j.spec.Members = id, members
	back, err := rollout.Rollback(&s.record, undone, j.spec, now)
	if err != nil {
		return err
	}
	s.record.Promotions = append(s.record.Promotions, rollout.Promotion{
		ID: id, Members: members, Status: rollout.PromotionPending, Release: back.Spec.Release.ID, Rollout: back.Rollout.Name,
		Command: CommandRollback, Stage: s.record.Stage, CreateTime: now.UTC(), Actor: e.Actor.Login,
		RunURL: e.Lease.RunURL, Origin: e.Origin, Reason: reason,
	})
	s.dirty = true
	return nil
}
