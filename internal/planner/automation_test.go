package planner_test

import (
	"testing"
	"time"

	"sluice/rollout"
)

const byRule = `
automation:
  - promote: {from: dev, after: 1h}
`

// succeeded brings a release to a target and ends it there.
func (r *rig) succeeded(target, id string) {
	r.t.Helper()
	t := r.target(target)
	r.carry(r.passes(r.promote(t.Stage.Name.Value, release(id))))
	r.drive(target)
}

// TestAutoPromotions: what our own rollout succeeded with long enough ago goes on,
// once.
func TestAutoPromotions(t *testing.T) {
	for name, c := range map[string]struct {
		file   string
		change func(*rig)
		in     time.Duration
		want   int
	}{
		"too soon":         {file: one + byRule, in: time.Hour - time.Second},
		"in time":          {file: one + byRule, in: time.Hour, want: 1},
		"not by a rule":    {file: one, in: time.Hour},
		"not at this hour": {file: one + "automation: [{promote: {from: dev, cron: \"0 18 * * *\"}}]\n", in: 5 * time.Hour},
		"at this hour":     {file: one + "automation: [{promote: {from: dev, cron: \"0 18 * * *\"}}]\n", in: 6 * time.Hour, want: 1},
		"in its own zone":  {file: one + "automation: [{promote: {from: dev, cron: \"0 18 * * *\", timezone: Europe/Berlin}}]\n", in: 5 * time.Hour, want: 1},
		"it was there":     {file: one + byRule, in: time.Hour, change: func(r *rig) { r.record("web").Past = []rollout.Past{{Rollout: "x", Release: "r3"}} }},
		"it is there":      {file: one + byRule, in: time.Hour, change: func(r *rig) { runs := r.newest("web-dev").Spec.Release; r.record("web").Release = &runs }},
		"it is going back": {file: one + byRule, in: time.Hour, change: func(r *rig) { r.newest("web-dev").Rollout.RolledBackByRollouts = []string{"y"} }},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, c.file)
			r.succeeded("web-dev", "r3")
			if c.change != nil {
				c.change(r)
			}
			r.now = t0.Add(c.in)
			got := r.planner().Rules().Promotions(r.state)
			if len(got) != c.want {
				t.Fatalf("%d promotions: %+v", len(got), got)
			}
			if c.want == 0 {
				return
			}
			if p := got[0]; p.Stage.Name.Value != "prod" || p.Targets[0].Name.Value != "web" || p.Actor.Person || p.Rule.Name != "promote-1" {
				t.Errorf("%+v", p)
			}
		})
	}
}

// TestReconcileRepairs: the rule's step is a move of the plan, when it is due, and
// nothing stops automation.
func TestReconcileRepairs(t *testing.T) {
	file := with(one, "verify: [{run: [smoke]}]") + "automation: [{repair: {stage: prod, retry: {attempts: 1, wait: 10m}}}]\n"
	r := newRig(t, file)
	r.carry(r.passes(r.promote("prod")))
	r.drive("web", "verify")
	if x := r.newest("web"); x.Rollout.State != rollout.StateFailed {
		t.Fatalf("the rollout is %s", x.Rollout.State)
	}
	if moves := r.reconcile().Moves; len(moves) != 0 {
		t.Errorf("too soon: %+v", moves)
	}
	r.now = r.now.Add(10 * time.Minute)
	r.apply("web", rollout.AddBlock{Block: rollout.Block{ID: "lock", Kind: rollout.BlockLock, Scope: rollout.ScopeTarget, Whom: rollout.Everybody, By: "carol"}})
	if moves := r.reconcile().Moves; len(moves) != 0 {
		t.Errorf("locked: %+v", moves)
	}
	r.apply("web", rollout.EndBlock{ID: "lock", By: rollout.Actor{Login: "carol", Person: true}})
	r.does(r.reconcile().Moves[0], "Repair")
}
