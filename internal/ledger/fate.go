package ledger

import (
	"time"

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
