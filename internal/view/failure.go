package view

import (
	"slices"
	"strings"

	"sluice/rollout"
	"sluice/stages/driver"
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
	o.Restored = e.Restored
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
	if again, ok := t.anew(o, r, e); ok && len(o.Ways) == 0 {
		o.Ways = []string{again.String()}
	}
}

// anew is the command line that promotes once more where nothing is left of a
// promotion that failed; false where a block would refuse it.
func (t *telling) anew(o *Target, r *rollout.Record, e *rollout.Execution) (Command, bool) {
	if !e.Restored || e.Spec.Command != rollout.CommandPromote || t.declared[o.Target] == nil {
		return Command{}, false
	}
	q := rollout.Question{Intention: rollout.ToPromote, Release: e.Spec.Release.ID, Person: true}
	if len(r.Blocks.Stopping(q, t.Now)) > 0 || t.Setting.Outside != nil && len(t.Setting.Outside(r, q, t.Now)) > 0 {
		return Command{}, false
	}
	c := Command{Name: rollout.CommandPromote, To: o.Stage, Target: o.Target}
	if e.Spec.Source == nil {
		c.Release = e.Spec.Release.ID
	}
	return c, true
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
		switch {
		case s.Call.Changes[0].Percent != "":
			return s.Call.Changes[0].Percent + " % to " + e.Spec.Release.ID
		case s.Call.Kind == driver.Host, s.Call.Kind == driver.Route:
			return "for testers " + e.Spec.Release.ID
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
		text := "now runs " + t.Stands
		if t.Restored {
			text += ", as before"
		}
		parts = append(parts, text)
	}
	if len(t.Ways) > 0 {
		parts = append(parts, "goes on with `"+strings.Join(t.Ways, "` or `")+"`")
	}
	return strings.Join(parts, "; ")
}
