package rollout

import (
	"slices"
	"time"
)

// Undone is r as it was before a save that could not be made for every target of its
// set: nothing of that save took place. What others saved beside the lease stays, and
// so does what was told, with what puts it right: an action that the save began is
// ended, one that it ended is at work again, and the name of a rollout that it made is
// not used again. before is never changed, and has no rollouts where r was new.
func (r *Record) Undone(before Record, by Actor, now time.Time) Record {
	back := before.Clone()
	back.Lease, back.Blocks, back.Orders, back.Events = "", r.Blocks, r.Orders, slices.Clone(r.Events)
	was, is := openActions(before.Events), openActions(r.Events)
	for _, begun := range without(is, was) {
		back.AddEvent(takenUpAs("action.ended", begun, now))
	}
	for _, ended := range without(was, is) {
		resumed := takenUpAs("action.resumed", ended, now)
		resumed.Temporary = true
		back.AddEvent(resumed)
	}
	for i := range r.Rollouts {
		forgetSaved(&back, &r.Rollouts[i], now)
	}
	back.AddEvent(Event{
		Type: "promotion.withdrawn", Time: now.UTC(), Actor: by.Login,
		Message: "it could not be saved for every target, and nothing was done",
	})
	return back
}

// forgetSaved notes what became of a rollout as it was saved: it is not over, or was
// never made.
func forgetSaved(r *Record, saved *Execution, now time.Time) {
	name := saved.Rollout.Name
	e, known := r.Rollout(name)
	switch {
	case !known && !slices.ContainsFunc(r.Past, func(p Past) bool { return p.Rollout == name }):
		r.Past = append(r.Past, Past{Rollout: name, State: StateCancelled})
	case known && saved.Rollout.State.Final() && !e.Rollout.State.Final():
		r.event(e, now, Event{Type: "rollout.reopened", Message: undoneText})
	}
}

// undoneText is why what was told is not so.
const undoneText = "it could not be saved for every target"

// takenUpAs is an event about what another one was about.
func takenUpAs(kind string, about Event, now time.Time) Event {
	return Event{Type: kind, Time: now.UTC(), Rollout: about.Rollout, Phase: about.Phase, Job: about.Job, Action: about.Action, Message: undoneText}
}

// without are the events of list whose action none of others has.
func without(list, others []Event) []Event {
	return slices.DeleteFunc(slices.Clone(list), func(e Event) bool {
		return slices.ContainsFunc(others, func(o Event) bool { return o.Action == e.Action })
	})
}
