package rollout

import (
	"slices"
	"time"

	v2 "github.com/go-json-experiment/json"
)

// pastKept bounds [Record.Past].
const pastKept = 50

// looseEventsKept bounds the events of no rollout that stay in the record.
const looseEventsKept = 20

// Moved is what [Seal] took out of a record, for its [History].
type Moved struct {
	Rollouts []Execution
	Events   []Event
}

// Empty reports whether nothing moved.
func (m Moved) Empty() bool { return len(m.Rollouts)+len(m.Events) == 0 }

// Seal makes a changed record ready to be saved: etags, when it is due, and what
// is over and no longer needed taken out, which is to be saved with it. g and s
// as for [Next]. durable is the id of the newest event that is known to be stored:
// what was told since stays, with its rollout. Until it is stored it may still get
// another id ([Rebase]), and whoever finds the history of a process that died before
// its record was saved must find nothing there that the record does not say too. The
// generation is the ledger's.
func Seal(r *Record, g *Group, s Setting, durable int64, now time.Time) Moved {
	moved := moveOut(r, durable)
	for i := range r.Rollouts {
		e := &r.Rollouts[i]
		if !e.mirrored() {
			e.Rollout.Etag = etag(e.Rollout)
		}
		e.Due = time.Time{}
	}
	if e, ok := r.Active(); ok {
		e.Due = now.UTC()
		switch due := Next(r, g, s, now); due.Action {
		case ActionWait:
			e.Due = due.Waiting.Until
		case ActionConfirm:
			if until := e.Steps.UndecidedUntil(); until.After(now) {
				e.Due = until
			}
		}
	}
	return moved
}

func etag(r Rollout) string {
	r.Etag = ""
	data, err := v2.Marshal(r, v2.Deterministic(true))
	if err != nil {
		return ""
	}
	return digest(data)
}

// moveOut takes out what is over and nothing needs, as far as it is durable.
func moveOut(r *Record, durable int64) Moved {
	keep := namesKept(r)
	for _, e := range r.Events {
		if e.ID > durable {
			keep[e.Rollout] = true
		}
	}
	var moved Moved
	r.Rollouts = slices.DeleteFunc(r.Rollouts, func(e Execution) bool {
		if keep[e.Rollout.Name] {
			return false
		}
		moved.Rollouts = append(moved.Rollouts, e)
		r.Past = append(r.Past, Past{
			Rollout: e.Rollout.Name, Promotion: e.Spec.Promotion, State: e.Rollout.State,
			Release: e.Spec.Release.ID, Origin: e.Spec.Release.Origin,
			Good: e.Rollout.State == StateSucceeded && len(e.Rollout.RolledBackByRollouts) == 0 && e.Rollout.RollbackOfRollout == "",
		})
		return true
	})
	r.Past = newest(r.Past, pastKept)
	if len(moved.Rollouts) == 0 && looseEvents(r.Events) <= 2*looseEventsKept {
		return moved
	}
	moved.Events = moveEvents(r, keep, durable)
	return moved
}

// namesKept names the rollouts that stay: those that are not over, the newest, and of
// each of reasonsToStay the newest; and what a rollback that stays is about.
func namesKept(r *Record) map[string]bool {
	keep := map[string]bool{}
	for i := range r.Rollouts {
		if e := &r.Rollouts[i]; !e.Over() || i == len(r.Rollouts)-1 {
			keep[e.Rollout.Name] = true
		}
	}
	for _, stays := range reasonsToStay {
		for i := range slices.Backward(r.Rollouts) {
			if e := &r.Rollouts[i]; stays(e) {
				keep[e.Rollout.Name] = true
				break
			}
		}
	}
	for i := range slices.Backward(r.Rollouts) {
		e := &r.Rollouts[i]
		if undone := e.Rollout.RollbackOfRollout; undone != "" && (keep[e.Rollout.Name] || keep[undone]) {
			keep[e.Rollout.Name], keep[undone] = true, true
		}
	}
	return keep
}

// reasonsToStay are what the newest rollout stays for: it is the last word on
// where going back would start, it can be gone back from, it was good.
var reasonsToStay = []func(*Execution) bool{
	isLastWord,
	func(e *Execution) bool {
		return e.Touched() && !e.Spec.goesBack() && len(e.Rollout.RolledBackByRollouts) == 0
	},
	func(e *Execution) bool { return e.Rollout.State == StateSucceeded && !e.Spec.goesBack() },
}

// isLastWord reports whether going back looks no further than this rollout.
func isLastWord(e *Execution) bool {
	if e.Waits() {
		return false
	}
	found, err := backFrom(e)
	return found || err != nil
}

// looseEvents counts the events that belong to no rollout.
func looseEvents(events []Event) int {
	n := 0
	for _, e := range events {
		if e.Rollout == "" {
			n++
		}
	}
	return n
}

// moveEvents takes out the events of rollouts that moved, and the oldest of
// those that belong to none.
func moveEvents(r *Record, keep map[string]bool, durable int64) []Event {
	surplus := looseEvents(r.Events) - looseEventsKept
	last := int64(0)
	if n := len(r.Events); n > 0 {
		last = r.Events[n-1].ID
	}
	var moved []Event
	r.Events = slices.DeleteFunc(r.Events, func(e Event) bool {
		stays := keep[e.Rollout] || e.ID == last // the newest stays: the next id comes after it
		if e.Rollout == "" {
			surplus--
			stays = e.ID > durable || e.ID == last || surplus < 0
		}
		if !stays {
			moved = append(moved, e)
		}
		return !stays
	})
	return moved
}
