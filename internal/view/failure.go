package view

import (
	"slices"
	"strings"

	"sluice/rollout"
)

// afterFailure tells of a rollout that failed where it did, what stands now, and
// which commands are accepted.
func (t *telling) afterFailure(o *Target, r *rollout.Record, e *rollout.Execution) {
	if jobs := e.Rollout.FailedJobs(); len(jobs) > 0 {
		o.FailedIn = joined(jobs[0].Phase, jobs[0].Job)
	}
	if o.Stands = e.Previous.ID; r.Release != nil {
		o.Stands = r.Release.ID
	}
	if canary := canaryLeft(e); canary != "" && o.Stands != "" {
		o.Stands += ", and " + canary
	}
	if e.Rollout.RollbackOfRollout == "" && len(e.Rollout.RolledBackByRollouts) > 0 {
		return // somebody decided already
	}
	for _, c := range t.accepted(e, decisions(r, e)) {
		if c.Name != string(rollout.ToRollBack) || e.Touched() && !e.Restored {
			o.Ways = append(o.Ways, c.String())
		}
	}
}

// canaryLeft says which canary a rollout left with traffic; "" for none.
func canaryLeft(e *rollout.Execution) string {
	if e.Restored {
		return ""
	}
	for _, s := range slices.Backward(e.Steps) {
		if s.State != rollout.StepDone || len(s.Call.Changes) == 0 {
			continue
		}
		if percent := s.Call.Changes[0].Percent; percent != "" {
			return percent + " % to " + e.Spec.Release.ID
		}
		return ""
	}
	return ""
}

// AfterFailure says what stands after a failure and what can be done; "" where
// there is nothing to say.
func (t Target) AfterFailure() string {
	var parts []string
	if t.Stands != "" {
		parts = append(parts, "now runs "+t.Stands)
	}
	if len(t.Ways) > 0 {
		parts = append(parts, "goes on with `"+strings.Join(t.Ways, "` or `")+"`")
	}
	return strings.Join(parts, "; ")
}
