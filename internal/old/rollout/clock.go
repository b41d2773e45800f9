package rollout

import "time"

// The keys of [Execution.Times].
const timeStarted = "started"

func analysisKey(phase string) string    { return phase + "/" + JobAnalysis }
func analysisRunKey(phase string) string { return phase + "/" + JobAnalysis + "/run" }

// analysisInterval is how often the checks of an analysis run while it bakes.
const analysisInterval = time.Minute

func (e *Execution) setTime(key string, now time.Time) {
	if e.Times == nil {
		e.Times = map[string]time.Time{}
	}
	e.Times[key] = now.UTC()
}

// Deadline is when the rollout is failed for having taken too long; zero
// before it started and where it may take any time. A person who takes it up
// again gives it its time once more.
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
func (e *Execution) overdue(now time.Time) bool { return reached(e.Deadline(), now) }

// operationDeadline is when an effect is given up that has no final answer.
func (e *Execution) operationDeadline(s *Step) time.Time {
	if e.Spec.OperationTimeout <= 0 {
		return time.Time{}
	}
	return s.Time.Add(e.Spec.OperationTimeout.Std())
}

// approvalDeadline is when a rollout that nobody approved is rejected.
func (e *Execution) approvalDeadline() time.Time {
	if e.Spec.Approval == nil || e.Spec.Approval.Timeout <= 0 {
		return time.Time{}
	}
	return e.Rollout.CreateTime.Add(e.Spec.Approval.Timeout.Std())
}

// reached reports whether a deadline is there; a zero one never is.
func reached(deadline, now time.Time) bool { return !deadline.IsZero() && !now.Before(deadline) }

// phaseDue is when phase i may start by itself.
func (e *Execution) phaseDue(i int) time.Time {
	prior := e.Rollout.Phases[i-1]
	if prior.DeploymentJobs != nil && prior.DeploymentJobs.AnalysisJob != nil {
		return e.Times[prior.ID] // the analysis was the bake
	}
	return e.Times[prior.ID].Add(e.Spec.Wait.Std())
}

// analysisEnd is when the bake of an analysis is over.
func (e *Execution) analysisEnd(phase string) time.Time {
	start := e.Times[analysisKey(phase)]
	if e.Spec.Wait == nil {
		return start
	}
	return start.Add(e.Spec.Wait.Std())
}

// analysisDue reports whether the checks of an analysis are to run now: at its
// beginning, every so often while it bakes, and at its end.
func (e *Execution) analysisDue(phase string, now time.Time) bool {
	last, ran := e.Times[analysisRunKey(phase)]
	return !ran || !now.Before(e.analysisEnd(phase)) || now.Sub(last) >= analysisInterval
}

// forgetAnalysis has the analysis of a phase begin its bake anew.
func (e *Execution) forgetAnalysis(phase string) {
	delete(e.Times, analysisKey(phase))
	delete(e.Times, analysisRunKey(phase))
}
