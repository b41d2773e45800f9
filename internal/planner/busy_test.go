package planner_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/internal/planner"
	"sluice/rollout"
	"sluice/stages/driver"
)

// begun is a canary at 10 % on web.
func begun(t *testing.T, file string) *rig {
	t.Helper()
	r := newRig(t, file)
	r.carry(r.promote("prod"))
	r.drive("web")
	if x := r.newest("web"); x.Rollout.State != rollout.StateInProgress {
		t.Fatalf("the canary is %s", x.Rollout.State)
	}
	return r
}

// TestBusySame: an unfinished rollout of the same release goes on, in the
// promotion that it is in; no other is made, and nothing is prepared.
func TestBusySame(t *testing.T) {
	r := begun(t, with(one, canary30))
	r.platform.had()
	plan := r.passes(r.promote("prod"))
	m := r.move(plan, "web")
	r.does(m)
	if m.Shows.Resumes != "r2-to-web-0001" || m.Unchanged || m.First != nil || plan.Promotion.ID != "" {
		t.Errorf("%+v in %q", m, plan.Promotion.ID)
	}
	if got, want := r.platform.had(), []string{"live web-dev", "resolve r2"}; !slices.Equal(got, want) {
		t.Errorf("asked %v", got)
	}
}

// TestBusyPartly: a target whose release an older promotion is bringing stays
// that one's member, so that the waves of the new one do not wait for it.
func TestBusyPartly(t *testing.T) {
	r := newRig(t, several("    waves: {sizes: [1, 100%]}\n"))
	first := r.carry(r.promote("prod", func(p *planner.Promotion) { p.Targets = r.targets("a") }))
	plan := r.passes(r.promote("prod"))
	if got := plan.Promotion.Members; !slices.Equal(got, []string{"b", "c"}) || !slices.Equal(plan.Promotion.Waves.Sizes, []int{1, 2}) {
		t.Errorf("members %v in waves %v", got, plan.Promotion.Waves)
	}
	if m := r.move(plan, "a"); m.Shows.Resumes == "" || len(m.Do) > 0 || plan.Promotion.ID == first.Promotion.ID {
		t.Errorf("%+v", m)
	}
	r.carry(plan)
	r.state.Promotions[plan.Promotion.ID].Attempt = 1
	again := r.passes(r.promote("prod", func(p *planner.Promotion) { p.ID = plan.Promotion.ID }))
	if m := r.move(again, "a"); m.Unchanged || !again.Again {
		t.Errorf("a re-run does not go on with what another promotion brings: %+v", m)
	}
}

// TestBusyEnding: what is being cancelled is not gone on with: the same release
// queues behind it.
func TestBusyEnding(t *testing.T) {
	r := begun(t, with(one, canary30))
	r.apply("web", rollout.Cancel{By: rollout.Actor{Login: "bob"}})
	if x := r.newest("web"); x.Rollout.State != rollout.StateCancelling {
		t.Fatalf("it is %s", x.Rollout.State)
	}
	m := r.move(r.passes(r.promote("prod")), "web")
	r.does(m, "Create")
	if !m.Shows.Queued || m.Shows.Resumes != "" {
		t.Errorf("%+v", m.Shows)
	}
}

// TestBusyNewer: a newer release queues behind one that has begun; nothing of it
// is prepared before its turn.
func TestBusyNewer(t *testing.T) {
	r := begun(t, with(one, canary30))
	r.platform.runs["web-dev"] = live("r3")
	r.platform.had()
	m := r.move(r.passes(r.promote("prod")), "web")
	r.does(m, "Create")
	if !m.Shows.Queued || m.First != nil || m.Unchanged {
		t.Errorf("%+v", m)
	}
	if got := r.platform.had(); slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, "prepare") }) {
		t.Errorf("asked %v", got)
	}
}

// TestReplace: --replace, and `supersede` in the file, end the older rollout and
// start from what stands, in one transition; what stands is not held against it.
func TestReplace(t *testing.T) {
	superseding := strings.Replace(with(one, canary30), "name: shop\n", "name: shop\nsupersede: true\n", 1)
	for name, c := range map[string]struct {
		file string
		say  []func(*planner.Promotion)
	}{"said": {with(one, canary30), []func(*planner.Promotion){replace}}, "declared": {superseding, nil}} {
		t.Run(name, func(t *testing.T) {
			r := begun(t, c.file)
			r.platform.runs["web-dev"] = live("r3")
			m := r.move(r.passes(r.promote("prod", c.say...)), "web")
			r.does(m, "Replace")
			if m.Shows.Queued || m.First == nil || !m.First.Call.Changes[0].Options.Resolved {
				t.Errorf("%+v", m)
			}
		})
	}
	free := newRig(t, one)
	m := free.move(free.passes(free.promote("prod", replace)), "web")
	free.does(m, "Create")
	if m.First.Call.Changes[0].Options.Resolved {
		t.Error("what stands on a free target is not looked at")
	}
}

// TestBusyOlder: a release that the platform made before the one under way is
// refused, unless somebody says so; one whose age nobody can tell yet is pending.
func TestBusyOlder(t *testing.T) {
	r := begun(t, with(one, canary30))
	r.platform.runs["web-dev"] = live("r1")
	r.refuses(r.promote("prod"), "release r1 is older than r2, which is being rolled out (r2-to-web-0001 is IN_PROGRESS)")
	r.refuses(r.promote("prod", replace), "release r1 is older than r2")
	r.does(r.move(r.passes(r.promote("prod", allowOlder)), "web"), "Create")

	r.newest("web").Spec.Release.CreateTime = time.Time{}
	r.refuses(r.promote("prod"), "release r1 is older than r2")
	r.platform.trouble["resolve r2"] = &outage{code: driver.Retryable}
	r.waits(r.move(r.passes(r.promote("prod")), "web"), rollout.WaitPlatform)
}

// frozen is a pipeline that denies something from 14:00 to 20:00.
func frozen(file, keys string) string {
	return file + "policies:\n  - {name: freeze, stages: [prod], override: [carol], " + keys + `deny: {weekly: {from: "14:00", to: "20:00"}}}` + "\n"
}

// TestPolicy: what a policy denies is refused before anything is prepared, and
// possible for who may override it, and afterwards.
func TestPolicy(t *testing.T) {
	r := newRig(t, frozen(one, ""))
	r.now = t0.Add(3 * time.Hour)
	plan := r.promote("prod")
	r.refuses(plan, "block freeze (policy) until")
	if b := plan.Refusals[0].Reason.Blocks[0]; b.ID != "freeze" || !b.Until.Equal(t0.Add(8*time.Hour)) {
		t.Errorf("blocked by %+v", b)
	}
	override := func(p *planner.Promotion) { p.Options.OverridePolicies = []string{"freeze"} }
	r.refuses(r.promote("prod", override), "block freeze (policy by alice)")
	r.actor.Login = "carol"
	m := r.move(r.passes(r.promote("prod", override)), "web")
	if got := m.Do[0].(rollout.Create).Spec.Overrides; !slices.Equal(got, []string{"freeze"}) {
		t.Errorf("overrides %v", got)
	}
	r.actor.Login, r.now = "alice", t0.Add(9*time.Hour)
	r.passes(r.promote("prod"))

	people := newRig(t, frozen(one, "invokers: [automation], "))
	people.now = t0.Add(3 * time.Hour)
	people.passes(people.promote("prod"))
	people.actor.Person = false
	people.refuses(people.promote("prod"), "block freeze (policy)")
}

// TestPolicyAhead: a promotion whose bakes reach into a window is refused, unless
// the policy says what becomes of what stands then.
func TestPolicyAhead(t *testing.T) {
	const file = `strategy: {canary: {percentages: [10, 50], wait: 90m}}` // 13:30, 15:00
	r := newRig(t, frozen(with(one, file), ""))
	r.refuses(r.promote("prod"), `phase stable would begin about 2026-03-01T15:00:00Z, when policy "freeze" does not allow it`)
	r.platform.runs["web"] = driver.Live{} // a first deployment bakes nothing
	r.passes(r.promote("prod"))
	for _, standing := range []string{"hold", "back", "finish"} {
		r := newRig(t, frozen(with(one, file), "standing: "+standing+", "))
		r.passes(r.promote("prod"))
	}
	short := newRig(t, frozen(with(one, canary30), ""))
	short.passes(short.promote("prod"))
}

// TestBlocks: a block refuses before anything is prepared; one of automation
// alone lets people pass, and whoever names it passes it.
func TestBlocks(t *testing.T) {
	r := newRig(t, one)
	lock := rollout.Block{ID: "lock-1", Kind: rollout.BlockLock, Whom: rollout.Everybody, By: "carol", Reason: "hands off"}
	r.apply("web", rollout.AddBlock{Block: lock})
	plan := r.promote("prod")
	r.refuses(plan, "block lock-1 (lock by carol: hands off) is in the way")
	if got := r.platform.had(); slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, "prepare") }) {
		t.Errorf("asked %v", got)
	}
	r.actor.Overrides = []string{"lock-1"}
	r.passes(r.promote("prod"))
	r.actor.Overrides = nil
	r.apply("web", rollout.EndBlock{ID: "lock-1", By: rollout.Actor{Login: "carol"}})
	lock.Whom = rollout.Automation
	r.apply("web", rollout.AddBlock{Block: lock})
	r.passes(r.promote("prod"))
	r.actor.Person = false
	r.refuses(r.promote("prod"), "stops automation")
}

// TestEveryBlock: a lock and a policy by the clock are one refusal that names both, of
// a promotion and of a command to a rollout.
func TestEveryBlock(t *testing.T) {
	lock := rollout.AddBlock{Block: rollout.Block{ID: "lock-1", Kind: rollout.BlockLock, Whom: rollout.Everybody, By: "carol"}}
	r := newRig(t, frozen(one, ""))
	r.apply("web", lock)
	r.now = t0.Add(3 * time.Hour)
	r.blockedBy(r.promote("prod"), "lock-1", "freeze")
	r.actor.Overrides = []string{"lock-1"}
	r.blockedBy(r.promote("prod"), "freeze")

	r = begun(t, frozen(with(one, canary30), "standing: hold, "))
	r.apply("web", lock)
	r.now = t0.Add(3 * time.Hour)
	r.blockedBy(r.order(planner.CommandAdvance, "web"), "lock-1", "freeze")
	r.apply("web", rollout.EndBlock{ID: "lock-1", By: rollout.Actor{Login: "carol"}})
	r.blockedBy(r.order(planner.CommandAdvance, "web"), "freeze")

	r = begun(t, frozen(with(one, canary30), "actions: [rollback, disable-canary], "))
	lock.Block.BothWays = true
	r.apply("web", lock)
	r.now = t0.Add(3 * time.Hour)
	r.blockedBy(r.goBack("web"), "lock-1", "freeze")
	r.blockedBy(r.disableCanary(), "lock-1", "freeze")
}

// TestBlocksAfterGoingBack: after a person went back the release is refused to
// everybody there, automation altogether; a newer one that a person brings passes.
func TestBlocksAfterGoingBack(t *testing.T) {
	r := begun(t, with(one, canary30))
	r.apply("web", rollout.Cancel{By: r.actor})
	r.drive("web")
	r.refuses(r.promote("prod"), "wentBack")
	r.platform.runs["web-dev"] = live("r3")
	r.passes(r.promote("prod"))
	r.actor.Person = false
	r.refuses(r.promote("prod"), "wentBack")
}

// TestReplaceByWhatIsQueued: what is queued goes on behind; asked to replace, it takes
// over.
func TestReplaceByWhatIsQueued(t *testing.T) {
	r := begun(t, with(one, canary30))
	r.platform.runs["web-dev"] = live("r3")
	r.carry(r.promote("prod"))
	r.does(r.move(r.passes(r.promote("prod")), "web"))
	r.does(r.move(r.passes(r.promote("prod", replace)), "web"), "Replace")
}
