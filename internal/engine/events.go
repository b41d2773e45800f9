package engine

import (
	"context"
	"slices"

	"sluice/pipeline"
	"sluice/rollout"
)

// TargetEvent is an event and the target that it is of.
type TargetEvent struct {
	Target string `json:"target"`
	Stage  string `json:"stage"`
	rollout.Event
}

// Events are the history of targets, oldest first. Errors are those of the ledger.
func (e *Engine) Events(ctx context.Context, targets []*pipeline.Target) ([]TargetEvent, error) {
	state, err := e.load(ctx, names(targets)...)
	if err != nil {
		return nil, err
	}
	all := names(targets)
	for former := range e.former(all) {
		all = append(all, former)
	}
	histories, err := e.Ledger.Histories(ctx, all...)
	if err != nil {
		return nil, err
	}
	var told []TargetEvent
	for _, t := range targets {
		name := t.Name.Value
		for _, known := range []string{t.Formerly.Value, name} {
			if h := histories[known]; h != nil && known != "" && (known == name || histories[name] == nil) {
				told = append(told, of(t, h.Events)...)
			}
		}
		if r := state.Records[name]; r != nil {
			told = append(told, of(t, r.Events)...)
		}
	}
	slices.SortStableFunc(told, func(a, b TargetEvent) int { return a.Time.Compare(b.Time) })
	return told, nil
}

func of(t *pipeline.Target, events []rollout.Event) []TargetEvent {
	list := make([]TargetEvent, len(events))
	for i, event := range events {
		list[i] = TargetEvent{Target: t.Name.Value, Stage: t.Stage.Name.Value, Event: event}
	}
	return list
}
