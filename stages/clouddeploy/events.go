package clouddeploy

import (
	"context"
	"encoding/json"
	"strings"

	"sluice/stages/driver"
	"sluice/stages/google"
)

// followJobs reads the rollout's job runs where it has changed since they were
// last read, and tells them as events. A failure to read them is no failure of
// the poll: the next one tells them.
func (api reader) followJobs(ctx context.Context, op *driver.Operation, result *driver.Result, v view) {
	var before followed
	json.Unmarshal(op.Data, &before) //nolint:errcheck // none before the first poll
	if v.Etag == before.Etag && !(v.Etag == "" && v.final()) || !v.ran() {
		return
	}
	runs, err := api.jobRuns(ctx, v.Name)
	if err != nil {
		return
	}
	for _, r := range runs {
		result.Events = append(result.Events, v.events(r)...)
	}
	op.Data, _ = json.Marshal(followed{Etag: v.Etag}) //nolint:errchkjson // one string
}

// ran reports whether a job of the rollout has a run.
func (v view) ran() bool {
	for _, p := range v.Phases {
		for _, j := range p.jobs() {
			if j.JobRun != "" {
				return true
			}
		}
	}
	return false
}

// events are what a job run's times tell.
func (v view) events(r run) []driver.Event {
	where := "phase " + r.PhaseID + ", job " + r.JobID
	if p, ok := v.phase(r.PhaseID); ok {
		if j, ok := p.job(r.JobID); ok && len(j.actions()) > 0 {
			where += ", custom actions " + strings.Join(j.actions(), ", ")
		}
	}
	started := driver.Event{
		ID: google.Last(r.Name) + "/started", Type: "jobRun.started", Time: google.Clock(r.StartTime),
		Message: logs(r.Build, where), Temporary: r.EndTime == "",
	}
	if started.Time.IsZero() {
		started.Time = google.Clock(r.CreateTime)
	}
	if r.EndTime == "" {
		return []driver.Event{started}
	}
	ended := driver.Event{ID: google.Last(r.Name) + "/ended", Type: "jobRun." + strings.ToLower(r.State), Time: google.Clock(r.EndTime), Message: where}
	if r.State != "SUCCEEDED" {
		ended.Message += ": " + r.reason()
	}
	return []driver.Event{started, ended}
}

// followed is what an operation keeps between polls.
type followed struct {
	Etag string `json:"etag"` // of the rollout when its job runs were last read
}
