package engine_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/old/engine"
	"sluice/internal/old/rollout"
)

// approval says who must agree to promotions to prod.
func approval(keys string) string {
	return strings.Replace(one, "  - name: prod\n", "  - name: prod\n    approval: {required: true, "+keys+"}\n", 1)
}

func as(login string) func(*engine.Config) {
	return func(c *engine.Config) { c.Actor = engine.Actor{Login: login, Verified: true} }
}

// TestApproval: a promotion waits for the right person, and goes on with their
// word.
func TestApproval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, approval(`approvers: [bob, carol]`))
		out := w.must(rollout.StatusPending, promote("prod"))
		if got := waits(t, out, "web", rollout.WaitApproval); got.By != "bob, carol" || got.Until.IsZero() || !out.Next.Equal(got.Until) {
			t.Errorf("waits %+v, next %s", got, out.Next)
		}
		w.had()
		w.refused("not among its approvers", order(engine.CommandApprove), as("mallory"))
		w.refused("not a person", order(engine.CommandApprove), as("bob"), func(c *engine.Config) { c.Actor.Automated = true })
		w.refused("only a rollout that is IN_PROGRESS", order(engine.CommandAdvance))
		commits := w.memory.Commits()
		w.must(rollout.StatusPending, reconcile())
		if n := w.memory.Commits() - commits; n != 0 {
			t.Errorf("reconcile saved %d times", n)
		}
		w.must(rollout.StatusSucceeded, order(engine.CommandApprove), as("Bob"))
		w.had("web deploy")
		if a := w.newest("web").Approvals; len(a) != 1 || !a[0].Verified || a[0].Actor != "Bob" {
			t.Errorf("approvals %+v", a)
		}
		w.refused("only a rollout in PENDING_APPROVAL", order(engine.CommandApprove), as("carol"))
	})
}

// TestApproveOneself: whoever started it cannot alone approve it.
func TestApproveOneself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, approval(`quorum: 1`))
		w.must(rollout.StatusPending, promote("prod"))
		w.refused("cannot alone approve", order(engine.CommandApprove))
		w.must(rollout.StatusSucceeded, order(engine.CommandApprove), as("bob"))
	})
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, approval(`self: true`))
		w.must(rollout.StatusPending, promote("prod"))
		w.must(rollout.StatusSucceeded, order(engine.CommandApprove))
	})
}

// TestQuorum: as many people as were asked for, each once.
func TestQuorum(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, approval(`quorum: 2`))
		w.must(rollout.StatusPending, promote("prod"))
		w.must(rollout.StatusPending, order(engine.CommandApprove), as("bob"))
		w.had()
		w.refused("has approved already", order(engine.CommandApprove), as("BOB"))
		w.must(rollout.StatusSucceeded, order(engine.CommandApprove), as("alice"))
		w.had("web deploy")
	})
}

// TestReject: one person's no ends it.
func TestReject(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, approval(`quorum: 2`))
		w.must(rollout.StatusPending, promote("prod"))
		out := w.must(rollout.StatusSucceeded, order(engine.CommandReject), as("bob"))
		if !strings.Contains(out.Targets[0].ErrorMessage, "rejected by bob") {
			t.Errorf("message %q", out.Targets[0].ErrorMessage)
		}
		w.had()
		w.is("web", rollout.StateApprovalRejected)
		w.must(rollout.StatusPending, promote("prod"))
	})
}

// TestApprovalTimeout: what nobody approved in time is rejected by whoever
// looks next.
func TestApprovalTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, approval(`timeout: 2h`))
		w.must(rollout.StatusPending, promote("prod"))
		time.Sleep(3 * time.Hour)
		w.must(rollout.StatusRefused, reconcile())
		w.is("web", rollout.StateApprovalRejected)
		if r := w.newest("web").Rollout.FailureReason; !strings.Contains(r, "2h") {
			t.Errorf("reason %q", r)
		}
		w.had()
	})
}

// TestUnverified: outside of Actions nobody says who somebody is: such a word
// counts in a local file alone.
func TestUnverified(t *testing.T) {
	unverified := func(c *engine.Config) { c.Actor = engine.Actor{Login: "bob"} }
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, approval(`approvers: [bob]`))
		w.must(rollout.StatusPending, promote("prod"))
		w.refused("approve from a workflow run", order(engine.CommandApprove), unverified)
		w.refused("approve from a workflow run", order(engine.CommandReject), unverified)
		w.memory.Name = "file:.sluice/state"
		w.must(rollout.StatusSucceeded, order(engine.CommandApprove), unverified)
		if a := w.newest("web").Approvals; len(a) != 1 || a[0].Verified {
			t.Errorf("approvals %+v", a)
		}
	})
}

// TestApproversArePinned: who may approve was decided when the promotion was
// created, whatever the file says since.
func TestApproversArePinned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, approval(`approvers: [bob]`))
		w.must(rollout.StatusPending, promote("prod"))
		w.file = approval(`approvers: [mallory]`)
		w.refused("not among its approvers: bob", order(engine.CommandApprove), as("mallory"))
		w.file = one
		w.must(rollout.StatusPending, reconcile())
		w.had()
		w.must(rollout.StatusSucceeded, order(engine.CommandApprove), as("bob"))
	})
}

// TestReleaseIsPinned: what was approved is what is deployed, whatever runs on
// the source since.
func TestReleaseIsPinned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, approval(`approvers: [bob]`))
		w.must(rollout.StatusPending, promote("prod"))
		w.sky().put("web-dev", "r3")
		w.must(rollout.StatusSucceeded, order(engine.CommandApprove), as("bob"))
		if got := w.sky().stand("web").Release; got != "r2" {
			t.Errorf("web runs %s, approved was r2", got)
		}
	})
}

// TestRollbackApproval: a rollback needs no approval unless the stage says so.
func TestRollbackApproval(t *testing.T) {
	for keys, status := range map[string]rollout.Status{`self: true`: rollout.StatusSucceeded, `self: true, rollback: true`: rollout.StatusPending} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, approval(keys))
			w.must(rollout.StatusPending, promote("prod"))
			w.must(rollout.StatusSucceeded, order(engine.CommandApprove))
			w.must(status, rollback("web"))
		})
	}
}
