package clouddeploy

import (
	"context"
	"fmt"
	"strings"

	"sluice/stages/driver"
	"sluice/stages/google"
)

// mostDetails bounds the job runs that are read to explain one failure.
const mostDetails = 10

// problems say why a rollout did not succeed: its own reason, then each failed
// job with its message and its log.
func (api reader) problems(ctx context.Context, v view) []driver.Problem {
	problems := []driver.Problem{{Code: v.cause(), Location: "rollout " + google.Last(v.Name), Message: v.message()}}
	failed := v.failedJobs()
	for _, l := range failed[:min(len(failed), mostDetails)] {
		problems = append(problems, api.jobProblem(ctx, l))
	}
	if more := len(failed) - mostDetails; more > 0 {
		problems = append(problems, driver.Problem{Message: fmt.Sprintf("%d more jobs failed", more)})
	}
	return problems
}

func (v view) cause() string {
	if v.DeployFailureCause == "" || v.DeployFailureCause == noCause {
		return v.State
	}
	return v.DeployFailureCause
}

// message is the rollout's own word. The build that deploys is named where no
// failed job names a better one.
func (v view) message() string {
	reason := v.FailureReason
	switch {
	case reason != "":
	case v.State == "APPROVAL_REJECTED":
		return "the rollout was rejected"
	case v.State == "CANCELLED":
		return "the rollout was cancelled"
	default:
		reason = "the rollout failed and Cloud Deploy gives no reason"
	}
	if len(v.failedJobs()) > 0 {
		return reason
	}
	return logs(v.DeployingBuild, reason)
}

// jobProblem reads why a job failed. Where that cannot be read, the job is
// named all the same.
func (api reader) jobProblem(ctx context.Context, l located) driver.Problem {
	problem := driver.Problem{Code: l.job.State, Location: l.where(), Message: "the job failed"}
	if l.job.JobRun == "" {
		return problem
	}
	raw, err := api.client.Get(ctx, root+l.job.JobRun)
	if err != nil {
		problem.Message = "the job failed; its run " + google.Last(l.job.JobRun) + " could not be read: " + err.Error()
		return problem
	}
	r, err := runOf(raw)
	if err != nil {
		return problem
	}
	if r.Rollout != "" {
		return api.childProblem(ctx, problem, r)
	}
	return r.problem(l.where())
}

// childProblem is why a controller's child failed.
func (api reader) childProblem(ctx context.Context, problem driver.Problem, r run) driver.Problem {
	problem.Message = "child rollout " + google.Last(r.Rollout) + " failed"
	raw, err := api.client.Get(ctx, root+r.Rollout)
	if err != nil {
		return problem
	}
	if v, err := viewOf(raw); err == nil {
		problem.Code = v.cause()
		problem.Message += ": " + v.message()
	}
	return problem
}

// console is where people look at a rollout.
func console(rollout string) string {
	parts := strings.Split(rollout, "/")
	if len(parts) != 10 {
		return ""
	}
	return fmt.Sprintf("https://console.cloud.google.com/deploy/delivery-pipelines/%s/%s/releases/%s/rollouts/%s?project=%s",
		parts[3], parts[5], parts[7], parts[9], parts[1])
}
