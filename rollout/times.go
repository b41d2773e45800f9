package rollout

import "time"

// The keys of [Execution.Times]: timeStarted, since when timeout counts;
// timeApproval, since when the approval's does; a phase's id, when it ended;
// those of analysis, and ownKey, when a job's own checks passed.
const (
	timeStarted  = "started"
	timeApproval = "approval"
)

func analysisKey(phase string) string    { return phase + "/" + JobAnalysis }
func analysisRunKey(phase string) string { return phase + "/" + JobAnalysis + "/run" }
func ownKey(phase, job string) string    { return phase + "/" + job + "/own" }

// analysisInterval is how often the checks of an analysis run while it bakes.
const analysisInterval = time.Minute

// Deadline is when the rollout is failed for having taken too long; zero
// before it started and where it may take any time. A person who takes it up
// again gives it its time once more. While something stops it the deadline
// moves on.
func (e *Execution) Deadline() time.Time {
	start, ok := e.Times[timeStarted]
	if !ok {
		start = e.Rollout.DeployStartTime
	}
	if start.IsZero() || e.Spec.Timeout <= 0 {
		return time.Time{}
	}
	return start.Add(e.Spec.Timeout.Std())
}

// overdue reports whether the rollout took longer than its timeout.
func (e *Execution) overdue(now time.Time) bool { return e.Stop == nil && reached(e.Deadline(), now) }

// ApprovalDeadline is when the approval runs out; zero where it does not.
func (e *Execution) ApprovalDeadline() time.Time {
	if e.Spec.Approval == nil || e.Spec.Approval.Timeout <= 0 {
		return time.Time{}
	}
	return approvalStart(e).Add(e.Spec.Approval.Timeout.Std())
}

func approvalStart(e *Execution) time.Time {
	if start, ok := e.Times[timeApproval]; ok {
		return start
	}
	return e.Rollout.CreateTime
}

// reached reports whether a deadline is there; a zero one never is.
func reached(deadline, now time.Time) bool { return !deadline.IsZero() && !now.Before(deadline) }

// phaseDue is when phase i may start by itself.
func (e *Execution) phaseDue(i int) time.Time {
	prior := e.Rollout.Phases[i-1]
	if prior.DeploymentJobs != nil && prior.DeploymentJobs.AnalysisJob != nil {
		return e.Times[prior.ID] // the analysis was the bake
	}
	return e.Times[prior.ID].Add(e.Spec.WaitAfter(prior.ID).Std())
}

// setStop notes what stops the rollout. What stops it already keeps its time.
func (e *Execution) setStop(s Stop) bool {
	if have := e.Stop; have != nil {
		s.Since, s.Unknown = have.Since, have.Unknown // one thing after the other: it stands still all the time
		if have.Cause == s.Cause && have.Block == s.Block && have.Until.Equal(s.Until) && have.Message == s.Message && have.Person == s.Person {
			return false
		}
	}
	e.Stop = &s
	return true
}

// endStop lets the rollout's time count again, from where it stood still.
func (e *Execution) endStop(now time.Time) bool {
	if e.Stop == nil {
		return false
	}
	since, end := e.Stop.Since, now
	if until := e.Stop.Until; e.Stop.Cause == StopBlock && !e.Stop.Person && !until.IsZero() && until.Before(now) {
		end = until
	}
	e.Times.shift(timeStarted, e.Rollout.DeployStartTime, since, end)
	if e.Rollout.State == StatePendingApproval {
		e.Times.shift(timeApproval, approvalStart(e), since, end)
	}
	if step, open := e.Steps.Open(); open && e.Stop.Cause != StopBlock {
		step.Time = later(step.Time, since, end)
	}
	e.Stop = nil
	return true
}

// later moves start on by as much of since to end as comes after it.
func later(start, since, end time.Time) time.Time {
	if since.Before(start) {
		since = start
	}
	if !end.After(since) {
		return start
	}
	return start.Add(end.Sub(since)).UTC()
}

// Times are moments of a rollout, by the keys above.
type Times map[string]time.Time

func (t *Times) set(key string, now time.Time) {
	if *t == nil {
		*t = Times{}
	}
	(*t)[key] = now.UTC()
}

// shift moves a moment, or start where it is not known, on by as much of since to end as
// comes after it.
func (t *Times) shift(key string, start, since, end time.Time) {
	if have, ok := (*t)[key]; ok {
		start = have
	}
	if !start.IsZero() {
		t.set(key, later(start, since, end))
	}
}

// ownPassed reports whether the target's own checks of a job passed in its
// present run.
func (t Times) ownPassed(phase, job string) bool {
	_, passed := t[ownKey(phase, job)]
	return passed
}
