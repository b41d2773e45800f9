package clouddeploy

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"sluice/stages/driver"
	"sluice/stages/google"
)

// noCause is how Cloud Deploy says that it gives no cause.
const noCause = "FAILURE_CAUSE_UNSPECIFIED"

// mostDetails bounds the job runs that are read to explain one failure.
const mostDetails = 10

// problems say why a rollout did not succeed: its own reason, then each failed
// job with its message and its log.
func (d *clouddeploy) problems(ctx context.Context, v view) []driver.Problem {
	problems := []driver.Problem{{Code: v.cause(), Location: "rollout " + google.Last(v.Name), Message: v.message()}}
	failed := v.failedJobs()
	for _, l := range failed[:min(len(failed), mostDetails)] {
		problems = append(problems, d.jobProblem(ctx, l))
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

// run is a job run: the part that its kind of job has is under a name of the
// kind, whatever kinds there will be.
type run struct {
	Name       string `json:"name"`
	PhaseID    string `json:"phaseId"`
	JobID      string `json:"jobId"`
	State      string `json:"state"`
	CreateTime string `json:"createTime"`
	StartTime  string `json:"startTime"`
	EndTime    string `json:"endTime"`
	detail
}

// detail is what the kinds of job runs have among them.
type detail struct {
	Build          string `json:"build"`
	FailureCause   string `json:"failureCause"`
	FailureMessage string `json:"failureMessage"`
	FailedCheckID  string `json:"failedCheckId"`
	Rollout        string `json:"rollout"`
}

// runOf reads a job run's text.
func runOf(raw json.RawMessage) (run, error) {
	var r run
	if err := json.Unmarshal(raw, &r); err != nil {
		return r, err
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		return r, err
	}
	for name, part := range fields {
		if strings.HasSuffix(name, "JobRun") {
			if err := json.Unmarshal(part, &r.detail); err != nil {
				return r, err
			}
		}
	}
	return r, nil
}

// message is the run's own word on why it failed.
func (r run) message() string {
	switch {
	case r.FailureMessage == "" && r.FailedCheckID != "":
		return "check " + r.FailedCheckID + " failed"
	case r.FailureMessage == "" && r.State == "TERMINATED":
		return "the job's run was terminated"
	default:
		return r.FailureMessage
	}
}

// reason is why the run failed, in one line.
func (r run) reason() string { return logs(r.Build, reason(r.FailureCause, r.message())) }

// problem is why the run failed, its cause apart.
func (r run) problem(where string) driver.Problem {
	p := driver.Problem{Code: r.FailureCause, Location: where, Message: r.message()}
	if p.Code == "" || p.Code == noCause {
		p.Code = "FAILED"
	}
	if p.Message == "" {
		p.Message = "the job failed and no message is given"
	}
	p.Message = logs(r.Build, p.Message)
	return p
}

// jobProblem reads why a job failed. Where that cannot be read, the job is
// named all the same.
func (d *clouddeploy) jobProblem(ctx context.Context, l located) driver.Problem {
	problem := driver.Problem{Code: l.job.State, Location: l.where(), Message: "the job failed"}
	if l.job.JobRun == "" {
		return problem
	}
	raw, err := d.client.Get(ctx, root+l.job.JobRun)
	if err != nil {
		problem.Message = "the job failed; its run " + google.Last(l.job.JobRun) + " could not be read: " + err.Error()
		return problem
	}
	r, err := runOf(raw)
	if err != nil {
		return problem
	}
	if r.Rollout != "" {
		return d.childProblem(ctx, problem, r)
	}
	return r.problem(l.where())
}

// childProblem is why a controller's child failed.
func (d *clouddeploy) childProblem(ctx context.Context, problem driver.Problem, r run) driver.Problem {
	problem.Message = "child rollout " + google.Last(r.Rollout) + " failed"
	raw, err := d.client.Get(ctx, root+r.Rollout)
	if err != nil {
		return problem
	}
	if v, err := viewOf(raw); err == nil {
		problem.Code = v.cause()
		problem.Message += ": " + v.message()
	}
	return problem
}

// logs adds where a build's log is to a message.
func logs(build, message string) string {
	parts := strings.Split(build, "/")
	if len(parts) != 6 {
		return message
	}
	return fmt.Sprintf("%s (log: https://console.cloud.google.com/cloud-build/builds;region=%s/%s?project=%s)", message, parts[3], parts[5], parts[1])
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
