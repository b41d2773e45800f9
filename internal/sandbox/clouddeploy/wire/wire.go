// Package wire is what Cloud Deploy's API takes and gives, as the emulator reads
// and writes it: all fields of its resources, by the API's discovery document, so that
// what the API takes is taken here and what it does not know is refused. What the
// emulator does not look into is kept as it came.
//
// Google's generated client has the same types, with gRPC, protocol buffers and
// OpenTelemetry behind them: a quarter of the program. A test holds each type here
// to its own.
package wire

import "encoding/json"

// Resource is what resources have in common.
type Resource struct {
	Annotations map[string]string `json:"annotations,omitempty"`
	CreateTime  string            `json:"createTime,omitempty"`
	Description string            `json:"description,omitempty"`
	Etag        string            `json:"etag,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	Name        string            `json:"name,omitempty"`
	UID         string            `json:"uid,omitempty"`
}

// DeliveryPipeline is the order of stages that releases go through.
type DeliveryPipeline struct {
	Resource
	Condition      *PipelineCondition `json:"condition,omitempty"`
	SerialPipeline *SerialPipeline    `json:"serialPipeline,omitempty"`
	Suspended      bool               `json:"suspended,omitempty"`
	UpdateTime     string             `json:"updateTime,omitempty"`
}

// SerialPipeline is the stages of a delivery pipeline, in order.
type SerialPipeline struct {
	Stages []*Stage `json:"stages,omitempty"`
}

// Stage is a target's place in a delivery pipeline.
type Stage struct {
	DeployParameters json.RawMessage `json:"deployParameters,omitempty"`
	Profiles         []string        `json:"profiles,omitempty"`
	Strategy         *Strategy       `json:"strategy,omitempty"`
	TargetID         string          `json:"targetId,omitempty"`
}

// Strategy is how a stage deploys.
type Strategy struct {
	Canary   *Canary `json:"canary,omitempty"`
	Standard *Around `json:"standard,omitempty"`
}

// Around is what runs around a deployment. By itself it is a strategy that deploys all at
// once: the API's Standard.
type Around struct {
	Analysis     *Analysis `json:"analysis,omitempty"`
	Postdeploy   *Hook     `json:"postdeploy,omitempty"`
	Predeploy    *Hook     `json:"predeploy,omitempty"`
	Verify       bool      `json:"verify,omitempty"`
	VerifyConfig *Verify   `json:"verifyConfig,omitempty"`
}

// Canary deploys by and by.
type Canary struct {
	CanaryDeployment       *CanaryDeployment       `json:"canaryDeployment,omitempty"`
	CustomCanaryDeployment *CustomCanaryDeployment `json:"customCanaryDeployment,omitempty"`
	RuntimeConfig          json.RawMessage         `json:"runtimeConfig,omitempty"`
}

// CanaryDeployment is a canary by percentages.
type CanaryDeployment struct {
	Around
	Percentages []int64 `json:"percentages,omitempty"`
}

// CustomCanaryDeployment is a canary by phases of one's own.
type CustomCanaryDeployment struct {
	PhaseConfigs []*PhaseConfig `json:"phaseConfigs,omitempty"`
}

// PhaseConfig is one phase of a custom canary.
type PhaseConfig struct {
	Around
	Percentage int64    `json:"percentage,omitempty"`
	PhaseID    string   `json:"phaseId,omitempty"`
	Profiles   []string `json:"profiles,omitempty"`
}

// Hook is what runs before the first deployment or after the last one, and the job that
// does so: the API's Predeploy, Postdeploy, PredeployJob and PostdeployJob.
type Hook struct {
	Actions []string        `json:"actions,omitempty"`
	Tasks   json.RawMessage `json:"tasks,omitempty"`
}

// Analysis is a check of alerts, and the job that makes it.
type Analysis struct {
	CustomChecks json.RawMessage `json:"customChecks,omitempty"`
	Duration     string          `json:"duration,omitempty"`
	GoogleCloud  json.RawMessage `json:"googleCloud,omitempty"`
}

// Verify is what a verification runs, and the job that does so.
type Verify struct {
	Tasks json.RawMessage `json:"tasks,omitempty"`
}

// PipelineCondition is whether a delivery pipeline can be used.
type PipelineCondition struct {
	PipelineReadyCondition  *PipelineReadyCondition `json:"pipelineReadyCondition,omitempty"`
	TargetsPresentCondition json.RawMessage         `json:"targetsPresentCondition,omitempty"`
	TargetsTypeCondition    json.RawMessage         `json:"targetsTypeCondition,omitempty"`
}

// PipelineReadyCondition is whether all that a delivery pipeline names is there.
type PipelineReadyCondition struct {
	Status     bool   `json:"status,omitempty"`
	UpdateTime string `json:"updateTime,omitempty"`
}

// Target is where a stage deploys to.
type Target struct {
	Resource
	AnthosCluster      json.RawMessage   `json:"anthosCluster,omitempty"`
	AssociatedEntities json.RawMessage   `json:"associatedEntities,omitempty"`
	CustomTarget       json.RawMessage   `json:"customTarget,omitempty"`
	DeployParameters   map[string]string `json:"deployParameters,omitempty"`
	ExecutionConfigs   json.RawMessage   `json:"executionConfigs,omitempty"`
	Gke                json.RawMessage   `json:"gke,omitempty"`
	MultiTarget        *MultiTarget      `json:"multiTarget,omitempty"`
	RequireApproval    bool              `json:"requireApproval,omitempty"`
	Run                *CloudRunLocation `json:"run,omitempty"`
	TargetID           string            `json:"targetId,omitempty"`
	UpdateTime         string            `json:"updateTime,omitempty"`
}

// MultiTarget is several targets in one.
type MultiTarget struct {
	TargetIDs []string `json:"targetIds,omitempty"`
}

// CloudRunLocation is where a target's Cloud Run services are.
type CloudRunLocation struct {
	Location string `json:"location,omitempty"`
}

// Release is what travels.
type Release struct {
	Resource
	Abandoned                 bool                    `json:"abandoned,omitempty"`
	BuildArtifacts            json.RawMessage         `json:"buildArtifacts,omitempty"`
	Condition                 *ReleaseCondition       `json:"condition,omitempty"`
	CustomTargetTypeSnapshots json.RawMessage         `json:"customTargetTypeSnapshots,omitempty"`
	DeliveryPipelineSnapshot  *DeliveryPipeline       `json:"deliveryPipelineSnapshot,omitempty"`
	DeployParameters          map[string]string       `json:"deployParameters,omitempty"`
	RenderEndTime             string                  `json:"renderEndTime,omitempty"`
	RenderStartTime           string                  `json:"renderStartTime,omitempty"`
	RenderState               string                  `json:"renderState,omitempty"`
	SkaffoldConfigPath        string                  `json:"skaffoldConfigPath,omitempty"`
	SkaffoldConfigURI         string                  `json:"skaffoldConfigUri,omitempty"`
	SkaffoldVersion           string                  `json:"skaffoldVersion,omitempty"`
	TargetArtifacts           json.RawMessage         `json:"targetArtifacts,omitempty"`
	TargetRenders             map[string]TargetRender `json:"targetRenders,omitempty"`
	TargetSnapshots           []*Target               `json:"targetSnapshots,omitempty"`
	ToolVersions              json.RawMessage         `json:"toolVersions,omitempty"`
}

// ReleaseCondition is whether a release can be deployed.
type ReleaseCondition struct {
	DockerVersionSupportedCondition    json.RawMessage        `json:"dockerVersionSupportedCondition,omitempty"`
	HelmVersionSupportedCondition      json.RawMessage        `json:"helmVersionSupportedCondition,omitempty"`
	KptVersionSupportedCondition       json.RawMessage        `json:"kptVersionSupportedCondition,omitempty"`
	KubectlVersionSupportedCondition   json.RawMessage        `json:"kubectlVersionSupportedCondition,omitempty"`
	KustomizeVersionSupportedCondition json.RawMessage        `json:"kustomizeVersionSupportedCondition,omitempty"`
	ReleaseReadyCondition              *ReleaseReadyCondition `json:"releaseReadyCondition,omitempty"`
	SkaffoldSupportedCondition         json.RawMessage        `json:"skaffoldSupportedCondition,omitempty"`
	SkaffoldVersionSupportedCondition  json.RawMessage        `json:"skaffoldVersionSupportedCondition,omitempty"`
}

// ReleaseReadyCondition is whether a release can be deployed.
type ReleaseReadyCondition struct {
	Status bool `json:"status,omitempty"`
}

// TargetRender is how a release was rendered for one target.
type TargetRender struct {
	FailureCause   string          `json:"failureCause,omitempty"`
	FailureMessage string          `json:"failureMessage,omitempty"`
	Metadata       json.RawMessage `json:"metadata,omitempty"`
	RenderingBuild string          `json:"renderingBuild,omitempty"`
	RenderingState string          `json:"renderingState,omitempty"`
}

// Rollout is a release on its way to a target.
type Rollout struct {
	Resource
	ActiveRepairAutomationRun string          `json:"activeRepairAutomationRun,omitempty"`
	ApprovalState             string          `json:"approvalState,omitempty"`
	ApproveTime               string          `json:"approveTime,omitempty"`
	ControllerRollout         string          `json:"controllerRollout,omitempty"`
	DeployEndTime             string          `json:"deployEndTime,omitempty"`
	DeployFailureCause        string          `json:"deployFailureCause,omitempty"`
	DeployStartTime           string          `json:"deployStartTime,omitempty"`
	DeployingBuild            string          `json:"deployingBuild,omitempty"`
	EnqueueTime               string          `json:"enqueueTime,omitempty"`
	FailureReason             string          `json:"failureReason,omitempty"`
	Metadata                  json.RawMessage `json:"metadata,omitempty"`
	Phases                    []*Phase        `json:"phases,omitempty"`
	RollbackOfRollout         string          `json:"rollbackOfRollout,omitempty"`
	RolledBackByRollouts      []string        `json:"rolledBackByRollouts,omitempty"`
	State                     string          `json:"state,omitempty"`
	TargetID                  string          `json:"targetId,omitempty"`
}

// Phase is a part of a rollout.
type Phase struct {
	ChildRolloutJobs *ChildRolloutJobs `json:"childRolloutJobs,omitempty"`
	DeploymentJobs   *DeploymentJobs   `json:"deploymentJobs,omitempty"`
	ID               string            `json:"id,omitempty"`
	SkipMessage      string            `json:"skipMessage,omitempty"`
	State            string            `json:"state,omitempty"`
}

// DeploymentJobs are the jobs of a phase that deploys.
type DeploymentJobs struct {
	AnalysisJob   *Job `json:"analysisJob,omitempty"`
	DeployJob     *Job `json:"deployJob,omitempty"`
	PostdeployJob *Job `json:"postdeployJob,omitempty"`
	PredeployJob  *Job `json:"predeployJob,omitempty"`
	VerifyJob     *Job `json:"verifyJob,omitempty"`
}

// ChildRolloutJobs are the jobs of a phase of a multi-target.
type ChildRolloutJobs struct {
	AdvanceRolloutJobs []*Job `json:"advanceRolloutJobs,omitempty"`
	CreateRolloutJobs  []*Job `json:"createRolloutJobs,omitempty"`
}

// Job is one piece of work of a phase.
type Job struct {
	AdvanceChildRolloutJob *struct{} `json:"advanceChildRolloutJob,omitempty"`
	AnalysisJob            *Analysis `json:"analysisJob,omitempty"`
	CreateChildRolloutJob  *struct{} `json:"createChildRolloutJob,omitempty"`
	DeployJob              *struct{} `json:"deployJob,omitempty"`
	ID                     string    `json:"id,omitempty"`
	JobRun                 string    `json:"jobRun,omitempty"`
	PostdeployJob          *Hook     `json:"postdeployJob,omitempty"`
	PredeployJob           *Hook     `json:"predeployJob,omitempty"`
	SkipMessage            string    `json:"skipMessage,omitempty"`
	State                  string    `json:"state,omitempty"`
	VerifyJob              *Verify   `json:"verifyJob,omitempty"`
}

// JobRun is one run of a job.
type JobRun struct {
	AdvanceChildRolloutJobRun *ChildRolloutJobRun `json:"advanceChildRolloutJobRun,omitempty"`
	AnalysisJobRun            *AnalysisJobRun     `json:"analysisJobRun,omitempty"`
	CreateChildRolloutJobRun  *ChildRolloutJobRun `json:"createChildRolloutJobRun,omitempty"`
	CreateTime                string              `json:"createTime,omitempty"`
	DeployJobRun              *DeployJobRun       `json:"deployJobRun,omitempty"`
	EndTime                   string              `json:"endTime,omitempty"`
	Etag                      string              `json:"etag,omitempty"`
	JobID                     string              `json:"jobId,omitempty"`
	Name                      string              `json:"name,omitempty"`
	PhaseID                   string              `json:"phaseId,omitempty"`
	PostdeployJobRun          *BuildRun           `json:"postdeployJobRun,omitempty"`
	PredeployJobRun           *BuildRun           `json:"predeployJobRun,omitempty"`
	StartTime                 string              `json:"startTime,omitempty"`
	State                     string              `json:"state,omitempty"`
	UID                       string              `json:"uid,omitempty"`
	VerifyJobRun              *VerifyJobRun       `json:"verifyJobRun,omitempty"`
}

// BuildRun is a run of a job that is a build: the API's PredeployJobRun and
// PostdeployJobRun, and part of others.
type BuildRun struct {
	Build          string          `json:"build,omitempty"`
	FailureCause   string          `json:"failureCause,omitempty"`
	FailureMessage string          `json:"failureMessage,omitempty"`
	Metadata       json.RawMessage `json:"metadata,omitempty"`
}

// DeployJobRun is a deployment.
type DeployJobRun struct {
	BuildRun
	Artifact json.RawMessage `json:"artifact,omitempty"`
}

// VerifyJobRun is a verification.
type VerifyJobRun struct {
	BuildRun
	ArtifactURI  string `json:"artifactUri,omitempty"`
	EventLogPath string `json:"eventLogPath,omitempty"`
}

// AnalysisJobRun is an analysis.
type AnalysisJobRun struct {
	AlertPolicyAnalyses json.RawMessage `json:"alertPolicyAnalyses,omitempty"`
	CustomCheckAnalyses json.RawMessage `json:"customCheckAnalyses,omitempty"`
	FailedCheckID       string          `json:"failedCheckId,omitempty"`
}

// ChildRolloutJobRun is the making of a child's rollout, or its advance.
type ChildRolloutJobRun struct {
	Rollout        string `json:"rollout,omitempty"`
	RolloutPhaseID string `json:"rolloutPhaseId,omitempty"`
}

// DeployPolicy restricts what is done to rollouts, by the clock.
type DeployPolicy struct {
	Resource
	Rules      []*PolicyRule                   `json:"rules,omitempty"`
	Selectors  []*DeployPolicyResourceSelector `json:"selectors,omitempty"`
	Suspended  bool                            `json:"suspended,omitempty"`
	UpdateTime string                          `json:"updateTime,omitempty"`
}

// DeployPolicyResourceSelector names what a policy is about.
type DeployPolicyResourceSelector struct {
	DeliveryPipeline *Attribute `json:"deliveryPipeline,omitempty"`
	Target           *Attribute `json:"target,omitempty"`
}

// Attribute names delivery pipelines or targets.
type Attribute struct {
	ID     string            `json:"id,omitempty"`
	Labels map[string]string `json:"labels,omitempty"`
}

// PolicyRule is one rule of a policy.
type PolicyRule struct {
	RolloutRestriction *RolloutRestriction `json:"rolloutRestriction,omitempty"`
}

// RolloutRestriction is what a rule forbids, to whom and when.
type RolloutRestriction struct {
	Actions     []string     `json:"actions,omitempty"`
	ID          string       `json:"id,omitempty"`
	Invokers    []string     `json:"invokers,omitempty"`
	TimeWindows *TimeWindows `json:"timeWindows,omitempty"`
}

// TimeWindows are when a rule holds.
type TimeWindows struct {
	OneTimeWindows []*OneTimeWindow `json:"oneTimeWindows,omitempty"`
	TimeZone       string           `json:"timeZone,omitempty"`
	WeeklyWindows  []*WeeklyWindow  `json:"weeklyWindows,omitempty"`
}

// WeeklyWindow recurs every week.
type WeeklyWindow struct {
	DaysOfWeek []string   `json:"daysOfWeek,omitempty"`
	EndTime    *TimeOfDay `json:"endTime,omitempty"`
	StartTime  *TimeOfDay `json:"startTime,omitempty"`
}

// OneTimeWindow comes once.
type OneTimeWindow struct {
	EndDate   *Date      `json:"endDate,omitempty"`
	EndTime   *TimeOfDay `json:"endTime,omitempty"`
	StartDate *Date      `json:"startDate,omitempty"`
	StartTime *TimeOfDay `json:"startTime,omitempty"`
}

// Date is google.type.Date.
type Date struct {
	Day   int64 `json:"day,omitempty"`
	Month int64 `json:"month,omitempty"`
	Year  int64 `json:"year,omitempty"`
}

// TimeOfDay is google.type.TimeOfDay.
type TimeOfDay struct {
	Hours   int64 `json:"hours,omitempty"`
	Minutes int64 `json:"minutes,omitempty"`
	Nanos   int64 `json:"nanos,omitempty"`
	Seconds int64 `json:"seconds,omitempty"`
}

// Override is a request that may pass by deploy policies: to cancel a rollout, to end the
// run of a job, and part of others.
type Override struct {
	OverrideDeployPolicy []string `json:"overrideDeployPolicy,omitempty"`
}

// Overrides are the policies to pass by.
func (o Override) Overrides() []string { return o.OverrideDeployPolicy }

// ApproveRolloutRequest asks to approve or reject a rollout.
type ApproveRolloutRequest struct {
	Override
	Approved bool `json:"approved,omitempty"`
}

// AdvanceRolloutRequest asks to start a phase.
type AdvanceRolloutRequest struct {
	Override
	PhaseID string `json:"phaseId,omitempty"`
}

// JobRequest asks to run a failed job again, or to go on past it.
type JobRequest struct {
	Override
	JobID   string `json:"jobId,omitempty"`
	PhaseID string `json:"phaseId,omitempty"`
}

// RollbackTargetRequest asks to go back on a target.
type RollbackTargetRequest struct {
	Override
	ReleaseID         string                `json:"releaseId,omitempty"`
	RollbackConfig    *RollbackTargetConfig `json:"rollbackConfig,omitempty"`
	RolloutID         string                `json:"rolloutId,omitempty"`
	RolloutToRollBack string                `json:"rolloutToRollBack,omitempty"`
	TargetID          string                `json:"targetId,omitempty"`
	ValidateOnly      bool                  `json:"validateOnly,omitempty"`
}

// RollbackTargetConfig is how the rollout that goes back is made.
type RollbackTargetConfig struct {
	Rollout         *Rollout `json:"rollout,omitempty"`
	StartingPhaseID string   `json:"startingPhaseId,omitempty"`
}

// RollbackTargetResponse says how it was made.
type RollbackTargetResponse struct {
	RollbackConfig *RollbackTargetConfig `json:"rollbackConfig,omitempty"`
}
