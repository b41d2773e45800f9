package engine

import (
	"context"
	"slices"

	"sluice/rollout"
)

// embark saves the rollouts of a promotion and runs them.
func (e *Engine) embark(ctx context.Context, journeys []*journey, v voyage) (rollout.Outcome, error) {
	slots := slotsOf(journeys)
	moving := slices.DeleteFunc(slices.Clone(journeys), func(j *journey) bool { return j.unchanged })
	if len(moving) == 0 {
		return e.report(v.id, slots, journeys), nil
	}
	at := slotsOf(moving)
	if err := e.acquire(ctx, at); err != nil {
		return rollout.Outcome{}, err
	}
	members := namesOf(at)
	if v.shard != nil {
		members = v.shard.Members
	}
	for _, j := range moving {
		e.create(j, v.id, v.command, v.reason, members)
	}
	if err := e.commit(ctx, at...); err != nil {
		return rollout.Outcome{}, err
	}
	_, err := e.runAll(ctx, v.id, at)
	return e.report(v.id, slots, journeys), err
}

// create puts a journey's rollout and promotion into its record.
func (e *Engine) create(j *journey, id, command, reason string, members []string) {
	s, now := j.slot, e.Now()
	name := ""
	if j.resume != nil {
		name = j.resume.Rollout.Name
	} else {
		if x, ok := s.record.Rollout(j.supersede); ok {
			_ = x.Supersede(&s.record, j.spec.Release.ID, now) // its deploy job was seen not to have started
		}
		j.spec.Promotion, j.spec.Members, j.spec.Command = id, members, command
		created := rollout.Create(&s.record, j.spec, j.first, now)
		if name = created.Rollout.Name; j.runs != "" {
			created.Previous = j.runs
		}
	}
	from := ""
	if j.source != nil {
		from = j.source.name()
	}
	s.record.Promotions = append(s.record.Promotions, rollout.Promotion{
		ID: id, Members: members, Status: rollout.PromotionPending, Release: j.spec.Release.ID, Rollout: name,
		Command: command, Stage: s.record.Stage, From: from, CreateTime: now.UTC(), Actor: e.Actor.Login,
		RunURL: e.Lease.RunURL, Origin: e.Origin, Reason: reason,
	})
	s.record.AddEvent(rollout.Event{Type: "promotion.created", Time: now.UTC(), Actor: e.Actor.Login, Rollout: name, Message: reason, Info: map[string]string{"promotion": id}})
	s.dirty = true
}

// again reports a promotion that exists already and takes up what is unfinished.
func (e *Engine) again(ctx context.Context, id string, slots []*slot) (rollout.Outcome, error) {
	open := slices.ContainsFunc(slots, func(s *slot) bool {
		p, ok := s.record.Promotion(id)
		return ok && p.Status == rollout.PromotionPending
	})
	if !open {
		return e.report(id, slots, nil), nil
	}
	e.Observer.Progress("", "this promotion was begun by an earlier attempt of the same job; resuming it")
	return e.resume(ctx, id, slots)
}

// resume runs what is due on slots whose rollouts exist.
func (e *Engine) resume(ctx context.Context, id string, slots []*slot) (rollout.Outcome, error) {
	if err := e.acquire(ctx, slots); err != nil {
		return rollout.Outcome{}, err
	}
	if err := e.commit(ctx, slots...); err != nil {
		return rollout.Outcome{}, err
	}
	return e.runAll(ctx, id, slots)
}

func slotsOf(journeys []*journey) []*slot {
	slots := make([]*slot, len(journeys))
	for i, j := range journeys {
		slots[i] = j.slot
	}
	return slots
}

func namesOf(slots []*slot) []string {
	names := make([]string, len(slots))
	for i, s := range slots {
		names[i] = s.name()
	}
	return names
}
