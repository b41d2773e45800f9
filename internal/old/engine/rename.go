package engine

import (
	"context"

	"sluice/internal/old/rollout"
	"sluice/internal/store"
	"sluice/pipeline"
	"sluice/stages/driver"
)

// takeOver starts the record of a renamed target from that of its earlier
// name, its lock included. The earlier record stays as it was.
func (e *Engine) takeOver(ctx context.Context, s *slot, t *pipeline.Target) error {
	former := store.Key{Pipeline: e.Pipeline.Name.Value, Target: t.Formerly.Value}
	entries, err := e.Store.Load(ctx, former)
	if err != nil || entries[0].Version == "" {
		return err
	}
	old := slot{key: former}
	if err := old.decode(entries[0]); err != nil {
		return err
	}
	s.record, s.shown = old.record, old.shown
	s.record.Target, s.record.Stage, s.record.Generation = t.Name.Value, t.Stage.Name.Value, 0
	for i := range s.record.Rollouts {
		rename(&s.record.Rollouts[i], former.Target, t.Driver())
	}
	for i := range s.record.Promotions {
		renameIn(s.record.Promotions[i].Members, former.Target, s.name())
	}
	s.record.AddEvent(rollout.Event{Type: "target.renamed", Time: e.Now().UTC(), Message: former.Target + " is now " + t.Name.Value})
	return nil
}

// rename makes a rollout one of the renamed target, so that what is under way
// is followed under its new name.
func rename(x *rollout.Execution, former string, target driver.Target) {
	x.Spec.Target, x.Rollout.TargetID = target, target.Name
	renameIn(x.Spec.Members, former, target.Name)
	for i := range x.Steps {
		step := &x.Steps[i]
		renameIn(step.Members, former, target.Name)
		for c := range step.Call.Changes {
			if step.Call.Changes[c].Target.Name == former {
				step.Call.Changes[c].Target = target
			}
		}
		if step.Operation == nil {
			continue
		}
		if result, ok := step.Operation.Results[former]; ok {
			step.Operation.Results = map[string]driver.Result{target.Name: result}
		}
	}
}

func renameIn(names []string, former, name string) {
	for i := range names {
		if names[i] == former {
			names[i] = name
		}
	}
}
