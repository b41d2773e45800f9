package engine

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"sluice/internal/old/rollout"
	"sluice/internal/store"
	"sluice/pipeline"
	"sluice/stages/driver"
)

// TargetStatus is what is known of a target: its newest rollout, and what the
// platform says runs there.
type TargetStatus struct {
	rollout.TargetOutcome
	Runs     string        `json:"runs"`            // by the platform now
	Drift    bool          `json:"drift,omitempty"` // the platform runs something else than the record says
	Orphaned bool          `json:"orphaned,omitempty"`
	Lock     *rollout.Lock `json:"lock,omitempty"`
	Problem  string        `json:"problem,omitempty"` // why the platform could not be asked

	runs driver.Release
}

// Status is what is known of a pipeline.
type Status struct {
	Outcome rollout.Outcome
	Targets []TargetStatus
	Records []rollout.Record // those that were read, in the order of Targets
}

// Status reads every target's record and asks the platforms what runs. Records
// of targets that the pipeline no longer has are orphaned and shown too.
func (e *Engine) Status(ctx context.Context, targets []*pipeline.Target, orphans bool) (Status, error) {
	slots, err := e.load(ctx, targets)
	if err != nil {
		return Status{}, err
	}
	if orphans {
		lost, err := e.orphans(ctx)
		if err != nil {
			return Status{}, err
		}
		slots = append(slots, lost...)
	}
	if err := e.waits(ctx, slots); err != nil {
		return Status{}, err
	}
	s := Status{Outcome: e.report(ctx, "", slots, nil), Targets: make([]TargetStatus, len(slots))}
	var group errgroup.Group
	group.SetLimit(e.Concurrency)
	for i, slot := range slots {
		s.Targets[i] = TargetStatus{TargetOutcome: s.Outcome.Targets[i], Lock: slot.record.Lock, Orphaned: slot.declared == nil}
		s.Records = append(s.Records, slot.record)
		if slot.declared != nil {
			group.Go(func() error { e.ask(ctx, slot, &s.Targets[i]); return nil })
		}
	}
	_ = group.Wait() // what could not be asked stands in the targets
	return s, nil
}

// waits finds what unfinished rollouts wait for, siblings and policies included.
func (e *Engine) waits(ctx context.Context, slots []*slot) error {
	beside, err := e.beside(ctx, slots, haltOnFailure)
	if err != nil {
		return err
	}
	look := e.newRun(slots, beside)
	for _, s := range slots {
		if due := look.next(s); due.Action == rollout.ActionWait {
			s.stopped = due.Waiting
		}
	}
	return nil
}

// ask fills in what the platform says.
func (e *Engine) ask(ctx context.Context, s *slot, t *TargetStatus) {
	place, err := e.place(s.declared.Driver())
	if err != nil {
		t.Problem = err.Error()
		return
	}
	runs, err := retryReads(ctx, e, func(ctx context.Context) (driver.Release, error) { return place.Current(ctx) })
	if err != nil {
		t.Problem = err.Error()
		return
	}
	t.Runs, t.runs = runs.ID, runs
	if t.Release == "" {
		t.Release = runs.ID
	}
	t.PlatformRelease = runs.Platform
	t.Drift = s.record.Release != nil && s.record.Release.ID != runs.ID
}

// orphans loads the records of targets that the pipeline does not declare,
// neither by their name nor by an earlier one.
func (e *Engine) orphans(ctx context.Context) ([]*slot, error) {
	keys, err := e.Store.List(ctx, e.Pipeline.Name.Value, store.KindTarget)
	if err != nil {
		return nil, err
	}
	declared := slices.Collect(e.Pipeline.All())
	keys = slices.DeleteFunc(keys, func(k store.Key) bool {
		return slices.ContainsFunc(declared, func(t *pipeline.Target) bool { return t.Name.Value == k.Target || t.Formerly.Value == k.Target })
	})
	if len(keys) == 0 {
		return nil, nil
	}
	entries, err := e.Store.Load(ctx, keys...)
	if err != nil {
		return nil, err
	}
	return e.found(entries)
}

// Events reads the history of targets, oldest first.
func (e *Engine) Events(ctx context.Context, targets []*pipeline.Target) ([]TargetEvent, error) {
	slots, err := e.load(ctx, targets)
	if err != nil {
		return nil, err
	}
	var events []TargetEvent
	for _, s := range slots {
		for _, event := range s.record.Events {
			events = append(events, TargetEvent{Target: s.name(), Stage: s.record.Stage, Event: event})
		}
	}
	slices.SortStableFunc(events, func(a, b TargetEvent) int { return a.Time.Compare(b.Time) })
	return events, nil
}

// TargetEvent is an event and where it happened.
type TargetEvent struct {
	Target string `json:"target"`
	Stage  string `json:"stage"`
	rollout.Event
}
