package clouddeploy_test

import (
	"strings"
	"testing"
	"time"

	api "google.golang.org/api/clouddeploy/v1"
)

func TestRolloutRunsByTheClock(t *testing.T) {
	b := newBench(t)
	name := b.create(newest, "r1", "prod")
	r := b.want(name, "IN_PROGRESS")
	if job := r.Phases[0].DeploymentJobs.DeployJob; job.State != "IN_PROGRESS" || job.JobRun == "" || r.DeployingBuild == "" {
		t.Errorf("the deploy job is %+v of build %q", job, r.DeployingBuild)
	}
	b.clock.Move(2 * time.Second)
	if job := b.want(name, "IN_PROGRESS").Phases[0].DeploymentJobs.VerifyJob; job.State != "IN_PROGRESS" {
		t.Errorf("the verify job is %s", job.State)
	}
	b.clock.Move(2 * time.Second)
	r = b.want(name, "SUCCEEDED")
	if got := r.DeployEndTime; got != "2026-03-02T09:00:04Z" {
		t.Errorf("it ended at %s: a rollout's time is not when it is looked at", got)
	}
	var runs api.ListJobRunsResponse
	b.Must("GET", name+"/jobRuns", nil, &runs)
	if len(runs.JobRuns) != 2 || runs.JobRuns[0].State != "SUCCEEDED" {
		t.Errorf("job runs %+v", runs.JobRuns)
	}
	b.Must("GET", runs.JobRuns[0].Name, nil, &api.JobRun{})
}

func TestWholeRunAtOnce(t *testing.T) {
	b := newBench(t)
	name := b.create(newest, "r1", "prod")
	b.clock.Move(time.Hour)
	b.want(name, "SUCCEEDED")
}

func TestApproval(t *testing.T) {
	b := newBench(t)
	b.Must("POST", location+"/targets?targetId=gated", &api.Target{RequireApproval: true}, &api.Operation{})
	stages := []*api.Stage{{TargetId: "staging"}, {TargetId: "prod"}, {TargetId: "gated"}}
	b.Must("PATCH", shop+"?updateMask=serialPipeline", &api.DeliveryPipeline{SerialPipeline: &api.SerialPipeline{Stages: stages}}, &api.Operation{})
	b.Must("POST", shop+"/releases?releaseId=other", &api.Release{}, &api.Operation{})
	other := shop + "/releases/other"

	yes, no := b.create(other, "yes", "gated"), b.create(other, "no", "gated")
	b.want(yes, "PENDING_APPROVAL")
	b.Must("POST", no+":approve", &api.ApproveRolloutRequest{Approved: false}, &api.ApproveRolloutResponse{})
	if r := b.want(no, "APPROVAL_REJECTED"); r.ApprovalState != "REJECTED" || r.Phases[0].State != "ABORTED" {
		t.Errorf("%s, %s", r.ApprovalState, phases(r))
	}
	b.Must("POST", yes+":approve", &api.ApproveRolloutRequest{Approved: true}, &api.ApproveRolloutResponse{})
	if r := b.want(yes, "IN_PROGRESS"); r.ApprovalState != "APPROVED" || r.ApproveTime == "" {
		t.Errorf("%s at %s", r.ApprovalState, r.ApproveTime)
	}
	for _, name := range []string{yes, no} {
		b.Refused("FAILED_PRECONDITION: Rollout "+name+" is in state", "POST", name+":approve", &api.ApproveRolloutRequest{Approved: true})
	}
	// docs/platforms.md: "PENDING (behind an earlier rollout on the target)"
	b.clock.Move(10 * time.Second)
	first, second := b.create(other, "q1", "gated"), b.create(other, "q2", "gated")
	b.Must("POST", first+":approve", &api.ApproveRolloutRequest{Approved: true}, &api.ApproveRolloutResponse{})
	b.Must("POST", second+":approve", &api.ApproveRolloutRequest{Approved: true}, &api.ApproveRolloutResponse{})
	b.want(second, "PENDING")
	b.clock.Move(2 * time.Second)
	b.want(first, "SUCCEEDED")
	b.want(second, "IN_PROGRESS")
}

func TestCanary(t *testing.T) {
	b := newBench(t)
	name := b.create(b.strategy(canary()), "r1", "prod")
	advance := func(phase string) {
		b.Must("POST", name+":advance", &api.AdvanceRolloutRequest{PhaseId: phase}, &api.AdvanceRolloutResponse{})
	}
	r := b.rollout(name)
	first, last := r.Phases[0].DeploymentJobs, r.Phases[2].DeploymentJobs
	if first.PredeployJob == nil || first.PostdeployJob != nil || last.PredeployJob != nil || last.PostdeployJob == nil {
		t.Error("predeploy belongs to the first phase alone, postdeploy to the last")
	}
	b.Refused("not advanceable", "POST", name+":advance", &api.AdvanceRolloutRequest{PhaseId: "canary-50"})
	b.Refused("its first phase", "POST", name+":advance", &api.AdvanceRolloutRequest{PhaseId: "canary-25"})
	b.Refused("INVALID_ARGUMENT", "POST", name+":advance", &api.AdvanceRolloutRequest{PhaseId: "canary-99"})
	for _, step := range []struct{ phase, states string }{
		{"", "canary-25 SUCCEEDED, canary-50 PENDING, stable PENDING"},
		{"canary-50", "canary-25 SUCCEEDED, canary-50 SUCCEEDED, stable PENDING"},
		{"stable", "canary-25 SUCCEEDED, canary-50 SUCCEEDED, stable SUCCEEDED"},
	} {
		if step.phase != "" {
			advance(step.phase)
		}
		b.clock.Move(10 * time.Second)
		if got := phases(b.rollout(name)); got != step.states {
			t.Errorf("%s, want %s", got, step.states)
		}
	}
	b.want(name, "SUCCEEDED")
	b.Refused("only a rollout in state IN_PROGRESS can be advanced", "POST", name+":advance", &api.AdvanceRolloutRequest{PhaseId: "stable"})
}

// docs/platforms.md: "First rollout to a target with a canary strategy"
func TestFirstCanaryWaits(t *testing.T) {
	b := newBench(t)
	b.Must("POST", location+"/targets?targetId=fresh", &api.Target{}, &api.Operation{})
	b.Must("PATCH", shop+"?updateMask=serialPipeline", &api.DeliveryPipeline{SerialPipeline: &api.SerialPipeline{
		Stages: []*api.Stage{{TargetId: "staging"}, {TargetId: "fresh", Strategy: canary()}},
	}}, &api.Operation{})
	b.Must("POST", shop+"/releases?releaseId=other", &api.Release{}, &api.Operation{})
	name := b.create(shop+"/releases/other", "r1", "fresh")
	b.clock.Move(time.Hour)
	r := b.want(name, "IN_PROGRESS")
	if got := phases(r); got != "canary-25 SKIPPED, canary-50 SKIPPED, stable PENDING" || r.Phases[0].SkipMessage == "" {
		t.Errorf("%s (%q)", got, r.Phases[0].SkipMessage)
	}
	b.Must("POST", name+":advance", &api.AdvanceRolloutRequest{PhaseId: "stable"}, &api.AdvanceRolloutResponse{})
	b.clock.Move(time.Minute)
	b.want(name, "SUCCEEDED")
}

func TestFailedJobs(t *testing.T) {
	b := newBench(t, "web:deploy:fail-verify")
	name := b.create(newest, "r1", "prod")
	b.clock.Move(time.Minute)
	r := b.want(name, "FAILED")
	if r.DeployFailureCause != "EXECUTION_FAILED" || r.FailureReason == "" || r.Phases[0].State != "FAILED" {
		t.Errorf("%s: %s; %s", r.DeployFailureCause, r.FailureReason, phases(r))
	}
	var run api.JobRun
	b.Must("GET", r.Phases[0].DeploymentJobs.VerifyJob.JobRun, nil, &run)
	if run.State != "FAILED" || run.VerifyJobRun.FailureMessage == "" || !strings.HasPrefix(run.VerifyJobRun.Build, location+"/builds/") {
		t.Errorf("%+v %+v", run, run.VerifyJobRun)
	}
	b.Refused("only a job in state FAILED can be retried", "POST", name+":retryJob", &api.RetryJobRequest{PhaseId: "stable", JobId: "deploy"})
	b.Refused("INVALID_ARGUMENT", "POST", name+":ignoreJob", &api.IgnoreJobRequest{PhaseId: "stable", JobId: "nothing"})
	b.Refused("cannot be cancelled", "POST", name+":cancel", &api.CancelRolloutRequest{})
	b.Must("POST", name+":retryJob", &api.RetryJobRequest{PhaseId: "stable", JobId: "verify"}, &api.RetryJobResponse{})
	if r := b.want(name, "IN_PROGRESS"); r.FailureReason != "" || r.DeployFailureCause != "" || r.DeployEndTime != "" {
		t.Errorf("%+v", r)
	}
	b.clock.Move(time.Minute)
	b.want(name, "SUCCEEDED")
}

func TestIgnoredJob(t *testing.T) {
	b := newBench(t, "web:deploy:fail")
	name := b.create(newest, "r1", "prod")
	b.clock.Move(time.Minute)
	if r := b.want(name, "FAILED"); r.Phases[0].DeploymentJobs.VerifyJob.State != "ABORTED" {
		t.Errorf("the verify job is %s", r.Phases[0].DeploymentJobs.VerifyJob.State)
	}
	b.Must("POST", name+":ignoreJob", &api.IgnoreJobRequest{PhaseId: "stable", JobId: "deploy"}, &api.IgnoreJobResponse{})
	b.clock.Move(time.Minute)
	if r := b.want(name, "SUCCEEDED"); r.Phases[0].DeploymentJobs.DeployJob.State != "IGNORED" {
		t.Errorf("the deploy job is %s", r.Phases[0].DeploymentJobs.DeployJob.State)
	}
}

func TestHangAndCancel(t *testing.T) {
	b := newBench(t, "web:deploy:hang")
	name := b.create(newest, "r1", "prod")
	b.clock.Move(240 * time.Hour)
	b.want(name, "IN_PROGRESS")
	b.Refused("already in progress", "POST", newest+"/rollouts?rolloutId=r2", &api.Rollout{TargetId: "prod"})
	b.Must("POST", name+":cancel", &api.CancelRolloutRequest{}, &api.CancelRolloutResponse{})
	b.want(name, "CANCELLING")
	b.Refused("cannot be cancelled", "POST", name+":cancel", &api.CancelRolloutRequest{})
	b.clock.Move(2 * time.Second)
	if r := b.want(name, "CANCELLED"); phases(r) != "stable ABORTED" {
		t.Error(phases(r))
	}
	b.create(newest, "r2", "prod")
}

func TestRollback(t *testing.T) {
	b := newBench(t)
	back := &api.RollbackTargetRequest{TargetId: "prod", RolloutId: "back"}
	b.Refused("fewer than 2 rollouts", "POST", shop+":rollbackTarget", back)
	name := b.create(newest, "r1", "prod")
	b.clock.Move(time.Minute)
	b.want(name, "SUCCEEDED")
	b.Refused("is not the latest rollout", "POST", shop+":rollbackTarget", &api.RollbackTargetRequest{TargetId: "prod", RolloutId: "back", RolloutToRollBack: name + "x"})

	var answer api.RollbackTargetResponse
	back.ValidateOnly = true
	b.Must("POST", shop+":rollbackTarget", back, &answer)
	b.Refused("NOT_FOUND", "GET", answer.RollbackConfig.Rollout.Name, nil)
	back.ValidateOnly = false
	b.Must("POST", shop+":rollbackTarget", back, &answer)
	made := answer.RollbackConfig.Rollout
	if made.Name != shop+"/releases/release-001/rollouts/back" || made.RollbackOfRollout != name || answer.RollbackConfig.StartingPhaseId != "stable" {
		t.Errorf("%+v", made)
	}
	b.clock.Move(time.Minute)
	b.want(made.Name, "SUCCEEDED")
	if undone := b.rollout(name); len(undone.RolledBackByRollouts) != 1 || undone.RolledBackByRollouts[0] != made.Name {
		t.Errorf("rolled back by %v", undone.RolledBackByRollouts)
	}
	b.Must("POST", shop+"/releases/release-003:abandon", &api.AbandonReleaseRequest{}, &api.AbandonReleaseResponse{})
	b.Refused("is abandoned", "POST", shop+":rollbackTarget", &api.RollbackTargetRequest{TargetId: "prod", RolloutId: "forth", ReleaseId: "release-003"})
	b.Must("POST", shop+":rollbackTarget", &api.RollbackTargetRequest{TargetId: "prod", RolloutId: "forth"}, &answer)
	if release := answer.RollbackConfig.Rollout.Name; !strings.Contains(release, "release-001") {
		t.Errorf("it goes back to %s: an abandoned release must be passed over", release)
	}
}

func TestRollbackStartsAtStable(t *testing.T) {
	b := newBench(t)
	other := b.strategy(canary())
	b.create(other, "r1", "prod")
	b.Must("POST", shop+":rollbackTarget", &api.RollbackTargetRequest{TargetId: "prod", RolloutId: "back", ReleaseId: "other"}, &api.RollbackTargetResponse{})
	if got := phases(b.rollout(other + "/rollouts/back")); !strings.HasPrefix(got, "canary-25 SKIPPED, canary-50 SKIPPED, stable") {
		t.Error(got)
	}
}
