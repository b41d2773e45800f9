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

// promoteCanary plans to promote the canary that stands on web.
func (r *rig) promoteCanary(disable bool) planner.Plan {
	r.t.Helper()
	p := r.planner()
	target := r.target("web")
	id := p.PromotionID(rollout.CommandPromoteCanary, "prod", r.targets("web"))
	plan, err := p.PromoteCanary(r.t.Context(), r.state, planner.CanaryPromotion{ID: id, Target: target, Disable: disable})
	if err != nil {
		r.t.Fatal(err)
	}
	return plan
}

// intruded is web with a canary of r3 that somebody else put there.
func intruded(t *testing.T, file string) *rig {
	r := newRig(t, file)
	r.platform.runs["web"] = driver.Live{
		Release: driver.Release{ID: "r1"},
		Shares:  []driver.Share{{Release: driver.Release{ID: "r1"}, Percent: "90"}, {Release: driver.Release{ID: "r3"}, Percent: "10"}},
	}
	return r
}

// TestPromoteCanary: whatever canary stands becomes what runs; its release is the
// platform's to tell.
func TestPromoteCanary(t *testing.T) {
	r := intruded(t, one)
	m := r.move(r.passes(r.promoteCanary(true)), "web")
	r.does(m, "Create")
	s := m.Do[0].(rollout.Create).Spec
	if s.Release.ID != "r3" || s.Command != rollout.CommandPromoteCanary || !slices.Equal(s.Phases[0].Effects, []driver.Kind{driver.Stable, driver.Disable}) || m.Shows.Runs.ID != "r1" {
		t.Errorf("%+v", s)
	}
	if got := r.platform.had(); !slices.Equal(got, []string{"prepare stable web"}) {
		t.Errorf("asked %v", got)
	}
	if s := r.move(r.passes(r.promoteCanary(false)), "web").Do[0].(rollout.Create).Spec; !slices.Equal(s.Phases[0].Effects, []driver.Kind{driver.Stable}) {
		t.Errorf("effects %v", s.Phases[0].Effects)
	}
}

// TestPromoteCanaryThere: a canary that runs already is unchanged; its settings
// are removed all the same where that is asked for.
func TestPromoteCanaryThere(t *testing.T) {
	r := newRig(t, one)
	if m := r.move(r.passes(r.promoteCanary(false)), "web"); !m.Unchanged || len(m.Do) > 0 {
		t.Errorf("%+v", m)
	}
	m := r.move(r.passes(r.promoteCanary(true)), "web")
	r.does(m, "Create")
	if s := m.Do[0].(rollout.Create).Spec; m.Unchanged || s.Release.ID != "r1" || !slices.Equal(s.Phases[0].Effects, []driver.Kind{driver.Disable}) {
		t.Errorf("%+v", m)
	}
}

// TestPromoteCanaryWaits: beside a rollout that waits for approval advance would be
// refused, and is not named.
func TestPromoteCanaryWaits(t *testing.T) {
	r := newRig(t, staged(with(one, canary30), "approval: {approvers: [bob]}"))
	r.carry(r.promote("prod"))
	r.refuses(r.promoteCanary(true), "r2-to-web-0001 is PENDING_APPROVAL; `sluice status --target web` says how it goes on")
}

// TestPromoteCanaryBusy: beside a rollout of ours `advance` is the word; one of
// the same command goes on, in its own promotion.
func TestPromoteCanaryBusy(t *testing.T) {
	r := begun(t, with(one, canary30))
	r.platform.had()
	r.refuses(r.promoteCanary(true), "`sluice advance --target web` starts its next phase")
	if got := r.platform.had(); len(got) > 0 {
		t.Errorf("asked %v", got)
	}
	r = intruded(t, one)
	r.carry(r.promoteCanary(true))
	r.drive("web", "lost")
	again := r.passes(r.promoteCanary(true))
	if m := r.move(again, "web"); m.Shows.Resumes == "" || len(m.Do) > 0 || again.Promotion.ID != "" {
		t.Errorf("%+v", m)
	}
}

// TestPromoteCanaryBlocked: blocks and policies hold; those of a release too,
// though only the platform could tell which it is.
func TestPromoteCanaryBlocked(t *testing.T) {
	r := intruded(t, frozen(one, ""))
	r.apply("web", rollout.AddBlock{Block: rollout.Block{ID: "b1", Kind: rollout.BlockAbandon, Release: "r3", Whom: rollout.Everybody}})
	r.refuses(r.promoteCanary(false), "block b1")
	r.apply("web", rollout.AddBlock{Block: rollout.Block{ID: "l1", Kind: rollout.BlockLock, Whom: rollout.Everybody, By: "carol"}})
	r.blockedBy(r.promoteCanary(false), "b1", "l1") // all that is to be ended, at once
	r.apply("web", rollout.EndBlock{ID: "b1", By: rollout.Actor{Reason: "fine"}})
	r.platform.had()
	r.blockedBy(r.promoteCanary(false), "l1")
	if got := r.platform.had(); len(got) > 0 {
		t.Errorf("asked %v, though no release is abandoned here", got)
	}
	r.apply("web", rollout.EndBlock{ID: "l1", By: rollout.Actor{Reason: "fine"}})
	r.passes(r.promoteCanary(false))
	r.platform.had()
	r.now = t0.Add(3 * time.Hour)
	r.refuses(r.promoteCanary(false), "block freeze (policy)")
	if got := r.platform.had(); len(got) > 0 {
		t.Errorf("asked %v", got)
	}
}

// TestPromoteCanaryRefused: without a canary, or an answer, nothing is begun.
func TestPromoteCanaryRefused(t *testing.T) {
	r := newRig(t, one)
	r.platform.findings["web"] = []driver.Finding{{Target: "web", Severity: driver.Refuse, Message: "there is no canary"}}
	r.refuses(r.promoteCanary(true), "there is no canary")
	r = intruded(t, one)
	r.platform.trouble["prepare web"] = &outage{code: driver.Retryable, busy: true}
	m := r.move(r.passes(r.promoteCanary(true)), "web")
	if w := r.waits(m, rollout.WaitPlatform); len(m.Do) > 0 || !strings.Contains(w.Message, "retryable") || w.Cause != rollout.CauseBusy {
		t.Errorf("%+v", m)
	}
}

// TestPromoteCanaryAgain: a re-run goes on with it, and asks nothing.
func TestPromoteCanaryAgain(t *testing.T) {
	r := rerun(intruded(t, one))
	r.carry(r.promoteCanary(false))
	r.platform.had()
	again := r.passes(r.promoteCanary(false))
	if m := r.move(again, "web"); !again.Again || len(m.Do) > 0 || m.Unchanged || len(r.platform.had()) > 0 {
		t.Errorf("%+v", again)
	}
}

// disableCanary plans to take the canary away that stands on web.
func (r *rig) disableCanary() planner.Plan {
	r.t.Helper()
	p := r.planner()
	id := p.PromotionID(rollout.CommandDisableCanary, "prod", r.targets("web"))
	plan, err := p.DisableCanary(r.t.Context(), r.state, planner.CanaryRemoval{ID: id, Target: r.target("web")})
	if err != nil {
		r.t.Fatal(err)
	}
	return plan
}

// TestDisableCanary: whoever made the canary, it is taken away, and what it runs is
// gone back from; also beside a rollout of ours.
func TestDisableCanary(t *testing.T) {
	r := intruded(t, one)
	m := r.move(r.passes(r.disableCanary()), "web")
	r.does(m, "DisableCanary")
	if away := m.Do[0].(rollout.DisableCanary); away.Canary.ID != "r3" || away.By.Login != "alice" || away.Spec.Promotion == "" {
		t.Errorf("%+v", away)
	}
	if got := r.platform.had(); !slices.Equal(got, []string{"live web", "prepare disable web"}) {
		t.Errorf("asked %v", got)
	}
	ours := begun(t, with(one, canary30))
	ours.platform.bare["web"] = true
	ours.does(ours.move(ours.passes(ours.disableCanary()), "web"), "DisableCanary")
}

// TestDisableCanaryNot: without a canary nothing is to be done; what a block of both
// ways stops is refused; a platform that does not answer is waited for.
func TestDisableCanaryNot(t *testing.T) {
	r := newRig(t, one)
	r.platform.bare["web"] = true
	if m := r.move(r.passes(r.disableCanary()), "web"); !m.Unchanged || len(m.Do) > 0 {
		t.Errorf("%+v", m)
	}
	r = intruded(t, one)
	r.apply("web", rollout.AddBlock{Block: rollout.Block{ID: "l1", Kind: rollout.BlockLock, Whom: rollout.Everybody, BothWays: true, By: "carol"}})
	r.refuses(r.disableCanary(), "block l1 (lock by carol) is in the way")
	r = intruded(t, one)
	r.platform.trouble["prepare web"] = &outage{code: driver.Retryable}
	if m := r.move(r.passes(r.disableCanary()), "web"); len(m.Do) > 0 {
		t.Errorf("%+v", m)
	} else {
		r.waits(m, rollout.WaitPlatform)
	}
}
