package ledger

import (
	"context"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

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
	for _, id := range leases(records) {
		run, there := holders[id]
		l.breaks(id, run, there)
	}
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
			r.AddEvent(l.brokenEvent(t, now))
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
	s := l.newState()
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
	answers := l.fates(ctx, holders)
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

// breaks notes that a run's lease may be broken; one without an entry let go, or
// was swept away.
func (l *Ledger) breaks(id string, run rollout.Run, there bool) {
	if id == l.config.Run.ID {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	t := Taken{From: run, Fate: Over, AbsentAfter: run.Until.Add(leaseReserve)}
	switch {
	case !there:
		t = Taken{From: rollout.Run{ID: id}, Fate: Dead}
	case l.asked[id].fate == Dead:
		t.Fate, t.AbsentAfter = Dead, time.Time{}
	}
	l.broken[id] = t
}

func (l *Ledger) brokenRun(id string) Taken {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.broken[id]
}

// brokenEvent is the line of a target's history that says whose lease was broken.
func (l *Ledger) brokenEvent(t Taken, now time.Time) rollout.Event {
	why := "its run is over"
	switch run := t.From; {
	case run.Started.IsZero(): // nothing is known of it any more
	case l.config.Run.Breaks(run):
		why = "this is a later attempt of the same run"
	case !run.Ended && !now.Before(run.Until):
		why = "it ended " + run.Until.UTC().Format(time.RFC3339)
	}
	return rollout.Event{
		Type: "lease.broken", Time: now.UTC(), Actor: l.config.Run.Actor,
		Message: "the lease of " + describe(t.From) + " was taken over: " + why,
	}
}

// fates finds out what became of runs, side by side.
func (l *Ledger) fates(ctx context.Context, runs map[string]rollout.Run) map[string]answer {
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
			answers[i] = l.fate(ctx, runs[id])
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

// IsOver reports whether a run is over, whatever its lease says: by the clock, or
// by what Over says of it. A run that nobody can tell of is not.
func (l *Ledger) IsOver(ctx context.Context, run rollout.Run) bool {
	return l.fate(ctx, run).fate != Alive
}

// fate is what became of a run, by the clock and its entry where they tell, else
// by what Over says, which is believed for good where it is no longer alive.
func (l *Ledger) fate(ctx context.Context, run rollout.Run) answer {
	now := l.config.Work.Now()
	if !run.Holds(now) || l.config.Run.Breaks(run) {
		return answer{fate: Over, at: now}
	}
	l.mu.Lock()
	a, known := l.asked[run.ID]
	l.mu.Unlock()
	if known && (a.fate != Alive || now.Sub(a.at) < askAgain) || l.config.Over == nil {
		return a
	}
	a.fate, a.err = l.config.Over(ctx, run)
	if a.at = now; a.err != nil {
		a.fate = Alive
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked[run.ID] = a
	return a
}
