package rollout

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"sluice/stages/driver"
)

// walk is a random life of one target.
type walk struct {
	*rig
	rng     *rand.Rand
	made    int
	history History
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
	if w.rng.IntN(3) == 0 {
		change = append(change, automatic)
	}
	spec := plan(change...)
	if len(spec.Phases) == 1 && spec.Phases[0].Effects[0] == driver.Stable {
		spec.Phases[0].Effects = []driver.Kind{driver.Deploy}
	}
	create := Create{Spec: spec, First: w.rng.IntN(8) == 0}
	if w.rng.IntN(4) == 0 {
		w.try("replace", Replace{create})
		return
	}
	w.try("create", create)
}

// try makes a transition; what is refused changes nothing.
func (w *walk) try(name string, t Transition) bool {
	before := encoded(w.t, w.r)
	err := Apply(&w.r, t, w.now)
	if err == nil {
		w.log = append(w.log, name)
		return true
	}
	var refused *RefusedError
	if !errors.As(err, &refused) {
		w.t.Errorf("%s: %v is no refusal", name, err)
	}
	if !bytes.Equal(before, encoded(w.t, w.r)) {
		w.t.Errorf("refused %s changed the record: %v", name, err)
	}
	return false
}

// anybody is a person or automation, sometimes with an override.
func (w *walk) anybody() Actor {
	by := Actor{Login: w.pick("bob", "carol"), Person: w.rng.IntN(4) > 0}
	if len(w.r.Blocks) > 0 && w.rng.IntN(4) == 0 {
		by.Overrides = []string{w.r.Blocks[w.rng.IntN(len(w.r.Blocks))].ID}
	}
	return by
}

// command does one of the commands to one of the rollouts.
func (w *walk) command() (again bool) {
	if len(w.r.Rollouts) == 0 {
		return false
	}
	e := &w.r.Rollouts[w.rng.IntN(len(w.r.Rollouts))]
	name, by := e.Rollout.Name, w.anybody()
	back := GoBack{Promotion: fmt.Sprintf("back%d", len(w.log)), By: by}
	if goals := w.r.Goals(&w.history); len(goals) > 0 && w.rng.IntN(3) == 0 {
		back.Goal = &goals[w.rng.IntN(len(goals))]
	}
	list := map[string]Transition{
		"approve":    Vote{Rollout: name, Approve: true, Voter: Voter{Actor: by}},
		"reject":     Vote{Rollout: name, Voter: Voter{Actor: by}},
		"advance":    Advance{Rollout: name, By: by},
		"cancel":     Cancel{Rollout: name, By: by},
		"retry-job":  RetryJob{Rollout: name, By: by},
		"ignore-job": IgnoreJob{Rollout: name, By: by},
		"retry":      Retry{Rollout: name, Attempt: len(w.log), By: by},
		"ask again":  AskAgain{Rollout: name, By: by},
		"rollback":   back,
		"disable":    DisableCanary{Spec: plan(promotion(fmt.Sprintf("off%d", len(w.log)))), By: by},
		"stopped":    Stopped{Rollout: name, Cause: StopPlatform, Until: w.now.Add(time.Minute)},
		"reached":    Reached{Rollout: name},
	}
	names := slices.Sorted(maps.Keys(list))
	command := names[w.rng.IntN(len(names))]
	return w.try(command, list[command]) && command != "approve" && command != "advance"
}

// beside does what others may save beside a lease.
func (w *walk) beside() {
	id := fmt.Sprint(w.rng.IntN(4))
	switch w.rng.IntN(5) {
	case 0:
		w.try("lock", AddBlock{Block: Block{ID: "lock" + id, Kind: BlockLock, Whom: Everybody, By: "carol", BothWays: id == "0", Until: w.now.Add(2 * time.Hour)}})
	case 1:
		w.try("abandon", AddBlock{Block: Block{ID: "abandon" + id, Kind: BlockAbandon, Whom: Everybody, By: "carol", Release: "r" + id, Until: w.now.Add(9 * time.Hour)}})
	case 2:
		if len(w.r.Blocks) > 0 {
			w.try("unblock", EndBlock{ID: w.r.Blocks[w.rng.IntN(len(w.r.Blocks))].ID, By: Actor{Login: "bob", Person: true, Reason: "enough"}})
		}
	default:
		command := w.pick(OrderCancel, OrderRollback, OrderAdvance, OrderReject, OrderDisableCanary)
		w.try("order "+command, AddOrder{Order: Order{ID: fmt.Sprintf("o%d-%s", len(w.log), id), Command: command, By: "dave", Person: true, WaitsUntil: w.now.Add(5 * time.Minute)}})
	}
}

// event makes one thing happen.
func (w *walk) event() (again bool) {
	switch n := w.rng.IntN(20); {
	case n < 2 && len(w.r.Rollouts) < 8:
		w.create()
		return true
	case n < 6:
		return w.command()
	case n < 8:
		w.now = w.now.Add(time.Duration(w.rng.IntN(90)) * time.Minute)
	case n < 9:
		w.seal()
	case n < 11:
		w.beside()
	case n < 12:
		w.runs.Stable = w.pick(w.runs.Stable, "hotfix")
	default:
		w.answers()
		w.setting.Person = w.rng.IntN(2) == 0
		orders := len(w.r.Orders)
		Settle(&w.r, nil, w.setting, w.now)
		w.work()
		return len(w.r.Orders) < orders
	}
	return false
}

// work does what is due. What goes forward is stopped by what stops everybody.
func (w *walk) work() {
	due := Next(&w.r, nil, w.setting, w.now)
	_, ordered := w.r.Orders.Back()
	if ordered && (due.Action == ActionEffect || due.Action == ActionCheck) {
		w.t.Errorf("%+v is begun under an order to go back", due)
	}
	if due.Action == ActionEffect && !backwards(due.Kind) {
		e := w.rollout(due.Rollout)
		q := Question{Intention: ToPromote, Release: e.Spec.Release.ID, Person: true, Overrides: e.Spec.Overrides}
		for _, b := range w.r.Blocks.Stopping(q, w.now) {
			w.t.Errorf("%s goes on under block %s", due.Rollout, b.ID)
		}
	}
	w.do(due)
}

// seal saves, and asserts that nothing is lost that is still needed.
func (w *walk) seal() {
	before := w.r.Clone()
	_, goal, err := before.BackFrom("")
	moved := Seal(&w.r, nil, w.setting, everyEvent, w.now)
	w.history.Add(moved, 0)
	if err := w.history.check(); err != nil {
		w.t.Error(err)
	}
	for i := range before.Rollouts {
		e := &before.Rollouts[i]
		_, kept := w.r.Rollout(e.Rollout.Name)
		_, stored := History{Rollouts: w.history.Rollouts}.rollout(e.Rollout.Name)
		if !kept && (!e.Over() || i == len(before.Rollouts)-1) || !kept && !stored {
			w.t.Errorf("%s was dropped, which is %s", e.Rollout.Name, e.Rollout.State)
		}
		was, message, _ := before.ShareOf(e.Spec.Promotion)
		is, _, known := w.r.ShareOf(e.Spec.Promotion)
		if !known || was != is {
			w.t.Errorf("share of %s was %s (%s) and is %s", e.Spec.Promotion, was, message, is)
		}
	}
	_, after, errAfter := w.r.BackFrom("")
	if (err == nil) != (errAfter == nil) || goal.Release.ID != after.Release.ID {
		w.t.Errorf("it went back to %q (%v), now to %q (%v)", goal.Release.ID, err, after.Release.ID, errAfter)
	}
	if got, want := openActions(w.r.Events), openActions(before.Events); !slices.EqualFunc(got, want, func(a, b Event) bool { return a.ID == b.ID }) {
		w.t.Errorf("open actions %v became %v", want, got)
	}
}

func (h History) rollout(name string) (Execution, bool) {
	i := slices.IndexFunc(h.Rollouts, func(e Execution) bool { return e.Rollout.Name == name })
	if i < 0 {
		return Execution{}, false
	}
	return h.Rollouts[i], true
}

// settleDown answers every question and lets everything succeed: each life ends.
func (w *walk) settleDown() {
	w.script, w.r.Blocks, w.setting.Person = map[string][]string{}, nil, true
	for range 300 {
		e, ok := w.r.Active()
		if !ok {
			return
		}
		due := w.run()
		switch {
		case due.Action == ActionYield:
			_ = w.apply(CarryOut{ID: due.Waiting.Order.ID})
		case due.Waiting.Kind == WaitOperator:
			_ = w.apply(RetryJob{Rollout: e.Rollout.Name, By: person("bob")})
			_ = w.apply(Cancel{Rollout: e.Rollout.Name, By: person("bob")})
		case due.Waiting.Kind == WaitApproval:
			_ = w.apply(Vote{Approve: true, Voter: voter("bob", "")})
		case due.Waiting.Kind == WaitPerson:
			_ = w.apply(Advance{By: person("bob")})
		case due.Waiting.Kind == WaitLock:
			w.r.Blocks = nil
		}
		w.now = w.now.Add(10 * time.Minute)
	}
	e, _ := w.r.Active()
	w.t.Errorf("%s never ends: due %+v", states(e), Next(&w.r, nil, w.setting, w.now))
}
