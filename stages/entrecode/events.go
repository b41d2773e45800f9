package entrecode

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"sort"
	"strconv"
	"strings"

	"sluice/stages/driver"
)

// events are a deployment's, oldest first: it sends them in no order. Types
// are passed on as they are; nobody documents which there are.
func (d deployment) events() []driver.Event {
	var list []json.RawMessage
	raw := d.fields["events"]
	if json.Unmarshal(raw, &list) != nil && len(raw) > 0 {
		list = []json.RawMessage{raw} // a list of one
	}
	events := make([]driver.Event, 0, len(list))
	for _, item := range list {
		var fields map[string]json.RawMessage
		if json.Unmarshal(item, &fields) != nil || fields == nil {
			continue
		}
		e := eventOf(fields)
		e.ID = d.eventID(cmp.Or(e.ID, fingerprint(item)))
		if e.Time.IsZero() {
			e.Time = d.started
		}
		events = append(events, e)
	}
	sort.SliceStable(events, func(i, j int) bool { return inOrder(events[i], events[j]) < 0 })
	return events
}

// eventID names one of the deployment's events among all of the platform's.
func (d deployment) eventID(id string) string { return strconv.FormatInt(d.number, 10) + "/" + id }

// fingerprint stands in for the id of an event that has none: the same whenever
// the event is read again, wherever it is in the list.
func fingerprint(item json.RawMessage) string {
	h := fnv.New64a()
	h.Write(item) //nolint:errcheck // a hash never fails
	return "unnumbered-" + strconv.FormatUint(h.Sum64(), 36)
}

func eventOf(fields map[string]json.RawMessage) driver.Event {
	return driver.Event{
		ID:        looseID(fields["deploymentEventID"]),
		Type:      cmp.Or(looseText(fields["deploymentEventType"]), "unknown"),
		Time:      looseTime(fields["timestamp"]),
		Message:   looseText(fields["message"]),
		Temporary: looseBool(fields["temporary"]),
		Info:      compact(fields["info"]),
	}
}

// compact is JSON in one line, "" for nothing.
func compact(raw json.RawMessage) string {
	var b bytes.Buffer
	if len(raw) == 0 || json.Compact(&b, raw) != nil {
		return ""
	}
	switch b.String() {
	case "null", "{}", "[]", `""`:
		return ""
	}
	return b.String()
}

// inOrder compares events by time; many have the same one, and then the
// shorter and smaller number is the older.
func inOrder(a, b driver.Event) int {
	return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(len(a.ID), len(b.ID)), strings.Compare(a.ID, b.ID))
}

// history is the deployment's events joined to actions. The platform does not
// say which event closes which action: temporary events in a row open one, and
// the next event that is not temporary closes it. The end of the deployment
// closes what is open then, by an event of ours.
func (d deployment) history() []driver.Event {
	events := d.events()
	last, open := d.started, ""
	for i, e := range events {
		if e.Temporary {
			open = cmp.Or(open, e.ID)
		}
		events[i].Action, last = open, e.Time
		if !e.Temporary {
			open = ""
		}
	}
	if !d.final() {
		return events
	}
	if !d.finished.IsZero() {
		last = d.finished
	}
	return append(events, driver.Event{
		ID: d.eventID(d.status), Type: d.status, Time: last, Action: open,
		Message: fmt.Sprintf("%s ended: %s", d, d.status),
	})
}

// errors are why a deployment failed: the events that say so, else the last
// one, which is the step at which it ended.
func (d deployment) errors() []driver.Problem {
	events := d.events()
	var problems []driver.Problem
	for _, e := range events {
		if kind := strings.ToLower(e.Type); strings.Contains(kind, "err") || strings.Contains(kind, "fail") {
			problems = append(problems, driver.Problem{Code: e.Type, Location: d.String(), Message: e.Message})
		}
	}
	switch {
	case len(problems) > 0:
		return problems
	case len(events) > 0:
		last := events[len(events)-1]
		return []driver.Problem{{Code: last.Type, Location: d.String(), Message: "no event says why; the last one: " + last.Message}}
	default:
		return []driver.Problem{{Location: d.String(), Message: "the platform reports an error and has no event that says why"}}
	}
}
