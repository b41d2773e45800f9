package planner_test

import (
	"slices"
	"testing"
	"time"

	"sluice/internal/planner"
	"sluice/pipeline"
	"sluice/rollout"
)

// reconcile plans to take up what is due anywhere.
func (r *rig) reconcile() planner.Plan {
	return r.planner().Reconcile(r.state, slices.Collect(r.pipeline.All()))
}

// due are the targets that a plan works on; the others wait.
func due(plan planner.Plan) []string {
	var names []string
	for _, m := range plan.Moves {
		if m.Pending == nil {
			names = append(names, m.Target)
		}
	}
	return names
}

// TestReconcile: what is due goes on, what is due soon is waited for, what waits
// for longer is left alone and told of, and what is over is not mentioned.
func TestReconcile(t *testing.T) {
	r := begun(t, with(one, canary30))
	if w := r.waits(r.move(r.reconcile(), "web"), rollout.WaitBake); !w.Until.Equal(t0.Add(30 * time.Minute)) {
		t.Errorf("waits for %+v", w)
	}
	r.now = t0.Add(28 * time.Minute) // within --inline-wait
	if got := due(r.reconcile()); !slices.Equal(got, []string{"web"}) {
		t.Errorf("due %v", got)
	}
	r.now = t0.Add(31 * time.Minute)
	if got := due(r.reconcile()); !slices.Equal(got, []string{"web"}) {
		t.Errorf("due %v", got)
	}
	for range 3 {
		r.drive("web")
		r.now = r.now.Add(31 * time.Minute)
	}
	if plan := r.reconcile(); len(plan.Moves) > 0 {
		t.Errorf("%+v", plan.Moves)
	}
	if got := r.platform.had(); len(got) > 4 {
		t.Errorf("reconcile asked the platforms: %v", got)
	}
}

// TestReconcileLost: what nobody knows the answer of is due.
func TestReconcileLost(t *testing.T) {
	r := newRig(t, one)
	r.carry(r.promote("prod"))
	r.drive("web", "lost")
	if got := due(r.reconcile()); !slices.Equal(got, []string{"web"}) {
		t.Errorf("due %v", got)
	}
}

// TestReconcileOrder: an order is due at once, also where nothing is at work.
func TestReconcileOrder(t *testing.T) {
	for name, r := range map[string]*rig{"baking": begun(t, with(one, canary30)), "idle": newRig(t, one)} {
		r.apply("web", rollout.AddOrder{Order: rollout.Order{ID: "o1", Command: rollout.OrderAdvance, By: "bob", Person: true}})
		if got := due(r.reconcile()); !slices.Equal(got, []string{"web"}) {
			t.Errorf("%s: due %v", name, got)
		}
	}
}

// TestReconcileApproval: what waits for people is left to them, until its time is
// over.
func TestReconcileApproval(t *testing.T) {
	r := newRig(t, staged(one, "approval: {approvers: [bob], timeout: 1h}"))
	r.carry(r.promote("prod"))
	w := r.waits(r.move(r.reconcile(), "web"), rollout.WaitApproval)
	if !w.Deadline || !w.Until.Equal(t0.Add(time.Hour)) {
		t.Errorf("waits for %+v", w)
	}
	r.now = t0.Add(59 * time.Minute) // the end is near, and nothing that one waits for
	r.waits(r.move(r.reconcile(), "web"), rollout.WaitApproval)
	r.now = t0.Add(61 * time.Minute)
	if got := due(r.reconcile()); !slices.Equal(got, []string{"web"}) {
		t.Errorf("due %v", got)
	}
}

// TestReconcileTurned: under onFailure: rollback the members are due as soon as
// another has failed, whatever they wait for.
func TestReconcileTurned(t *testing.T) {
	r := newRig(t, several("    onFailure: rollback\n    verify: [{run: [smoke]}]\n    strategy: {canary: {percentages: [10], wait: 30m}}\n"))
	r.carry(r.promote("prod"))
	for _, name := range []string{"a", "b"} {
		r.drive(name)
	}
	if got := due(r.reconcile()); !slices.Equal(got, []string{"c"}) {
		t.Fatalf("due %v", got)
	}
	r.drive("c", rollout.JobVerify)
	same := r.frozen()
	if got := due(r.reconcile()); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("due %v", got)
	}
	same()
}

// TestReconcileHalted: under onFailure: halt the others wait for a person to
// decide about the one that failed.
func TestReconcileHalted(t *testing.T) {
	r := newRig(t, several("    onFailure: halt\n    verify: [{run: [smoke]}]\n"))
	r.carry(r.promote("prod"))
	r.drive("a", rollout.JobVerify)
	promotion := r.state.Promotions[r.newest("b").Spec.Promotion]
	halt := promotion.Halted
	promotion.Halted = nil // not saved yet: whoever it concerns is due, so that it is
	if got := due(r.reconcile()); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("due %v", got)
	}
	promotion.Halted = halt
	w := r.waits(r.move(r.reconcile(), "b"), rollout.WaitOperator)
	if w.Cause != rollout.CauseHalted || w.Target != "a" {
		t.Errorf("waits for %+v", w)
	}
}

// TestReconcileWaves: the next wave goes along with one that is at work; alone it
// waits, and when the wave before ended unnoticed it is due, once.
func TestReconcileWaves(t *testing.T) {
	r := newRig(t, several("    waves: {sizes: [1, 100%], wait: 10m}\n"))
	id := r.carry(r.promote("prod")).Promotion.ID
	if got := due(r.reconcile()); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("due %v", got)
	}
	r.apply("a", rollout.AddBlock{Block: rollout.Block{ID: "l", Kind: rollout.BlockLock, Whom: rollout.Everybody}})
	r.drive("a")
	plan := r.reconcile()
	if got := due(plan); len(got) > 0 {
		t.Errorf("due %v", got)
	}
	if w := r.waits(r.move(plan, "b"), rollout.WaitWave); w.Wave != 0 {
		t.Errorf("waits for %+v", w)
	}
	r.apply("a", rollout.EndBlock{ID: "l", By: rollout.Actor{Reason: "fine"}})
	r.drive("a")
	r.state.Promotions[id].WaveEnds = nil
	if got := due(r.reconcile()); !slices.Equal(got, []string{"b", "c"}) {
		t.Errorf("a wave that ended unnoticed: due %v", got)
	}
	r.state.Promotions[id].WaveEnds = []time.Time{t0}
	w := r.waits(r.move(r.reconcile(), "b"), rollout.WaitWave)
	if !w.Until.Equal(t0.Add(10 * time.Minute)) {
		t.Errorf("waits for %+v", w)
	}
	r.now = t0.Add(9 * time.Minute)
	if got := due(r.reconcile()); !slices.Equal(got, []string{"b", "c"}) {
		t.Errorf("due %v", got)
	}
}

// TestReconcileTogether: before a check of scope stage a member that waits for
// the others goes along with them, and alone is left.
func TestReconcileTogether(t *testing.T) {
	r := newRig(t, several("    verify: [{run: [smoke], scope: stage}]\n"))
	r.carry(r.promote("prod"))
	r.drive("a")
	r.drive("b", "lost")
	if got := due(r.reconcile()); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("due %v", got)
	}
	for _, name := range []string{"b", "c"} {
		r.apply(name, rollout.AddBlock{Block: rollout.Block{ID: "l", Kind: rollout.BlockLock, Whom: rollout.Everybody}})
	}
	x := r.newest("b")
	r.must(rollout.Apply(r.record("b"), rollout.Withdraw{Key: x.Steps[len(x.Steps)-1].Call.Key, Why: "a test"}, r.now))
	for _, name := range []string{"b", "c"} {
		r.drive(name) // notes that it is blocked
	}
	if got := due(r.reconcile()); len(got) > 0 {
		t.Errorf("due %v", got)
	}
}

// TestReconcilePart: only the targets that are asked for are planned; the others
// of their promotions are looked at.
func TestReconcilePart(t *testing.T) {
	r := newRig(t, several(""))
	r.carry(r.promote("prod"))
	plan := r.planner().Reconcile(r.state, []*pipeline.Target{r.target("b")})
	if got := due(plan); !slices.Equal(got, []string{"b"}) {
		t.Errorf("due %v", got)
	}
}
