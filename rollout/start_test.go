package rollout

import (
	"testing"
	"time"
)

// TestStartAt: a rollout begins at the phase that was named; those before it are
// SKIPPED, with what runs once before the first of them in the one that is.
func TestStartAt(t *testing.T) {
	at := func(phase string) func(*Spec) {
		return func(s *Spec) {
			if !s.StartAt(phase) {
				t.Fatalf("no phase %s", phase)
			}
		}
	}
	s := newRig(t)
	e := s.start(canary("10", "50"), waits(time.Hour), gated(JobPredeploy), at("canary-50"))
	s.want("states", states(e), "IN_PROGRESS canary-10=SKIPPED canary-50=SUCCEEDED stable=PENDING")
	s.want("jobs", jobs(t, e, "canary-50"), "predeploy=SUCCEEDED deploy=SUCCEEDED")
	s.want("why", e.Rollout.Phases[0].SkipMessage, "it was to begin at canary-50")
	s.after(time.Hour)
	s.want("sent", []any{s.sent, e.Rollout.State}, []any{[]string{"weight 50", "stable"}, StateSucceeded})

	s.must(s.apply(GoBack{By: person("bob")}))
	s.run()
	s.want("going back begins at its own", []any{s.runs.Stable, states(s.rollout("r1-to-web-0001"))}, []any{"r1", "SUCCEEDED stable=SUCCEEDED"})

	s = newRig(t)
	e = s.start(canary("10", "50"), waits(time.Hour), at("stable"))
	s.want("at stable", []any{states(e), s.sent}, []any{"SUCCEEDED canary-10=SKIPPED canary-50=SKIPPED stable=SUCCEEDED", []string{"deploy"}})
	spec := plan(canary("10"))
	s.want("no such phase", spec.StartAt("canary-20"), false)
}
