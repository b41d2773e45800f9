package rollout

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"sluice/stages/driver"
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
	Next(r, now, View{})
	for i := range r.Rollouts {
		OutcomeOf(r, &r.Rollouts[i])
	}
	settled := r.Clone()
	Settle(&settled, now)
	once := encoded(t, settled)
	if Settle(&settled, now) || !bytes.Equal(once, encoded(t, settled)) {
		t.Error("settling twice is not settling once")
	}
	if !bytes.Equal(before, encoded(t, *r)) {
		t.Error("looking changed the record, or a copy is not independent")
	}
	back, err := Decode(before)
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

// walk is a random life of one target.
type walk struct {
	*stand
	rng     *rand.Rand
	made    int
	history int
	log     []string
}

func (w *walk) pick(list ...string) string { return list[w.rng.IntN(len(list))] }

// answers scripts whatever may be asked next.
func (w *walk) answers() {
	w.script = map[string][]string{}
	for _, kind := range []driver.Kind{driver.Weight, driver.Stable, driver.Disable, driver.Deploy, driver.Rollback} {
		for _, phase := range []string{"canary-10", "canary-50", "stable"} {
			w.script[phase+"/"+string(kind)] = []string{w.pick("done", "done", "done", "run", "lost", "fail", "denied", "refuse", "withdraw", "unchanged")}
		}
		w.script["poll "+string(kind)] = []string{w.pick("done", "done", "run", "fail", "denied")}
		w.script["lookup "+string(kind)] = []string{w.pick("done", "absent", "undecided", "foreign", "denied")}
	}
	for _, phase := range []string{"canary-10", "canary-50", "stable"} {
		for _, job := range []string{JobPredeploy, JobVerify, JobAnalysis, JobPostdeploy} {
			w.script[phase+"/"+job] = []string{w.pick("ok", "ok", "ok", "fail", "interrupted")}
		}
	}
}

// create adds a rollout of some kind.
func (w *walk) create() {
	w.made++
	var change []func(*Spec)
	for _, maybe := range []func(*Spec){
		canary("10", "50"), canary("10"), disabled, waits(10 * time.Minute), holds, approved(ApprovalSpec{Quorum: 1, Timeout: Duration(3 * time.Hour)}),
		gated(JobPredeploy, JobVerify), gated(JobAnalysis), gated(JobPostdeploy),
	} {
		if w.rng.IntN(2) == 0 {
			change = append(change, maybe)
		}
	}
	change = append(change, release(fmt.Sprintf("r%d", w.rng.IntN(4)+2)), promotion(fmt.Sprintf("p%d", w.made)))
	e := Create(&w.r, plan(change...), w.rng.IntN(8) == 0, w.now)
	if len(e.Spec.Phases) == 1 && e.Spec.Phases[0].Effects[0] == driver.Stable {
		e.Spec.Phases[0].Effects = []driver.Kind{driver.Deploy}
	}
	w.promoted(e)
}

// command does one of the commands to one of the rollouts.
func (w *walk) command() (again bool) {
	if len(w.r.Rollouts) == 0 {
		return false
	}
	names := slices.Sorted(maps.Keys(commands))
	name := names[w.rng.IntN(len(names))]
	e := &w.r.Rollouts[w.rng.IntN(len(w.r.Rollouts))]
	before := encoded(w.t, w.r)
	if err := commands[name](&w.r, e, w.now); err != nil {
		if !bytes.Equal(before, encoded(w.t, w.r)) {
			w.t.Errorf("refused %s changed the record: %v", name, err)
		}
		return false
	}
	w.log = append(w.log, name)
	return name == "retry-job" || name == "ignore-job" || name == "cancel"
}

// event makes one thing happen.
func (w *walk) event() (again bool) {
	switch n := w.rng.IntN(20); {
	case n < 2 && len(w.r.Rollouts) < 8:
		w.create()
	case n < 6:
		return w.command()
	case n < 8:
		w.now = w.now.Add(time.Duration(w.rng.IntN(90)) * time.Minute)
	case n < 9:
		w.seal()
	case n < 10 && w.rng.IntN(6) == 0:
		w.r.Abandon(fmt.Sprintf("r%d", w.rng.IntN(4)+2), "carol", "", w.now)
	case n < 11:
		w.r.Lock = map[bool]*Lock{true: nil, false: {Person: true, Actor: "carol", Holder: "carol"}}[w.r.Lock != nil]
	case n < 12:
		w.runs.Stable = w.pick(w.runs.Stable, "hotfix")
	default:
		w.answers()
		Settle(&w.r, w.now)
		w.do(Next(&w.r, w.now, View{}))
	}
	return false
}

// seal saves, and asserts that nothing is lost that is still needed.
func (w *walk) seal() {
	before := w.r.Clone()
	Seal(&w.r, w.now, w.history)
	if w.r.Generation != before.Generation+1 {
		w.t.Errorf("generation %d after %d", w.r.Generation, before.Generation)
	}
	for i := range before.Rollouts {
		e := &before.Rollouts[i]
		if _, kept := w.r.Rollout(e.Rollout.Name); !kept && (!e.Over() || e.Rollout.Name == before.newestSuccess() || i == len(before.Rollouts)-1) {
			w.t.Errorf("%s was dropped, which is %s", e.Rollout.Name, e.Rollout.State)
		}
	}
	for _, p := range w.r.Promotions {
		if e, ok := w.r.Rollout(p.Rollout); ok && (p.Status == PromotionPending) != (!e.Over() || p.Status == PromotionPending) {
			w.t.Errorf("promotion %s is %s, its rollout %s", p.ID, p.Status, e.Rollout.State)
		}
	}
	if got, want := openActions(w.r.Events), openActions(before.Events); !reflect.DeepEqual(got, want) {
		w.t.Errorf("open actions %v became %v", want, got)
	}
}

// settleDown answers every question and lets everything succeed: each life ends.
func (w *walk) settleDown() {
	w.script, w.r.Lock = map[string][]string{}, nil
	for range 200 {
		e, ok := w.r.Active()
		if !ok {
			return
		}
		switch w.run().Waiting.Kind {
		case WaitOperator:
			_ = e.RetryJob(&w.r, "", "", "bob", w.now)
			_ = e.Cancel(&w.r, "bob", w.now)
		case WaitApproval:
			_, _ = e.Approve(&w.r, Voter{Actor: "bob"}, w.now)
		case WaitPerson:
			_ = e.Advance(&w.r, "", "bob", w.now)
		}
		w.now = w.now.Add(10 * time.Minute)
	}
	e, _ := w.r.Active()
	w.t.Errorf("%s never ends: due %+v", states(e), Next(&w.r, w.now, View{}))
}

// live asserts the invariants over one random sequence of events.
func live(t *testing.T, seed uint64) {
	w := &walk{stand: newStand(t), rng: rand.New(rand.NewPCG(seed, 7)), history: int(seed % 4)}
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
	for seed := range uint64(50) {
		live(t, seed)
	}
}

// FuzzLives looks for a sequence of events that breaks an invariant.
func FuzzLives(f *testing.F) {
	f.Add(uint64(1000))
	f.Fuzz(live)
}
