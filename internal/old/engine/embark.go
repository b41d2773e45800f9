package engine

import (
	"context"
	"slices"

	"sluice/internal/old/rollout"
)

// embark saves the rollouts of a promotion and runs them, together with the
// shares that an earlier attempt left open.
func (e *Engine) embark(ctx context.Context, journeys []*journey, v voyage) (rollout.Outcome, error) {
	moving := slices.DeleteFunc(slices.Clone(journeys), func(j *journey) bool { return j.unchanged })
	at := append(slotsOf(moving), v.left...)
	all := append(slotsOf(journeys), v.left...)
	if len(at) == 0 {
		return e.report(ctx, v.id, all, journeys), nil
	}
	members := namesOf(at)
	if v.shard != nil {
		members = v.shard.Members
	}
	err := e.claim(ctx, at, func(s *slot) error {
		if j := journeyOf(moving, s); j != nil {
			e.create(j, v, members)
		}
		return nil
	})
	if err != nil {
		return rollout.Outcome{}, err
	}
	out, err := e.runAll(ctx, v.id, at)
	if len(all) == len(at) {
		return out, err
	}
	return e.report(ctx, v.id, all, journeys), err
}

// create puts a journey's rollout and promotion into its record.
func (e *Engine) create(j *journey, v voyage, members []string) {
	s, now := j.slot, e.Now()
	var name string
	if j.resume != nil {
		name = j.resume.Rollout.Name
	} else {
		if x, ok := s.record.Rollout(j.supersede); ok {
			_ = x.Supersede(&s.record, j.spec.Release.ID, now) // its deploy job was seen not to have started
		}
		j.spec.Promotion, j.spec.Members, j.spec.Command = v.id, members, v.command
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
		ID: v.id, Members: members, Status: rollout.PromotionPending, Release: j.spec.Release.ID, Rollout: name,
		Command: v.command, Stage: s.record.Stage, From: from, CreateTime: now.UTC(), Actor: e.Actor.Login,
		RunURL: e.Lease.RunURL, Origin: e.Origin, Reason: v.reason,
	})
	s.record.AddEvent(rollout.Event{Type: "promotion.created", Time: now.UTC(), Actor: e.Actor.Login, Rollout: name, Message: v.reason, Info: map[string]string{"promotion": v.id}})
	s.dirty = true
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
