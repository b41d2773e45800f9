package rollout

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	v2 "github.com/go-json-experiment/json"
	"google.golang.org/api/clouddeploy/v1"

	"sluice/stages/driver"
)

// strictly decodes into one of Google's own types; what it does not know is an error.
func strictly(t *testing.T, v any, into any) {
	t.Helper()
	data, err := v2.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		t.Fatalf("%v\n%s", err, data)
	}
}

// checkGoogle asserts that every rollout is one of Cloud Deploy's.
func checkGoogle(t *testing.T, r *Record) {
	t.Helper()
	children := make([]Rollout, 0, len(r.Rollouts))
	for _, e := range r.Rollouts {
		strictly(t, e.Rollout, &clouddeploy.Rollout{})
		children = append(children, e.Rollout)
	}
	strictly(t, Controller(children), &clouddeploy.Rollout{})
}

func TestRolloutIsCloudDeploys(t *testing.T) {
	s := newRig(t)
	e := s.start(canary("10"), waits(time.Minute), gated(JobPredeploy, JobVerify, JobAnalysis, JobPostdeploy), approved(ApprovalSpec{Quorum: 1}), func(p *Spec) {
		p.Controlled = true
		p.Options = driver.Options{Description: "spring", Labels: map[string]string{"team": "shop"}, Annotations: map[string]string{"why": "because"}}
	})
	err := s.apply(Vote{Rollout: e.Rollout.Name, Approve: true, Voter: voter("bob", "")})
	s.must(err)
	s.run()
	Seal(&s.r, nil, Setting{}, everyEvent, s.now)
	var got clouddeploy.Rollout
	strictly(t, e.Rollout, &got)
	s.want("name", got.Name, "r2-to-web-0001")
	s.want("texts", []any{got.Description, got.Labels, got.Annotations, got.TargetId}, []any{"spring", map[string]string{"team": "shop"}, map[string]string{"why": "because"}, "web"})
	s.want("times", []string{got.CreateTime, got.ApproveTime, got.EnqueueTime, got.DeployStartTime, got.DeployEndTime}, []string{"2026-03-01T12:00:00Z", "2026-03-01T12:00:00Z", "2026-03-01T12:00:00Z", "2026-03-01T12:00:00Z", ""})
	s.want("states", []string{got.State, got.ApprovalState, got.Phases[0].State}, []string{"IN_PROGRESS", "APPROVED", "IN_PROGRESS"})
	s.want("set by us", got.Uid != "" && got.Etag != "" && got.ControllerRollout != "", true)
	d := got.Phases[0].DeploymentJobs
	for name, job := range map[string]*clouddeploy.Job{"predeploy": d.PredeployJob, "deploy": d.DeployJob, "verify": d.VerifyJob, "analysis": d.AnalysisJob} {
		if job == nil || job.Id != name {
			t.Errorf("job %s is %+v", name, job)
		}
	}
	s.want("kinds", d.PredeployJob.PredeployJob != nil && d.DeployJob.DeployJob != nil && d.VerifyJob.VerifyJob != nil && d.AnalysisJob.AnalysisJob != nil, true)
}

func TestEtagChangesWithTheRollout(t *testing.T) {
	s := newRig(t)
	e := s.start(canary("10"))
	Seal(&s.r, nil, Setting{}, everyEvent, s.now)
	first := e.Rollout.Etag
	Seal(&s.r, nil, Setting{}, everyEvent, s.now)
	s.want("unchanged", e.Rollout.Etag, first)
	s.must(s.apply(Advance{Rollout: e.Rollout.Name, By: person("bob")}))
	Seal(&s.r, nil, Setting{}, everyEvent, s.now)
	s.want("changed", e.Rollout.Etag != first && first != "", true)
}
