package rollout

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	v2 "github.com/go-json-experiment/json"
	"google.golang.org/api/clouddeploy/v1"
	"google.golang.org/api/deploymentmanager/v2"

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

// checkGoogle asserts that every rollout is one of Cloud Deploy's and every
// effect's view an operation of Deployment Manager's.
func checkGoogle(t *testing.T, r *Record) {
	t.Helper()
	children := make([]Rollout, 0, len(r.Rollouts))
	for _, e := range r.Rollouts {
		strictly(t, e.Rollout, &clouddeploy.Rollout{})
		for _, s := range e.Steps {
			strictly(t, OperationOf(r, s), &deploymentmanager.Operation{})
		}
		children = append(children, e.Rollout)
	}
	strictly(t, Controller(children), &clouddeploy.Rollout{})
}

func TestRolloutIsCloudDeploys(t *testing.T) {
	s := newStand(t)
	e := s.start(canary("10"), waits(time.Minute), gated(JobPredeploy, JobVerify, JobAnalysis, JobPostdeploy), approved(ApprovalSpec{Quorum: 1}), func(p *Spec) {
		p.Members = []string{"web", "api"}
		p.Options = driver.Options{Description: "spring", Labels: map[string]string{"team": "shop"}, Annotations: map[string]string{"why": "because"}}
	})
	_, err := e.Approve(&s.r, Voter{Actor: "bob"}, s.now)
	s.must(err)
	s.run()
	Seal(&s.r, s.now, 0)
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
	s := newStand(t)
	e := s.start(canary("10"))
	Seal(&s.r, s.now, 0)
	first := e.Rollout.Etag
	Seal(&s.r, s.now, 0)
	s.want("unchanged", e.Rollout.Etag, first)
	s.must(e.Advance(&s.r, "", "bob", s.now))
	Seal(&s.r, s.now, 0)
	s.want("changed", e.Rollout.Etag != first && first != "", true)
}

func TestOperationOfIsDeploymentManagers(t *testing.T) {
	at := func(min int) time.Time { return t0.Add(time.Duration(min) * time.Minute) }
	begun := &driver.Operation{
		ID: "operation-1", Kind: "update", Status: driver.Running, Progress: 40, User: "ci@example.com",
		Inserted: at(1), Started: at(2), Link: "https://example.com/op", Warnings: []driver.Problem{{Message: "slow"}},
	}
	broken := *begun
	broken.Status, broken.Ended = driver.Done, at(3)
	broken.Results = map[string]driver.Result{"web": {Outcome: driver.Failed, Errors: []driver.Problem{{Code: "A", Location: "/x", Message: "one"}, {Message: "two"}}}}
	call := driver.Call{Key: "r2-to-web-0001/stable/deploy/1", Kind: driver.Deploy, Intended: at(0)}
	for name, c := range map[string]struct {
		step Step
		want string
	}{
		"intended":  {Step{Call: call, State: StepIntended}, `{"name":"r2-to-web-0001/stable/deploy/1","operationType":"deploy","targetLink":"shop/production/web","status":"PENDING","insertTime":"2026-03-01T12:00:00Z"}`},
		"running":   {Step{Call: call, State: StepBegun, Operation: begun}, `{"name":"operation-1","operationType":"update","targetLink":"shop/production/web","selfLink":"https://example.com/op","status":"RUNNING","progress":40,"user":"ci@example.com","insertTime":"2026-03-01T12:01:00Z","startTime":"2026-03-01T12:02:00Z","warnings":[{"message":"slow"}]}`},
		"done":      {Step{Call: call, State: StepDone}, `{"name":"r2-to-web-0001/stable/deploy/1","operationType":"deploy","targetLink":"shop/production/web","status":"DONE","progress":100,"insertTime":"2026-03-01T12:00:00Z"}`},
		"broken":    {Step{Call: call, State: StepFailed, Operation: &broken, Message: "one; two"}, `{"name":"operation-1","operationType":"update","targetLink":"shop/production/web","selfLink":"https://example.com/op","status":"DONE","progress":40,"user":"ci@example.com","insertTime":"2026-03-01T12:01:00Z","startTime":"2026-03-01T12:02:00Z","endTime":"2026-03-01T12:03:00Z","error":{"errors":[{"code":"A","location":"/x","message":"one"},{"message":"two"}]},"warnings":[{"message":"slow"}]}`},
		"withdrawn": {Step{Call: call, State: StepWithdrawn, Message: "never sent"}, `{"name":"r2-to-web-0001/stable/deploy/1","operationType":"deploy","targetLink":"shop/production/web","status":"DONE","insertTime":"2026-03-01T12:00:00Z","error":{"errors":[{"message":"never sent"}]}}`},
	} {
		t.Run(name, func(t *testing.T) {
			r := New("shop", target())
			o := OperationOf(&r, c.step)
			strictly(t, o, &deploymentmanager.Operation{})
			data, err := v2.Marshal(o)
			if err != nil {
				t.Fatal(err)
			}
			if string(data) != c.want {
				t.Errorf("got  %s\nwant %s", data, c.want)
			}
		})
	}
}
