package ledger

import (
	"context"
	"time"

	"sluice/internal/store"
	"sluice/rollout"
)

// Fate is what became of a run.
type Fate int

// The fates of a run.
const (
	// Alive: at work, or nobody can tell.
	Alive Fate = iota
	// Over: it has ended, by what is said of it; what it had begun may still reach
	// a platform until its lease ends.
	Over
	// Dead: its process is gone, seen on the machine itself.
	Dead
)

// Taken says from whom a target was taken over.
type Taken struct {
	Target string
	From   rollout.Run // its ID alone where the run let go, or was swept away
	Fate   Fate
	// AbsentAfter is when an effect that the old holder intended may be concluded
	// to be absent, as far as the lease goes: 60 s after its end. Zero where nothing
	// of the old holder can be under way any more.
	AbsentAfter time.Time
}

// answer is what Over said of a run.
type answer struct {
	fate Fate
	err  error
	at   time.Time
}

const (
	// askedAtOnce bounds the runs that Over is asked about side by side.
	askedAtOnce = 8
	// askAgain is how long the answer that a run is alive is believed.
	askAgain = time.Minute
)

// Take makes records this run's in memory; the next save makes it so. What is
// free, ours, a lower attempt's of the same run, or a run's that is over is
// taken; else none is, and the error joins one [*HeldError] for each run.
// [*LostError] where this run's own lease is lost, [*UnreadableError] where the
// runs that hold the records cannot be read.
func (l *Ledger) Take(ctx context.Context, records ...*rollout.Record) ([]Taken, error) {
	if lost := l.lostError(); lost != nil {
		return nil, lost
	}
	holders, err := l.holders(ctx, leases(records))
	if err != nil {
		return nil, err
	}
	if err := l.heldBy(ctx, records, holders); err != nil {
		return nil, err
	}
	l.mu.Lock()
	for _, id := range leases(records) {
		run, there := holders[id]
		l.breaks(id, run, there, l.fates.dead(id))
	}
	l.mu.Unlock()
	now := l.config.Work.Now()
	var taken []Taken
	for _, r := range records {
		from, t := r.Lease, Taken{}
		if from != "" && from != l.config.Run.ID {
			t = l.brokenRun(from)
		}
		take := rollout.TakeLease{Run: l.config.Run.ID, From: from, AbsentAfter: t.AbsentAfter}
		if err := rollout.Apply(r, take, now); err != nil {
			return nil, err
		}
		if from != "" && from != l.config.Run.ID {
			t.Target = r.Target
			taken = append(taken, t)
			r.AddEvent(brokenEvent(l.config.Run, t, now))
		}
	}
	return taken, nil
}

func leases(records []*rollout.Record) []string {
	var ids []string
	seen := map[string]bool{"": true}
	for _, r := range records {
		if !seen[r.Lease] {
			seen[r.Lease] = true
			ids = append(ids, r.Lease)
		}
	}
	return ids
}

// holders reads the entries of other runs; one that let go, or was swept away,
// has none.
func (l *Ledger) holders(ctx context.Context, ids []string) (map[string]rollout.Run, error) {
	var keys []store.Key
	for _, id := range ids {
		if id != l.config.Run.ID {
			keys = append(keys, l.key(Run(id)))
		}
	}
	s := newState(l.config.Pipeline)
	if err := l.into(ctx, s, keys); err != nil {
		return nil, err
	}
	runs := map[string]rollout.Run{}
	for id, r := range s.Runs {
		runs[id] = *r
	}
	return runs, nil
}

// heldBy is the error of records that other runs hold, nil where none does.
// holders are the entries of those runs.
func (l *Ledger) heldBy(ctx context.Context, records []*rollout.Record, holders map[string]rollout.Run) error {
	answers := l.fates.all(ctx, holders)
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

func (l *Ledger) brokenRun(id string) Taken {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.broken[id]
}

// brokenEvent is the line of a target's history that says whose lease was broken.
func brokenEvent(by rollout.Run, t Taken, now time.Time) rollout.Event {
	why := "its run is over"
	switch run := t.From; {
	case run.Started.IsZero(): // nothing is known of it any more
	case by.Breaks(run):
		why = "this is a later attempt of the same run"
	case !run.Ended && !now.Before(run.Until):
		why = "it ended " + run.Until.UTC().Format(time.RFC3339)
	}
	return rollout.Event{
		Type: "lease.broken", Time: now.UTC(), Actor: by.Actor,
		Message: "the lease of " + describe(t.From) + " was taken over: " + why,
	}
}

// IsOver reports whether a run is over, whatever its lease says: by the clock, or
// by what Over says of it. A run that nobody can tell of is not.
func (l *Ledger) IsOver(ctx context.Context, run rollout.Run) bool {
	return l.fates.of(ctx, run).fate != Alive
}
