package rollout

import (
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"sluice/stages/driver"
)

// Event is one line of the append-only history. A temporary event opens an
// action; the next event with the same Action that is not temporary closes it.
type Event struct {
	ID        int64             `json:"eventID"`
	Type      string            `json:"type"`
	Time      time.Time         `json:"timestamp"`
	Message   string            `json:"message,omitzero"`
	Temporary bool              `json:"temporary,omitzero"`
	Action    string            `json:"action,omitzero"`
	Actor     string            `json:"actor,omitzero"`
	Rollout   string            `json:"rollout,omitzero"`
	Phase     string            `json:"phase,omitzero"`
	Job       string            `json:"job,omitzero"`
	Info      map[string]string `json:"info,omitempty"`
	Unknown   jsontext.Value    `json:",embed"`
}

// event adds to the history of a rollout.
func (r *Record) event(e *Execution, now time.Time, event Event) {
	event.Time, event.Rollout = now.UTC(), e.Rollout.Name
	r.AddEvent(event)
}

// openActions are the temporary events that no later event closed, oldest first.
func openActions(events []Event) []Event {
	var open []Event
	for _, event := range events {
		if event.Action == "" {
			continue
		}
		open = slices.DeleteFunc(open, func(o Event) bool { return o.Action == event.Action })
		if event.Temporary {
			open = append(open, event)
		}
	}
	return open
}

// closeActions closes what is open in the history of a rollout that is over.
func (r *Record) closeActions(e *Execution, now time.Time) {
	for _, open := range openActions(r.Events) {
		if open.Rollout == e.Rollout.Name {
			r.event(e, now, Event{Type: "action.ended", Phase: open.Phase, Job: open.Job, Action: open.Action, Message: "ended with the rollout"})
		}
	}
}

// platformEvent is the info that says which event of the platform an event is.
const platformEvent = "platformEvent"

// takeEvents merges the platform's own history into ours, once.
func (r *Record) takeEvents(e *Execution, events []driver.Event) {
	for _, event := range events {
		id := platformID(e, event)
		if slices.ContainsFunc(r.Events, func(have Event) bool { return have.Info[platformEvent] == id }) {
			continue
		}
		ours := Event{
			Type: event.Type, Time: event.Time.UTC(), Message: event.Message, Temporary: event.Temporary,
			Rollout: e.Rollout.Name, Info: map[string]string{platformEvent: id},
		}
		if event.Info != "" {
			ours.Info["info"] = event.Info
		}
		if event.Action != "" {
			ours.Action = e.Rollout.Name + "/platform/" + event.Action
		}
		r.AddEvent(ours)
	}
}

// platformID tells the events of a platform apart; one without an id by what it says.
func platformID(e *Execution, event driver.Event) string {
	id := event.ID
	if id == "" {
		id = event.Time.UTC().Format(time.RFC3339Nano) + " " + event.Type + " " + event.Message
	}
	return e.Rollout.Name + "/platform/" + id
}
