package engine

import (
	"context"
	"slices"

	"sluice/internal/old/rollout"
	"sluice/pipeline"
	"sluice/stages/driver"
)

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
	id, again := e.promotionID(CommandRollback, stageOf(req.Targets), slots)
	if again {
		return e.again(ctx, id, slots)
	}
	undone, err := e.undone(ctx, req, slots)
	if err != nil {
		return rollout.Outcome{}, err
	}
	slots = slices.DeleteFunc(slots, func(s *slot) bool { return undone[s] == "" })
	journeys, err := e.backwards(ctx, req, slots, undone, id)
	if err != nil {
		return rollout.Outcome{}, err
	}
	err = e.claim(ctx, slots, func(s *slot) error {
		return e.turnBack(journeyOf(journeys, s), undone[s], id, req.Reason, namesOf(slots))
	})
	if err != nil {
		return rollout.Outcome{}, err
	}
	return e.runAll(ctx, id, slots)
}

// stageOf names the stage of targets that a person named; "" without any.
func stageOf(targets []*pipeline.Target) string {
	if len(targets) == 0 {
		return ""
	}
	return targets[0].Stage.Name.Value
}

// undone finds the rollout to undo on each target. Targets of the request that
// have none are left out as long as one has.
func (e *Engine) undone(ctx context.Context, req Back, slots []*slot) (map[*slot]string, error) {
	refusals, nothing := &RefusedError{}, &RefusedError{}
	found := map[*slot]string{}
	for _, s := range slots {
		if err := e.free(ctx, s, e.Now()); err != nil {
			return nil, err
		}
		if err := collect(&refusals.Findings, e.mayStart(s, CommandRollback, req.Options.OverridePolicies)); err != nil {
			return nil, err
		}
		x, err := s.record.RolledBack(req.Promotion)
		switch {
		case err == nil:
			found[s] = x.Rollout.Name
		case x == nil:
			nothing.add(s.name(), err.Error())
		default:
			refusals.add(s.name(), err.Error())
		}
	}
	if len(refusals.Findings) > 0 {
		return nil, refusals
	}
	if len(found) == 0 {
		return nil, nothing
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
	p, err := retryReads(ctx, e, func(ctx context.Context) (driver.Prepared, error) { return place.Prepare(ctx, call) })
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
