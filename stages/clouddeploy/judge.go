package clouddeploy

import (
	"context"

	"sluice/stages/driver"
	"sluice/stages/google"
)

// judge says what became of a deployment or a rollback.
func (f frozenCall) judge(ctx context.Context, result *driver.Result, v view) error {
	switch {
	case v.Annotations[callAnnotation] != f.Request:
		result.Outcome = driver.Failed
		result.Errors = []driver.Problem{{Code: "FOREIGN", Location: v.Name, Message: "the rollout of this name is not the one that was asked for: somebody else made it"}}
	case v.State == "SUCCEEDED":
		result.Outcome = driver.Succeeded
	case v.final():
		result.Outcome, result.Errors = driver.Failed, f.api.problems(ctx, v)
		err := f.judgeBack(ctx, result)
		if code := explain(err).Code; err != nil && code != driver.Retryable && code != driver.Lost {
			return nil // it failed whatever cannot be read of it
		}
		return err
	}
	return nil
}

// judgeBack says whether a rollout that did not succeed leaves the target as it was:
// it never began to deploy (rejected, or cancelled while it waited), or a rollout that
// Cloud Deploy made itself brought back what ran (repair).
func (f frozenCall) judgeBack(ctx context.Context, result *driver.Result) error {
	at, err := placeOf(f.change().Target)
	if err != nil {
		return err
	}
	current, err := f.api.current(ctx, at)
	if err != nil {
		return err
	}
	had, err := f.api.sinceBegun(ctx, at)
	if err != nil {
		return err
	}
	s := observed{current: current, touched: firstBegun(had)}
	untouched := s.current == nil && s.touched == nil
	if standingOf(current).Release != f.Before || !s.settled() && !untouched {
		return nil
	}
	result.Restored = true
	if current != nil {
		result.Release = releaseOn(current)
	}
	result.After = standingOf(current).json()
	return nil
}

// tookEffect reports whether a command shows in the rollout.
func (v view) tookEffect(k driver.Kind, f frozen) bool {
	p, _ := v.phase(f.Phase)
	j, _ := p.job(f.Job)
	switch k {
	case driver.Approve:
		return v.ApprovalState == "APPROVED"
	case driver.Reject:
		return v.ApprovalState == "REJECTED" || v.State == "APPROVAL_REJECTED"
	case driver.Advance:
		return p.State != "" && p.State != "PENDING"
	case driver.RetryJob:
		return j.State != "" && (j.State != "FAILED" || j.JobRun != f.JobRun)
	case driver.IgnoreJob:
		return j.State == "IGNORED"
	default:
		return v.State == "CANCELLING" || v.State == "CANCELLED"
	}
}

// judgeCommand says what became of a command.
func (v view) judgeCommand(result *driver.Result, k driver.Kind, f frozen) {
	if v.tookEffect(k, f) {
		result.Outcome = driver.Succeeded
		return
	}
	if v.final() && k != driver.RetryJob && k != driver.IgnoreJob {
		result.Outcome = driver.Failed
		result.Errors = []driver.Problem{{Code: v.State, Location: "rollout " + google.Last(v.Name), Message: "the rollout was over before the command took effect"}}
	}
}

// judgeTermination says what became of the command to end a run: what it means for
// the rollout is the rollout's to say, later.
func (f frozenCall) judgeTermination(ctx context.Context, result *driver.Result) error {
	r, err := f.api.jobRun(ctx, f.JobRun)
	if err != nil {
		return err
	}
	switch r.State {
	case "TERMINATING", "TERMINATED":
		result.Outcome = driver.Succeeded
	case "SUCCEEDED", "FAILED":
		result.Outcome = driver.Failed
		result.Errors = []driver.Problem{{Code: r.State, Location: "run " + google.Last(f.JobRun), Message: "the run was over before it could be terminated"}}
	}
	return nil
}
