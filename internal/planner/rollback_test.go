package planner_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/internal/planner"
	"sluice/rollout"
	"sluice/stages/driver"
)

// goBack plans a rollback of targets.
func (r *rig) goBack(names ...string) planner.Plan {
	return r.goBackTo(planner.Back{}, names...)
}

func (r *rig) goBackTo(req planner.Back, names ...string) planner.Plan {
	r.t.Helper()
	p := r.planner()
	req.Targets = r.targets(names...)
	req.ID = p.PromotionID(rollout.CommandRollback, req.Targets[0].Stage.Name.Value, req.Targets)
	plan, err := p.GoBack(r.t.Context(), r.state, req)
	if err != nil {
		r.t.Fatal(err)
	}
	return plan
}

// promoted brings a release to web, all the way.
func (r *rig) promoted(release string) {
	r.t.Helper()
	r.platform.runs["web-dev"] = live(release)
	r.carry(r.promote("prod"))
	r.drive("web")
	if x := r.newest("web"); x.Rollout.State != rollout.StateSucceeded {
		r.t.Fatalf("%s is %s", x.Rollout.Name, x.Rollout.State)
	}
	r.now = r.now.Add(time.Hour)
}

// TestGoBack: a target goes back to what ran before, by a plan of its own.
func TestGoBack(t *testing.T) {
	r := newRig(t, staged(with(one, canary30), "approval: {approvers: [bob]}"))
	r.carry(r.promote("prod"))
	r.apply("web", rollout.Vote{Approve: true, Voter: rollout.Voter{Actor: rollout.Actor{Login: "bob", Person: true}, Verified: true}})
	r.drive("web")
	r.platform.had()
	plan := r.passes(r.goBack("web"))
	m := r.move(plan, "web")
	r.does(m, "GoBack")
	back := m.Do[0].(rollout.GoBack)
	if back.Spec.Approval != nil || back.Spec.Command != rollout.CommandRollback || back.Goal != nil || back.By.Login != "alice" || back.Promotion != plan.Promotion.ID {
		t.Errorf("%+v", back)
	}
	if p := plan.Promotion; p.Command != rollout.CommandRollback || !slices.Equal(p.Members, []string{"web"}) || p.OnFailure != rollout.OnFailureContinue || p.Waves != nil {
		t.Errorf("%+v", p)
	}
	if m.First == nil || m.First.Call.Kind != driver.Rollback || !m.First.Call.Changes[0].Options.Resolved || len(m.First.Call.Changes[0].Baseline) == 0 {
		t.Errorf("looked at %+v", m.First)
	}
	if got := r.platform.had(); !slices.Equal(got, []string{"prepare rollback web"}) {
		t.Errorf("asked %v", got)
	}
	asks := newRig(t, staged(with(one, canary30), "approval: {approvers: [bob], rollback: true}"))
	asks.carry(asks.promote("prod"))
	if m := asks.move(asks.passes(asks.goBack("web")), "web"); m.Do[0].(rollout.GoBack).Spec.Approval == nil {
		t.Error("a rollback that the file wants approved is not")
	}
}

// TestGoBackMixed: each target does what it can: one with nothing to undo is
// unchanged and says why, one that is refused refuses nobody else.
func TestGoBackMixed(t *testing.T) {
	r := newRig(t, several(""))
	r.carry(r.promote("prod", func(p *planner.Promotion) { p.Targets = r.targets("a", "c") }))
	r.drive("a")
	r.drive("c")
	r.platform.findings["c"] = []driver.Finding{{Target: "c", Severity: driver.Refuse, Message: "the baseline is gone"}}
	plan := r.passes(r.goBack("a", "b", "c"))
	r.does(r.move(plan, "a"), "GoBack")
	b, c := r.move(plan, "b"), r.move(plan, "c")
	if !b.Unchanged || len(b.Do) > 0 || !strings.Contains(plan.Findings[0].Message, "no rollout of ours has changed it") {
		t.Errorf("b: %+v, %+v", b, plan.Findings)
	}
	if len(c.Refused) != 1 || len(c.Do) > 0 || !slices.Equal(plan.Promotion.Members, []string{"a"}) {
		t.Errorf("c: %+v, members %v", c, plan.Promotion.Members)
	}
	r.refuses(r.goBack("c"), "the baseline is gone") // nothing is left
	r.passes(r.goBack("b", "c"))                     // something is unchanged
}

// TestGoBackTwice: a second rollback goes on with the first where nobody does, is
// unchanged while another run is at it and when it is done: it never goes forward.
func TestGoBackTwice(t *testing.T) {
	r := begun(t, with(one, canary30))
	r.carry(r.goBack("web"))
	record := r.state.Records["web"]
	record.Lease = ""
	plan := r.passes(r.goBack("web"))
	if m := r.move(plan, "web"); m.Unchanged || len(m.Do) > 0 || m.Shows.Resumes == "" || plan.Promotion.ID != "" {
		t.Errorf("%+v of %q", m, plan.Promotion.ID)
	}
	record.Lease = "another run"
	for _, words := range []string{"is going back already", "the target is back already"} {
		plan := r.passes(r.goBack("web"))
		if m := r.move(plan, "web"); !m.Unchanged || len(m.Do) > 0 || !strings.Contains(plan.Findings[0].Message, words) {
			t.Errorf("%+v, %+v", m, plan.Findings)
		}
		r.drive("web")
	}
}

// TestGoBackTo: a goal is what ran there before and was good, by its id, its name
// or the beginning of its id, where only one is called so.
func TestGoBackTo(t *testing.T) {
	r := newRig(t, one)
	for _, id := range []string{"abcdef0123", "abcdef0999", "r3"} {
		r.promoted(id)
	}
	to := func(release string) planner.Plan { return r.goBackTo(planner.Back{Release: release}, "web") }
	for named, want := range map[string]string{"abcdef0123": "abcdef0123", "abcdef09": "abcdef0999", "r1": "r1"} {
		goal := r.move(r.passes(to(named)), "web").Do[0].(rollout.GoBack).Goal
		if goal == nil || goal.Release.ID != want || len(goal.Baseline) == 0 {
			t.Errorf("%s is %+v", named, goal)
		}
	}
	r.refuses(to("abcdef0"), "several releases that ran here are called abcdef0: abcdef0999, abcdef0123")
	r.refuses(to("r2"), "release r2 never ran here and was good")
	if m := r.move(r.passes(to("abcdef0123")), "web"); m.Shows.Release.ID != "abcdef0123" {
		t.Errorf("shows %+v", m.Shows)
	}
	old := r.record("web").Rollouts[0]
	r.record("web").Rollouts = r.record("web").Rollouts[1:]
	r.refuses(to("r1"), "never ran here")
	plan := r.goBackTo(planner.Back{Release: "r1", Histories: map[string]*rollout.History{"web": {Rollouts: []rollout.Execution{old}}}}, "web")
	r.does(r.move(r.passes(plan), "web"), "GoBack")
}

// TestGoBackToBlocked: a release that is blocked is no goal.
func TestGoBackToBlocked(t *testing.T) {
	r := newRig(t, one)
	r.promoted("r2")
	r.promoted("r3")
	r.apply("web", rollout.AddBlock{Block: rollout.Block{ID: "b1", Kind: rollout.BlockAbandon, Release: "r2", Whom: rollout.Everybody}})
	r.refuses(r.goBackTo(planner.Back{Release: "r2"}, "web"), "block b1")
	r.passes(r.goBackTo(planner.Back{Release: "r1"}, "web"))
	r.actor.Overrides = []string{"b1"}
	r.passes(r.goBackTo(planner.Back{Release: "r2"}, "web"))
}

// TestGoBackPolicy: a policy stops going back only where it names it, and a lock
// only where it stops both ways.
func TestGoBackPolicy(t *testing.T) {
	r := newRig(t, frozen(one, ""))
	r.promoted("r2")
	r.now = t0.Add(3 * time.Hour)
	r.passes(r.goBack("web"))
	lock := rollout.Block{ID: "l", Kind: rollout.BlockLock, Whom: rollout.Everybody, By: "alice"}
	r.apply("web", rollout.AddBlock{Block: lock})
	r.passes(r.goBack("web"))
	r.apply("web", rollout.EndBlock{ID: "l", By: r.actor})
	lock.BothWays = true
	r.apply("web", rollout.AddBlock{Block: lock})
	r.refuses(r.goBack("web"), "block l")

	named := newRig(t, frozen(one, "actions: [rollback], "))
	named.promoted("r2")
	named.now = t0.Add(3 * time.Hour)
	named.refuses(named.goBack("web"), "block freeze (policy)")
}

// TestGoBackUnreachable: a target whose platform does not answer goes back all
// the same, when it does; one that says no is refused.
func TestGoBackUnreachable(t *testing.T) {
	r := begun(t, with(one, canary30))
	r.platform.trouble["prepare web"] = &outage{code: driver.Retryable}
	m := r.move(r.passes(r.goBack("web")), "web")
	r.does(m, "GoBack")
	if m.First != nil || m.Pending != nil {
		t.Errorf("%+v", m)
	}
	r.platform.trouble["prepare web"] = &outage{code: driver.Denied}
	r.refuses(r.goBack("web"), "denied")
}

// TestGoBackForeign: what somebody else left there is told, and nothing that
// keeps the target from going back: the goal is wanted.
func TestGoBackForeign(t *testing.T) {
	r := begun(t, with(one, canary30))
	r.platform.findings["web"] = []driver.Finding{{Target: "web", Severity: driver.Foreign, Message: "somebody was here"}}
	plan := r.passes(r.goBack("web"))
	r.does(r.move(plan, "web"), "GoBack")
	if len(plan.Findings) != 1 || plan.Findings[0].Severity != driver.Warn || plan.Findings[0].Message != "somebody was here" {
		t.Errorf("%+v", plan.Findings)
	}
}

// TestGoBackQueued: what is queued is withdrawn: nothing is looked at for that.
func TestGoBackQueued(t *testing.T) {
	r := newRig(t, staged(one, "approval: {approvers: [bob]}"))
	r.carry(r.promote("prod"))
	r.platform.had()
	m := r.move(r.passes(r.goBack("web")), "web")
	r.does(m, "GoBack")
	if got := r.platform.had(); len(got) > 0 || m.First != nil {
		t.Errorf("asked %v", got)
	}
}

// TestGoBackOf: a promotion that is named is gone back from, not what came after.
func TestGoBackOf(t *testing.T) {
	r := newRig(t, one)
	r.promoted("r2")
	first := r.newest("web").Spec.Promotion
	r.promoted("r3")
	err := r.goBackTo(planner.Back{Of: first}, "web").Err()
	var refused *planner.RefusedError
	if !errors.As(err, &refused) || refused.Refusals[0].Reason.Reason != rollout.ReasonNewer {
		t.Errorf("got %v", err)
	}
	r.does(r.move(r.passes(r.goBackTo(planner.Back{Of: r.newest("web").Spec.Promotion}, "web")), "web"), "GoBack")
}
