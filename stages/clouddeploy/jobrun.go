package clouddeploy

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"sluice/stages/driver"
	"sluice/stages/google"
)

// noCause is how Cloud Deploy says that it gives no cause.
const noCause = "FAILURE_CAUSE_UNSPECIFIED"

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

// reason is a failure's cause and message in one line.
func reason(cause, message string) string {
	if cause == noCause {
		cause = ""
	}
	switch {
	case cause == "" && message == "":
		return "no reason is given"
	case cause == "":
		return message
	case message == "":
		return cause
	default:
		return cause + ": " + message
	}
}

// logs adds where a build's log is to a message.
func logs(build, message string) string {
	parts := strings.Split(build, "/")
	if len(parts) != 6 {
		return message
	}
	return fmt.Sprintf("%s (log: https://console.cloud.google.com/cloud-build/builds;region=%s/%s?project=%s)", message, parts[3], parts[5], parts[1])
}

// jobRuns lists a rollout's job runs, oldest first.
func (api reader) jobRuns(ctx context.Context, rollout string) ([]run, error) {
	var all []run
	var pages google.Pages
	for token := ""; ; {
		raw, err := api.client.GetQuery(ctx, root+rollout+"/jobRuns", url.Values{"pageSize": {"1000"}, "pageToken": {token}})
		if err != nil {
			return nil, err
		}
		var page struct {
			JobRuns       []json.RawMessage `json:"jobRuns"`
			NextPageToken string            `json:"nextPageToken"`
		}
		if err := json.Unmarshal(raw, &page); err != nil {
			return nil, err
		}
		for _, text := range page.JobRuns {
			r, err := runOf(text)
			if err != nil {
				return nil, err
			}
			all = append(all, r)
		}
		if token = page.NextPageToken; token == "" {
			return all, nil
		}
		if err := pages.Turn(token); err != nil {
			return nil, err
		}
	}
}

func (api reader) jobRun(ctx context.Context, name string) (run, error) {
	raw, err := api.client.Get(ctx, "v1/"+name)
	if err != nil {
		return run{}, err
	}
	r, err := runOf(raw)
	if err != nil {
		return run{}, fmt.Errorf("reading job run %s: %w", name, err)
	}
	return r, nil
}
