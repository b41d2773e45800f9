package engine_test

import (
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/old/engine"
	"sluice/internal/old/rollout"
)

// frozen is a pipeline that denies something from 10:00 to 20:00. The bubble's
// clock starts at midnight, on a Saturday.
func frozen(file, keys string) string {
	return file + `
policies:
  - {name: freeze, stages: [prod], override: [carol], ` + keys + `deny: {weekly: {from: "10:00", to: "20:00", timezone: UTC}}}
`
}

const hour = time.Hour

func automated(c *engine.Config) { c.Actor.Automated = true }

// TestPolicyRefuses: what a policy denies is refused before anything happens,
// and possible for who may override it, and afterwards.
func TestPolicyRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, frozen(one, ""))
		time.Sleep(12 * hour)
		w.refused(`policy "freeze" denies promote`, promote("prod"))
		override := func(p *engine.Promotion) { p.Options.OverridePolicies = []string{"freeze"} }
		w.refused("may not override it", promote("prod", override))
		w.must(rollout.StatusSucceeded, promote("prod", override), as("carol"))
		w.had("web deploy")
		w.refused(`policy "freeze" denies rollback`, rollback("web"))
		time.Sleep(9 * hour)
		w.must(rollout.StatusSucceeded, rollback("web"))
	})
}

// TestPolicyInTheMiddle: a rollout that meets a window on its way waits for its
// end, and goes on after it.
func TestPolicyInTheMiddle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, frozen(with(one, `strategy: {canary: {percentages: [10, 50], wait: 12h}}`), ""))
		w.must(rollout.StatusPending, promote("prod"))
		time.Sleep(12*hour + time.Minute)
		commits := w.memory.Commits()
		for range 3 {
			out := w.must(rollout.StatusPending, reconcile())
			if got := waits(t, out, "web", rollout.WaitPolicy); got.By != "freeze" || got.Until.Hour() != 20 || !out.Next.Equal(got.Until) {
				t.Errorf("waits %+v, next %s", got, out.Next)
			}
		}
		if n := w.memory.Commits() - commits; n > 2 {
			t.Errorf("%d commits while a policy keeps it waiting", n)
		}
		w.had("web weight 10")
		time.Sleep(8 * hour)
		w.must(rollout.StatusPending, reconcile())
		w.had("web weight 10", "web weight 50")
	})
}

// TestPolicyNeverKeepsTrafficFromGoingBack: a failed canary is put back in a
// frozen stage too.
func TestPolicyNeverKeepsTrafficFromGoingBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, frozen(with(one, `strategy: {canary: {percentages: [10]}}, timeout: 11h`), ""))
		w.must(rollout.StatusPending, promote("prod"))
		time.Sleep(12 * hour)
		w.must(rollout.StatusFailed, reconcile())
		w.had("web weight 10", "web rollback")
	})
}

// TestPolicyInvokers: a policy for automation lets people pass.
func TestPolicyInvokers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, frozen(one, "invokers: [automation], "))
		time.Sleep(12 * hour)
		w.refused(`policy "freeze" denies`, promote("prod"), automated)
		w.must(rollout.StatusSucceeded, promote("prod"))
	})
}

// TestPolicyActions: a policy about one action leaves the others alone.
func TestPolicyActions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, frozen(with(one, `strategy: {canary: {percentages: [10, 50]}}`), "actions: [advance], "))
		time.Sleep(12 * hour)
		w.must(rollout.StatusPending, promote("prod"))
		w.refused(`policy "freeze" denies advance`, order(engine.CommandAdvance))
		w.must(rollout.StatusSucceeded, order(engine.CommandCancel))
		w.had("web weight 10", "web rollback")
	})
}
