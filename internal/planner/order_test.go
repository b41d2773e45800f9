package planner_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/internal/ledger"
	"sluice/internal/planner"
	"sluice/rollout"
)

// order plans a command to the rollouts of targets.
func (r *rig) order(command string, names ...string) planner.Plan {
	return r.orderOf(planner.Order{Command: command}, names...)
}

func (r *rig) orderOf(o planner.Order, names ...string) planner.Plan {
	r.t.Helper()
	p := r.planner()
	o.Targets = r.targets(names...)
	o.Voter = rollout.Voter{Actor: r.actor, Verified: true}
	o.ID = p.OrderID(o)
	return p.Order(r.state, o)
}

// asking is a promotion to a, b and c that waits for bob.
func asking(t *testing.T) *rig {
	r := newRig(t, several("    approval: {approvers: [bob]}\n"))
	r.carry(r.promote("prod"))
	r.actor = rollout.Actor{Login: "bob", Person: true}
	return r
}

// TestOrders: each command is the transition that it names, of the rollout that
// it fits.
func TestOrders(t *testing.T) {
	const canaries = `strategy: {canary: {percentages: [10, 50]}}, verify: [{run: [smoke]}]`
	for command, c := range map[string]struct {
		fails string
		want  string
	}{
		planner.CommandAdvance:   {"", "Advance"},
		planner.CommandCancel:    {"", "Cancel"},
		planner.CommandRetryJob:  {rollout.JobVerify, "RetryJob"},
		planner.CommandIgnoreJob: {rollout.JobVerify, "IgnoreJob"},
	} {
		r := newRig(t, with(one, canaries))
		r.carry(r.promote("prod"))
		r.drive("web", c.fails)
		m := r.move(r.passes(r.order(command, "web")), "web")
		r.does(m, c.want)
		if m.Shows.Resumes != "r2-to-web-0001" || m.Shows.Release.ID != "r2" {
			t.Errorf("%s shows %+v", command, m.Shows)
		}
	}
}

// TestOrderSeveral: a word on a promotion goes to all of its targets that it
// fits, and to no other.
func TestOrderSeveral(t *testing.T) {
	r := asking(t)
	r.apply("b", rollout.Vote{Approve: false, Voter: rollout.Voter{Actor: r.actor, Verified: true}})
	plan := r.passes(r.order(planner.CommandApprove, "a", "b", "c"))
	if len(plan.Moves) != 2 {
		t.Fatalf("%+v", plan.Moves)
	}
	for i, name := range []string{"a", "c"} {
		m := plan.Moves[i]
		r.does(m, "Vote")
		if vote := m.Do[0].(rollout.Vote); m.Target != name || !vote.Approve || vote.Voter.Login != "bob" || vote.Rollout == "" {
			t.Errorf("%+v", m)
		}
	}
	if vote := r.move(r.passes(r.order(planner.CommandReject, "a")), "a").Do[0].(rollout.Vote); vote.Approve {
		t.Error("a rejection approves")
	}
	r.refuses(r.order(planner.CommandApprove, "b"), "only a rollout in PENDING_APPROVAL takes an approval")
	r.actor.Login = "mallory"
	r.refuses(r.order(planner.CommandApprove, "a", "c"), "mallory is not among its approvers: bob")
}

// TestApproversOfToday: whose word counts the file says when the approval is given;
// where it names nobody any more, those count that the rollout was created with.
func TestApproversOfToday(t *testing.T) {
	for name, c := range map[string]struct{ file, may, mayNot string }{
		"others":             {"    approval: {approvers: [carol]}\n", "carol", "bob"},
		"no approval at all": {"", "bob", "carol"},
		"nobody in person":   {"    approval: {quorum: 1}\n", "bob", "carol"},
	} {
		t.Run(name, func(t *testing.T) {
			r := asking(t)
			r.pipeline = newRig(t, several(c.file)).pipeline
			r.actor.Login = c.mayNot
			r.refuses(r.order(planner.CommandApprove, "a"), c.mayNot+" is not among its approvers: "+c.may)
			r.actor.Login = c.may
			r.carry(r.order(planner.CommandApprove, "a"))
			if x := r.newest("a"); x.Rollout.ApprovalState != rollout.Approved || !slices.Equal(x.Approvals[0].Approvers, []string{c.may}) {
				t.Errorf("%s: %+v", x.Rollout.ApprovalState, x.Approvals)
			}
		})
	}
}

// TestOrderAmbiguous: where rollouts of several promotions qualify, a person says
// which; the refusal lists them.
func TestOrderAmbiguous(t *testing.T) {
	r := newRig(t, staged(one, "approval: {approvers: [bob]}"))
	first := r.carry(r.promote("prod")).Promotion.ID
	r.platform.runs["web-dev"] = live("r3")
	second := r.carry(r.promote("prod")).Promotion.ID
	r.actor = rollout.Actor{Login: "bob", Person: true}
	plan := r.order(planner.CommandApprove, "web")
	for _, words := range []string{"several promotions qualify for approve", "r2 is PENDING_APPROVAL (--promotion " + first, "r3 is PENDING_APPROVAL (--promotion " + second} {
		r.refuses(plan, words)
	}
	m := r.move(r.passes(r.orderOf(planner.Order{Command: planner.CommandApprove, Promotion: second}, "web")), "web")
	if m.Shows.Release.ID != "r3" {
		t.Errorf("%+v", m)
	}
	r.refuses(r.orderOf(planner.Order{Command: planner.CommandApprove, Promotion: "p-none"}, "web"), "there is no rollout to approve")
}

// TestOrderNothing: without a rollout there is nothing to command.
func TestOrderNothing(t *testing.T) {
	r := newRig(t, one)
	r.refuses(r.order(planner.CommandAdvance, "web"), "there is no rollout to advance")
	if err := r.order(planner.CommandAdvance, "web").Err(); !strings.Contains(err.Error(), "`sluice status`") {
		t.Errorf("got %v", err)
	}
}

// TestOrderAgain: a re-run of a step does not give its command twice; another
// step does.
func TestOrderAgain(t *testing.T) {
	r := newRig(t, with(one, `strategy: {canary: {percentages: [10, 20, 50]}}`))
	r.carry(r.promote("prod"))
	r.drive("web")
	rerun(r)
	first := r.carry(r.order(planner.CommandAdvance, "web"))
	r.does(r.move(first, "web"), "Advance", "Given")
	r.drive("web")
	again := r.passes(r.order(planner.CommandAdvance, "web"))
	r.does(r.move(again, "web"))
	if !again.Again {
		t.Error("a re-run is none")
	}
	r.origin = "run/2 job step"
	r.does(r.move(r.passes(r.order(planner.CommandAdvance, "web")), "web"), "Advance", "Given")
	r.origin = ""
	r.does(r.move(r.passes(r.order(planner.CommandAdvance, "web")), "web"), "Advance")
}

// TestOrderPolicy: a policy about one command leaves the others alone; one that
// names none lets everything that goes back pass.
func TestOrderPolicy(t *testing.T) {
	const canaries = `strategy: {canary: {percentages: [10, 50]}}`
	for keys, advance := range map[string]bool{"": false, "actions: [advance], ": false, "actions: [promote], ": true} {
		r := newRig(t, frozen(with(one, canaries), keys))
		r.carry(r.promote("prod"))
		r.drive("web")
		r.now = t0.Add(3 * time.Hour)
		if advance {
			r.passes(r.order(planner.CommandAdvance, "web"))
		} else {
			r.refuses(r.order(planner.CommandAdvance, "web"), "block freeze (policy)")
		}
		r.passes(r.order(planner.CommandCancel, "web"))
	}
	r := newRig(t, frozen(with(one, canaries), "actions: [cancel], "))
	r.carry(r.promote("prod"))
	r.drive("web")
	r.now = t0.Add(3 * time.Hour)
	r.refuses(r.order(planner.CommandCancel, "web"), "block freeze (policy)")
}

// TestOrdered: what was left as an order waits for the run that holds it.
func TestOrdered(t *testing.T) {
	r := newRig(t, several(""))
	plan := planner.Ordered(r.targets("a", "b"), ledger.HeldError{Targets: []string{"b"}, Run: rollout.Run{Name: "run 7"}})
	if m := plan.Moves[0]; !m.Unchanged || m.Pending != nil {
		t.Errorf("%+v", m)
	}
	if m := plan.Moves[1]; m.Unchanged || r.waits(m, rollout.WaitOrder).By != "run 7" {
		t.Errorf("%+v", m)
	}
	local := planner.Ordered(r.targets("b"), ledger.HeldError{Targets: []string{"b"}, Run: rollout.Run{ID: "0c"}})
	if by := local.Moves[0].Pending.By; by != "0c" {
		t.Errorf("a run outside of Actions is called %q", by)
	}
}

// TestSkip: a member is left out of the promotion that it is in; who waits for it
// goes on.
func TestSkip(t *testing.T) {
	r := newRig(t, several("    waves: {sizes: [1, 100%]}\n"))
	id := r.carry(r.promote("prod")).Promotion.ID
	r.drive("a", "lost")
	same := r.frozen()
	skip := rollout.Skip{By: "carol", Reason: "on fire", At: r.now}
	plan, err := r.planner().Skip(r.state, r.targets("a"), "", skip)
	if err != nil {
		t.Fatal(err)
	}
	if len(plan.Skips) != 1 || plan.Skips[0].Promotion != id || plan.Skips[0].Skip.Target != "a" || plan.Skips[0].Skip.Reason != "on fire" {
		t.Errorf("%+v", plan.Skips)
	}
	var names []string
	for _, m := range plan.Moves {
		names = append(names, m.Target)
	}
	if !slices.Equal(names, []string{"a", "b", "c"}) {
		t.Errorf("goes on with %v", names)
	}
	same()
	for words, c := range map[string]struct {
		target, promotion, reason string
	}{
		"say why with a reason": {"a", "", ""}, "it is in no promotion": {"a", "p-none", "x"}, "none of the promotion's": {"a-dev", id, "x"},
	} {
		_, err := r.planner().Skip(r.state, r.targets(c.target), c.promotion, rollout.Skip{By: "carol", Reason: c.reason})
		if err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("got %v, want %q", err, words)
		}
	}
}
