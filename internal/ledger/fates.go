package ledger

import (
	"context"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"sluice/rollout"
)

// fates are what became of other runs, each asked for once. It is safe for concurrent
// use.
type fates struct {
	config Config

	mu    sync.Mutex
	asked map[string]answer // by id: what Over said
}

// all finds out what became of runs, side by side.
func (f *fates) all(ctx context.Context, runs map[string]rollout.Run) map[string]answer {
	ids := make([]string, 0, len(runs))
	for id := range runs {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	answers := make([]answer, len(ids))
	var group errgroup.Group
	group.SetLimit(askedAtOnce)
	for i, id := range ids {
		group.Go(func() error {
			answers[i] = f.of(ctx, runs[id])
			return nil
		})
	}
	_ = group.Wait() // the errors are in the answers
	byID := map[string]answer{}
	for i, id := range ids {
		byID[id] = answers[i]
	}
	return byID
}

// of is what became of a run, by the clock and its entry where they tell, else
// by what Over says, which is believed for good where it is no longer alive.
func (f *fates) of(ctx context.Context, run rollout.Run) answer {
	now := f.config.Work.Now()
	if !run.Holds(now) || f.config.Run.Breaks(run) {
		return answer{fate: Over, at: now}
	}
	f.mu.Lock()
	a, known := f.asked[run.ID]
	f.mu.Unlock()
	if known && (a.fate != Alive || now.Sub(a.at) < askAgain) || f.config.Over == nil {
		return a
	}
	a.fate, a.err = f.config.Over(ctx, run)
	if a.at = now; a.err != nil {
		a.fate = Alive
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked[run.ID] = a
	return a
}

// dead reports whether a run's process was found to be gone.
func (f *fates) dead(id string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked[id].fate == Dead
}

// forget has a run asked about again: what was said of it was wrong.
func (f *fates) forget(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.asked, id)
}

const (
	// askedAtOnce bounds the runs that Over is asked about side by side.
	askedAtOnce = 8
	// askAgain is how long the answer that a run is alive is believed.
	askAgain = time.Minute
)

// heldBy is the error of records that other runs hold, nil where none does.
// holders are the entries of those runs.
func (f *fates) heldBy(ctx context.Context, records []*rollout.Record, holders map[string]rollout.Run) error {
	answers := f.all(ctx, holders)
	held := map[string]*HeldError{}
	var errs []error
	for _, r := range records {
		run, there := holders[r.Lease]
		if !there || answers[r.Lease].fate != Alive {
			continue
		}
		if held[r.Lease] == nil {
			held[r.Lease] = &HeldError{Run: run, Why: answers[r.Lease].err}
			errs = append(errs, held[r.Lease])
		}
		held[r.Lease].Targets = append(held[r.Lease].Targets, r.Target)
	}
	return Join(errs...)
}
