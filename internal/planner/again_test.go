package planner_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/internal/planner"
	"sluice/pipeline"
	"sluice/rollout"
)

// rerun makes every invocation a re-run of the same step.
func rerun(r *rig) *rig {
	r.origin, r.attempt = "run/1 job step", 1
	return r
}

// TestPromotionID: the same step, command, stage and targets make the same
// promotion in any order; outside of Actions every invocation makes its own.
func TestPromotionID(t *testing.T) {
	r := rerun(newRig(t, several("")))
	id := func(command, stage string, names ...string) string {
		return r.planner().PromotionID(command, stage, r.targets(names...))
	}
	first := id("promote", "prod", "a", "b")
	if again := id("promote", "prod", "b", "a"); again != first {
		t.Errorf("%s and %s", first, again)
	}
	ids := map[string]bool{first: true, id("promote", "prod", "a"): true, id("rollback", "prod", "a", "b"): true, id("promote", "dev", "a", "b"): true}
	r.origin = "run/2 job step"
	ids[id("promote", "prod", "a", "b")] = true
	r.origin = ""
	ids[id("promote", "prod", "a", "b")], ids[id("promote", "prod", "a", "b")] = true, true
	if len(ids) != 7 {
		t.Errorf("%d ids, want 7", len(ids))
	}
	targets := r.targets("a", "b")
	if a, b := planner.ShardedID("7", "prod", targets), planner.ShardedID("7", "prod", []*pipeline.Target{targets[1], targets[0]}); a != b || a == "" {
		t.Errorf("shards disagree: %q and %q", a, b)
	}
	if planner.ShardedID("", "prod", targets) != "" {
		t.Error("shards of no run agree")
	}
}

// TestRerun: a re-run of the same attempt goes on with what is open, reports what
// is over, and asks no platform; also where there would be something new to do.
func TestRerun(t *testing.T) {
	r := rerun(newRig(t, with(one, canary30)))
	first := r.carry(r.promote("prod"))
	r.drive("web")
	r.platform.runs["web-dev"] = live("r3")
	r.platform.had()
	again := r.passes(r.promote("prod"))
	m := r.move(again, "web")
	r.does(m)
	if !again.Again || again.Promotion.ID != first.Promotion.ID || m.Unchanged || m.Pending != nil {
		t.Errorf("%+v", again)
	}
	for range 3 {
		r.now = r.now.Add(31 * time.Minute)
		r.drive("web")
	}
	if x := r.newest("web"); x.Rollout.State != rollout.StateSucceeded {
		t.Fatalf("it is %s", x.Rollout.State)
	}
	r.attempt = 2 // of what succeeded there is nothing to try again
	r.does(r.move(r.passes(r.promote("prod")), "web"))
	if got := r.platform.had(); len(got) != 0 {
		t.Errorf("asked %v", got)
	}
}

// TestRerunUnchanged: of targets where nothing was to do a re-run says so again.
func TestRerunUnchanged(t *testing.T) {
	r := rerun(newRig(t, several("")))
	r.platform.runs["b"] = live("r2")
	for range 2 {
		plan := r.carry(r.promote("prod"))
		if r.move(plan, "a").Unchanged || !r.move(plan, "b").Unchanged {
			t.Errorf("%+v", plan.Moves)
		}
		r.platform.runs["b-dev"] = live("r3") // another promotion's, not this one's
	}
}

// TestRerunFoundUnchanged: what a re-run finds to run the release already is a
// member that is there, for the waves of its promotion too.
func TestRerunFoundUnchanged(t *testing.T) {
	r := rerun(newRig(t, several("")))
	r.platform.trouble["live b-dev"] = &outage{code: "retryable"}
	r.carry(r.promote("prod"))
	delete(r.platform.trouble, "live b-dev")
	r.platform.runs["b"] = live("r2")
	again := r.promote("prod")
	if !r.move(again, "b").Unchanged || !slices.Contains(again.Promotion.Unchanged, "b") {
		t.Errorf("%+v of %+v", again.Promotion.Unchanged, again.Moves)
	}
}

// TestRerunMissing: members that an earlier attempt could not reach are planned
// by the next; those that it reached go on.
func TestRerunMissing(t *testing.T) {
	r := rerun(newRig(t, several("")))
	r.platform.trouble["live b-dev"] = &outage{code: "retryable"}
	first := r.carry(r.promote("prod"))
	r.waits(r.move(first, "b"), rollout.WaitPlatform)
	delete(r.platform.trouble, "live b-dev")
	r.platform.had()
	again := r.carry(r.promote("prod"))
	r.does(r.move(again, "a"))
	r.does(r.move(again, "b"), "Create")
	if s := r.newest("b").Spec; s.Promotion != first.Promotion.ID || !s.Controlled {
		t.Errorf("%+v", s)
	}
	if got, want := r.platform.had(), []string{"live b-dev", "prepare deploy b", "resolve r2"}; !slices.Equal(got, want) {
		t.Errorf("asked %v, want %v", got, want)
	}
	if names := []string{again.Moves[0].Target, again.Moves[1].Target, again.Moves[2].Target}; !slices.Equal(names, []string{"a", "b", "c"}) {
		t.Errorf("moves %v", names)
	}
}

// failed is a promotion of the first attempt whose check failed.
func failed(t *testing.T, file string) *rig {
	t.Helper()
	r := rerun(newRig(t, file))
	r.carry(r.promote("prod"))
	r.drive("web", rollout.JobVerify)
	if x := r.newest("web"); x.Rollout.State != rollout.StateFailed {
		t.Fatalf("it is %s", x.Rollout.State)
	}
	return r
}

const smoke = `verify: [{run: [smoke]}]`

// TestRetry: the same attempt reports what failed; a higher one tries it again
// where it stands, once; the next one once more.
func TestRetry(t *testing.T) {
	r := failed(t, with(one, smoke))
	r.does(r.move(r.passes(r.promote("prod")), "web"))
	for _, attempt := range []int{2, 3} {
		r.attempt = attempt
		plan := r.promote("prod")
		r.does(r.move(r.passes(plan), "web"), "Retry")
		r.carry(plan)
		r.drive("web", rollout.JobVerify)
		r.does(r.move(r.passes(r.promote("prod")), "web"))
	}
	if n := len(r.record("web").Rollouts); n != 1 {
		t.Errorf("%d rollouts", n)
	}
}

// TestRetryRefused: what ended long ago, was changed since, or is blocked is not
// tried again, and the refusal says why.
func TestRetryRefused(t *testing.T) {
	for name, c := range map[string]struct {
		file string
		do   func(*rig)
		want string
	}{
		"late": {with(one, smoke), func(r *rig) { r.now = r.now.Add(25 * time.Hour) }, "its time was over"},
		"newer": {with(one, smoke), func(r *rig) {
			r.attempt, r.origin = 1, "another"
			r.platform.runs["web-dev"] = live("r3")
			r.carry(r.promote("prod"))
			r.drive("web")
			r.attempt, r.origin = 2, "run/1 job step"
		}, "has changed the target since"},
		"locked": {with(one, smoke), func(r *rig) {
			r.apply("web", rollout.AddBlock{Block: rollout.Block{ID: "l", Kind: rollout.BlockLock, Whom: rollout.Everybody, By: "carol"}})
		}, "block l"},
		"policy": {frozen(with(one, smoke), ""), func(r *rig) { r.now = t0.Add(3 * time.Hour) }, "block freeze (policy)"},
	} {
		t.Run(name, func(t *testing.T) {
			r := failed(t, c.file)
			r.attempt = 2
			c.do(r)
			r.refuses(r.promote("prod"), c.want)
		})
	}
}

// TestRollbackAgain: a re-run of a rollback goes on with it.
func TestRollbackAgain(t *testing.T) {
	r := rerun(begun(t, with(one, canary30)))
	r.carry(r.goBack("web"))
	again := r.passes(r.goBack("web"))
	r.does(r.move(again, "web"))
	if !again.Again || r.move(again, "web").Unchanged {
		t.Errorf("%+v", again)
	}
	r.drive("web")
	r.does(r.move(r.passes(r.goBack("web")), "web"))
	if n := strings.Count(r.newest("web").Rollout.Name, "r1-to-web"); n != 1 || len(r.record("web").Rollouts) != 2 {
		t.Errorf("%d rollouts, the newest %s", len(r.record("web").Rollouts), r.newest("web").Rollout.Name)
	}
}
