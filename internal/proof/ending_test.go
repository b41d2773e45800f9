package proof_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"sluice/rollout"
)

// ending is what a life came to, in meaning: without times, ids, and how often
// something was saved.
type ending struct {
	Effects map[string][]string // at the platforms, by target
	Records map[string][]string // by target
}

func (e ending) String() string {
	text, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		panic(err)
	}
	return string(text)
}

// ending reads how the world stands.
func (w *world) ending(t testing.TB) ending {
	t.Helper()
	var state struct{ Records []json.RawMessage }
	w.document(t, &state, "state", "show")
	e := ending{w.effects(), map[string][]string{}}
	for _, text := range state.Records {
		r, err := rollout.Decode[rollout.Record](text)
		if err != nil {
			t.Fatal(err)
		}
		e.Records[r.Target] = meaning(r)
	}
	return e
}

// meaning is what a record says, line by line.
func meaning(r rollout.Record) []string {
	var lines []string
	say := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	if r.Release != nil {
		say("release %s", r.Release.ID)
	}
	say("lease %q, %d orders", r.Lease, len(r.Orders))
	for _, b := range r.Blocks {
		say("block %s of %q for %s", b.Kind, b.Release, b.Whom)
	}
	for _, e := range r.Rollouts {
		say("rollout %s: %s of %s, %s", e.Rollout.Name, e.Spec.Command, e.Spec.Release.ID, e.Rollout.State)
		for _, phase := range e.Rollout.Phases {
			say("phase %s: %s", phase.ID, phase.State)
		}
	}
	return lines
}

// event is one line of the history, as the command events prints it.
type event struct {
	rollout.Event
	Target string
}

// contradictions are what the events of a target say against each other: an
// action that is over twice or never, a rollout that began or ended twice, an
// event that is missing.
func (w *world) contradictions(t testing.TB) []string {
	t.Helper()
	var history struct{ Events []event }
	w.document(t, &history, "events")
	var found []string
	byTarget := map[string][]event{}
	for _, e := range history.Events {
		byTarget[e.Target] = append(byTarget[e.Target], e)
	}
	for target, events := range byTarget {
		for _, what := range contradict(events) {
			found = append(found, target+": "+what)
		}
	}
	slices.Sort(found)
	return found
}

func contradict(events []event) []string {
	var found []string
	open, over, told := map[string]bool{}, map[string]int{}, map[string]int{}
	// They are printed by their times, which a platform's own events bring along.
	slices.SortStableFunc(events, func(a, b event) int { return cmp.Compare(a.ID, b.ID) })
	for i, e := range events {
		if e.ID != int64(i+1) {
			found = append(found, fmt.Sprintf("event %d is the %d. of them", e.ID, i+1))
		}
		switch {
		case e.Action == "":
		case e.Temporary:
			open[e.Action] = true
			delete(over, e.Action) // somebody had it done again
		default:
			delete(open, e.Action)
			over[e.Action]++
		}
		if kind, ok := strings.CutPrefix(e.Type, "rollout."); ok && e.Rollout != "" {
			switch kind {
			case "succeeded", "failed", "cancelled":
				told[e.Rollout+" is over"]++
			case "reopened", "cancelling": // by who retries a job, or cancels what failed while its canary stands
				delete(told, e.Rollout+" is over")
			case "created", "started":
				told[e.Rollout+" is "+kind]++
			}
		}
	}
	for action := range open {
		found = append(found, action+" was begun and is never over")
	}
	for action, n := range over {
		if n > 1 {
			found = append(found, fmt.Sprintf("%s is over %d times", action, n))
		}
	}
	for what, n := range told {
		if n > 1 {
			found = append(found, fmt.Sprintf("%s %d times", what, n))
		}
	}
	return found
}
