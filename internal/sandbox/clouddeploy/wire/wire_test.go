package wire_test

import (
	"testing"

	api "google.golang.org/api/clouddeploy/v1"

	"sluice/internal/sandbox/clouddeploy/wire"
	"sluice/internal/sandbox/sandboxtest"
)

// Every type is the one that Google's own client has.
func TestTypes(t *testing.T) {
	sandboxtest.HoldTypes(t, "wire.go", nil,
		sandboxtest.Pair{Ours: wire.DeliveryPipeline{}, Theirs: api.DeliveryPipeline{}},
		sandboxtest.Pair{Ours: wire.SerialPipeline{}, Theirs: api.SerialPipeline{}},
		sandboxtest.Pair{Ours: wire.Stage{}, Theirs: api.Stage{}},
		sandboxtest.Pair{Ours: wire.Strategy{}, Theirs: api.Strategy{}},
		sandboxtest.Pair{Ours: wire.Around{}, Theirs: api.Standard{}},
		sandboxtest.Pair{Ours: wire.Canary{}, Theirs: api.Canary{}},
		sandboxtest.Pair{Ours: wire.CanaryDeployment{}, Theirs: api.CanaryDeployment{}},
		sandboxtest.Pair{Ours: wire.CustomCanaryDeployment{}, Theirs: api.CustomCanaryDeployment{}},
		sandboxtest.Pair{Ours: wire.PhaseConfig{}, Theirs: api.PhaseConfig{}},
		sandboxtest.Pair{Ours: wire.Hook{}, Theirs: api.Predeploy{}},
		sandboxtest.Pair{Ours: wire.Hook{}, Theirs: api.Postdeploy{}},
		sandboxtest.Pair{Ours: wire.Analysis{}, Theirs: api.Analysis{}},
		sandboxtest.Pair{Ours: wire.Verify{}, Theirs: api.Verify{}},
		sandboxtest.Pair{Ours: wire.PipelineCondition{}, Theirs: api.PipelineCondition{}},
		sandboxtest.Pair{Ours: wire.PipelineReadyCondition{}, Theirs: api.PipelineReadyCondition{}},
		sandboxtest.Pair{Ours: wire.Target{}, Theirs: api.Target{}},
		sandboxtest.Pair{Ours: wire.MultiTarget{}, Theirs: api.MultiTarget{}},
		sandboxtest.Pair{Ours: wire.CloudRunLocation{}, Theirs: api.CloudRunLocation{}},
		sandboxtest.Pair{Ours: wire.Release{}, Theirs: api.Release{}},
		sandboxtest.Pair{Ours: wire.ReleaseCondition{}, Theirs: api.ReleaseCondition{}},
		sandboxtest.Pair{Ours: wire.ReleaseReadyCondition{}, Theirs: api.ReleaseReadyCondition{}},
		sandboxtest.Pair{Ours: wire.TargetRender{}, Theirs: api.TargetRender{}},
		sandboxtest.Pair{Ours: wire.Rollout{}, Theirs: api.Rollout{}},
		sandboxtest.Pair{Ours: wire.Phase{}, Theirs: api.Phase{}},
		sandboxtest.Pair{Ours: wire.DeploymentJobs{}, Theirs: api.DeploymentJobs{}},
		sandboxtest.Pair{Ours: wire.ChildRolloutJobs{}, Theirs: api.ChildRolloutJobs{}},
		sandboxtest.Pair{Ours: wire.Job{}, Theirs: api.Job{}},
		sandboxtest.Pair{Ours: struct{}{}, Theirs: api.DeployJob{}},
		sandboxtest.Pair{Ours: wire.Verify{}, Theirs: api.VerifyJob{}},
		sandboxtest.Pair{Ours: wire.Hook{}, Theirs: api.PredeployJob{}},
		sandboxtest.Pair{Ours: wire.Hook{}, Theirs: api.PostdeployJob{}},
		sandboxtest.Pair{Ours: wire.Analysis{}, Theirs: api.AnalysisJob{}},
		sandboxtest.Pair{Ours: struct{}{}, Theirs: api.CreateChildRolloutJob{}},
		sandboxtest.Pair{Ours: struct{}{}, Theirs: api.AdvanceChildRolloutJob{}},
		sandboxtest.Pair{Ours: wire.JobRun{}, Theirs: api.JobRun{}},
		sandboxtest.Pair{Ours: wire.DeployJobRun{}, Theirs: api.DeployJobRun{}},
		sandboxtest.Pair{Ours: wire.VerifyJobRun{}, Theirs: api.VerifyJobRun{}},
		sandboxtest.Pair{Ours: wire.BuildRun{}, Theirs: api.PredeployJobRun{}},
		sandboxtest.Pair{Ours: wire.BuildRun{}, Theirs: api.PostdeployJobRun{}},
		sandboxtest.Pair{Ours: wire.AnalysisJobRun{}, Theirs: api.AnalysisJobRun{}},
		sandboxtest.Pair{Ours: wire.ChildRolloutJobRun{}, Theirs: api.CreateChildRolloutJobRun{}},
		sandboxtest.Pair{Ours: wire.ChildRolloutJobRun{}, Theirs: api.AdvanceChildRolloutJobRun{}},
		sandboxtest.Pair{Ours: wire.DeployPolicy{}, Theirs: api.DeployPolicy{}},
		sandboxtest.Pair{Ours: wire.DeployPolicyResourceSelector{}, Theirs: api.DeployPolicyResourceSelector{}},
		sandboxtest.Pair{Ours: wire.Attribute{}, Theirs: api.DeliveryPipelineAttribute{}},
		sandboxtest.Pair{Ours: wire.Attribute{}, Theirs: api.TargetAttribute{}},
		sandboxtest.Pair{Ours: wire.PolicyRule{}, Theirs: api.PolicyRule{}},
		sandboxtest.Pair{Ours: wire.RolloutRestriction{}, Theirs: api.RolloutRestriction{}},
		sandboxtest.Pair{Ours: wire.TimeWindows{}, Theirs: api.TimeWindows{}},
		sandboxtest.Pair{Ours: wire.WeeklyWindow{}, Theirs: api.WeeklyWindow{}},
		sandboxtest.Pair{Ours: wire.OneTimeWindow{}, Theirs: api.OneTimeWindow{}},
		sandboxtest.Pair{Ours: wire.Date{}, Theirs: api.Date{}},
		sandboxtest.Pair{Ours: wire.TimeOfDay{}, Theirs: api.TimeOfDay{}},
		sandboxtest.Pair{Ours: wire.ApproveRolloutRequest{}, Theirs: api.ApproveRolloutRequest{}},
		sandboxtest.Pair{Ours: wire.AdvanceRolloutRequest{}, Theirs: api.AdvanceRolloutRequest{}},
		sandboxtest.Pair{Ours: wire.Override{}, Theirs: api.CancelRolloutRequest{}},
		sandboxtest.Pair{Ours: wire.JobRequest{}, Theirs: api.RetryJobRequest{}},
		sandboxtest.Pair{Ours: wire.JobRequest{}, Theirs: api.IgnoreJobRequest{}},
		sandboxtest.Pair{Ours: wire.Override{}, Theirs: api.TerminateJobRunRequest{}},
		sandboxtest.Pair{Ours: wire.RollbackTargetRequest{}, Theirs: api.RollbackTargetRequest{}},
		sandboxtest.Pair{Ours: wire.RollbackTargetConfig{}, Theirs: api.RollbackTargetConfig{}},
		sandboxtest.Pair{Ours: wire.RollbackTargetResponse{}, Theirs: api.RollbackTargetResponse{}},
	)
}
