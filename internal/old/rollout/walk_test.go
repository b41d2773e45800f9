package rollout

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"time"

	"sluice/stages/driver"
)

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
