package ledger

import (
	"context"

	"sluice/internal/store"
	"sluice/rollout"
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
	if err := l.fates.heldBy(ctx, records, holders); err != nil {
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

// IsOver reports whether a run is over, whatever its lease says: by the clock, or
// by what Over says of it. A run that nobody can tell of is not.
func (l *Ledger) IsOver(ctx context.Context, run rollout.Run) bool {
	return l.fates.of(ctx, run).fate != Alive
}
