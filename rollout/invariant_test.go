package rollout

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"
)

// phaseOrder is how far a phase is; a phase only goes forward unless a person
// takes its rollout up again.
var phaseOrder = map[PhaseState]int{PhasePending: 0, PhaseInProgress: 1, PhaseSucceeded: 2, PhaseFailed: 2, PhaseAborted: 2, PhaseSkipped: 2}

// checkAlways asserts what holds of every record at any time.
func checkAlways(t *testing.T, r *Record) {
	t.Helper()
	for i := range r.Rollouts {
		e := &r.Rollouts[i]
		open := 0
		for _, step := range e.Steps {
			if step.Open() {
				open++
			}
		}
		if !e.Spec.Remote && open > 1 {
			t.Errorf("%s has %d open effects", e.Rollout.Name, open)
		}
		if !e.Spec.Remote && e.Rollout.State.Final() && e.busy() {
			t.Errorf("%s is %s and busy", e.Rollout.Name, e.Rollout.State)
		}
		if !e.Rollout.DeployEndTime.IsZero() && !e.Rollout.State.Final() {
			t.Errorf("%s is %s and has ended", e.Rollout.Name, e.Rollout.State)
		}
		if e.Rollout.State == StateFailed && (e.Rollout.FailureReason == "" || e.Rollout.DeployFailureCause == "") {
			t.Errorf("%s is FAILED for no reason", e.Rollout.Name)
		}
		if e.Rollout.State == StateSucceeded && !e.Spec.Remote && slices.ContainsFunc(e.Rollout.Phases, func(p Phase) bool { return p.State != PhaseSucceeded && p.State != PhaseSkipped }) {
			t.Errorf("%s SUCCEEDED with %s", e.Rollout.Name, states(e))
		}
	}
	for _, open := range openActions(r.Events) {
		if e, ok := r.Rollout(open.Rollout); ok && e.Over() {
			t.Errorf("%s is over and %s %s is open", open.Rollout, open.Type, open.Action)
		}
	}
	for i := 1; i < len(r.Events); i++ {
		if r.Events[i].ID <= r.Events[i-1].ID {
			t.Errorf("event %d after %d", r.Events[i].ID, r.Events[i-1].ID)
		}
	}
}

// checkPure asserts that looking changes nothing, that settling twice is
// settling once, and that a record survives being stored.
func checkPure(t *testing.T, r *Record, now time.Time) {
	t.Helper()
	before := encoded(t, *r)
	Next(r, nil, Setting{}, now)
	for i := range r.Rollouts {
		r.ShareOf(r.Rollouts[i].Spec.Promotion)
	}
	if _, _, err := r.BackFrom(""); err == nil {
		r.Goals(nil)
	}
	settled := r.Clone()
	Settle(&settled, nil, Setting{}, now)
	once := encoded(t, settled)
	if Settle(&settled, nil, Setting{}, now) || !bytes.Equal(once, encoded(t, settled)) {
		t.Error("settling twice is not settling once")
	}
	if !bytes.Equal(before, encoded(t, *r)) {
		t.Error("looking changed the record, or a copy is not independent")
	}
	back, err := Decode[Record](before)
	if err != nil {
		t.Fatalf("stored record: %v", err)
	}
	if !reflect.DeepEqual(back, r.Clone()) || !bytes.Equal(before, encoded(t, back)) {
		t.Error("a stored record comes back as another")
	}
}

// checkChange asserts what one step may do. again says that the step was a
// command that takes a rollout up again.
func checkChange(t *testing.T, before, after *Record, again bool) {
	t.Helper()
	for i := range before.Rollouts {
		was := &before.Rollouts[i]
		is, ok := after.Rollout(was.Rollout.Name)
		if !ok || again || was.Spec.Remote {
			continue
		}
		if was.Rollout.State.Final() && is.Rollout.State != was.Rollout.State {
			t.Errorf("%s went from %s to %s", was.Rollout.Name, was.Rollout.State, is.Rollout.State)
		}
		for j, p := range was.Rollout.Phases {
			now := is.Rollout.Phases[j].State
			if phaseOrder[now] < phaseOrder[p.State] || phaseOrder[p.State] == 2 && now != p.State {
				t.Errorf("%s: phase %s went from %s to %s", was.Rollout.Name, p.ID, p.State, now)
			}
		}
	}
}

// live asserts the invariants over one random sequence of events.
func live(t *testing.T, seed uint64) {
	w := &walk{rig: newRig(t), rng: rand.New(rand.NewPCG(seed, 7)), history: NewHistory("shop", "web")}
	for i := range 60 {
		before := w.r.Clone()
		again := w.event()
		checkChange(t, &before, &w.r, again)
		checkAlways(t, &w.r)
		if i%10 == 0 {
			checkPure(t, &w.r, w.now)
			checkGoogle(t, &w.r)
		}
		if t.Failed() {
			t.Fatalf("seed %d, after %v", seed, w.log)
		}
	}
	w.settleDown()
	checkAlways(t, &w.r)
	checkPure(t, &w.r, w.now)
	if t.Failed() {
		t.Fatalf("seed %d, settling down after %v", seed, w.log)
	}
}

func TestRandomLives(t *testing.T) {
	for seed := range uint64(60) {
		live(t, seed)
	}
}

// FuzzLives looks for a sequence of events that breaks an invariant.
func FuzzLives(f *testing.F) {
	f.Add(uint64(1000))
	f.Fuzz(live)
}
