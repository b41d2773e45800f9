package view

import (
	"testing"
	"time"

	"sluice/rollout"
)

// past is a rollout of a promotion that took so long and ended so.
func past(stage, target, promotion, release string, begin time.Time, took time.Duration, state rollout.State) ReportedRollout {
	r := ReportedRollout{PastRollout: PastRollout{
		Stage: stage, Target: target, Promotion: promotion, Release: release, Rollout: release + "-to-" + target, Command: rollout.CommandPromote, State: state, Created: begin,
	}, Acted: true}
	if took > 0 {
		r.Ended = begin.Add(took)
	}
	return r
}

// TestDelivery: a fleet's promotion is one deployment; what changed nothing, is under
// way or goes back is none.
func TestDelivery(t *testing.T) {
	hour := func(n int) time.Time { return t0.Add(time.Duration(n) * time.Hour) }
	refused := past("production", "a", "p-4", "v4", hour(50), time.Minute, rollout.StateCancelled)
	refused.Acted = false
	back := past("production", "b", "back", "v1", hour(30), time.Hour, rollout.StateSucceeded)
	back.Command, back.RollbackOf = rollout.CommandRollback, "v2-to-b"
	taken := past("production", "b", "p-2", "v2", hour(25), time.Hour, rollout.StateSucceeded)
	taken.RolledBackBy = []string{"v1-to-b"}
	restored := past("production", "a", "p-3", "v3", hour(40), time.Hour, rollout.StateFailed)
	restored.Restored, restored.RestoredAt = true, hour(41).Add(2*time.Minute)
	made := past("production", "a", "p-1", "v1", hour(2), time.Hour, rollout.StateSucceeded)
	made.ReleasedAt = hour(-1)
	all := []ReportedRollout{
		past("staging", "s", "s-1", "v1", hour(0), time.Hour, rollout.StateSucceeded),
		made, past("production", "b", "p-1", "v1", hour(2), 2*time.Hour, rollout.StateSucceeded),
		past("staging", "s", "s-2", "v2", hour(20), time.Hour, rollout.StateSucceeded),
		past("production", "a", "p-2", "v2", hour(25), time.Hour, rollout.StateSucceeded), taken, back,
		restored, refused, past("production", "a", "p-5", "v5", hour(60), 0, rollout.StateInProgress),
	}
	d := DeliveryOf("production", all, hour(2+14*24))
	if len(d.Deployments) != 3 || d.Failed != 2 || d.PerWeek != 1.5 {
		t.Fatalf("%d deployments, %d failed, %v a week", len(d.Deployments), d.Failed, d.PerWeek)
	}
	if d.LeadTime != (Seconds{Median: (5 * time.Hour).Seconds(), Of: 1}) {
		t.Errorf("lead time %+v: v1 was made at -1 h and stood on both at 4 h", d.LeadTime)
	}
	if want := (Seconds{Median: (5*time.Hour + 2*time.Minute).Seconds() / 2, Of: 2}); d.Restore != want {
		t.Errorf("time to restore %+v, want %+v: 5 h until the rollback stood, 2 min until traffic was back", d.Restore, want)
	}
	if d.FailureRate != 2.0/3 {
		t.Errorf("failure rate %v", d.FailureRate)
	}
	if d := DeliveryOf("elsewhere", all, hour(100)); len(d.Deployments) != 0 || !d.Since.IsZero() || d.FailureRate != 0 {
		t.Errorf("a stage without rollouts: %+v", d)
	}
}

// TestUnrestored: what nobody has put right yet has no time to restore.
func TestUnrestored(t *testing.T) {
	all := []ReportedRollout{past("production", "a", "p-1", "v1", t0, time.Hour, rollout.StateFailed)}
	if d := DeliveryOf("production", all, t0.Add(48*time.Hour)); d.Failed != 1 || d.Restore.Of != 0 {
		t.Errorf("%+v", d)
	}
	all = append(all, past("production", "a", "p-2", "v2", t0.Add(3*time.Hour), time.Hour, rollout.StateSucceeded))
	if d := DeliveryOf("production", all, t0.Add(48*time.Hour)); d.Restore != (Seconds{Median: 3 * 3600, Of: 1}) {
		t.Errorf("the next success: %+v", d.Restore)
	}
}

// TestBuckets: days, weeks from Monday where there are more than four of them, and no
// more columns than there is room for.
func TestBuckets(t *testing.T) {
	d := Delivery{Deployments: []Deployment{{Ended: t0}, {Ended: t0.Add(time.Hour), Failed: true}, {Ended: t0.Add(72 * time.Hour)}}}
	days := d.Buckets(t0.Add(73*time.Hour), 10)
	if len(days) != 4 || days[0].Deployments != 2 || days[0].Failed != 1 || days[1].Deployments != 0 || days[3].Deployments != 1 || days[0].Days != 1 {
		t.Errorf("days %+v", days)
	}
	weeks := d.Buckets(t0.AddDate(0, 0, 60), 100)
	if len(weeks) < 9 || weeks[0].Days != 7 || weeks[0].Start.Weekday() != time.Monday {
		t.Errorf("weeks %+v", weeks)
	}
	if few := d.Buckets(t0.Add(73*time.Hour), 2); len(few) != 2 || Most(few) != 1 {
		t.Errorf("the newest two: %+v", few)
	}
	if none := (Delivery{}).Buckets(t0, 5); len(none) != 0 || Most(none) != 0 {
		t.Errorf("none: %+v", none)
	}
}
