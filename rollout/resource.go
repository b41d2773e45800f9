package rollout

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// State is a rollout's state.
type State string

// The states of a rollout.
const (
	StatePendingRelease   State = "PENDING_RELEASE"
	StatePendingApproval  State = "PENDING_APPROVAL"
	StatePending          State = "PENDING" // behind an earlier rollout on the target
	StateInProgress       State = "IN_PROGRESS"
	StateSucceeded        State = "SUCCEEDED"
	StateFailed           State = "FAILED"
	StateApprovalRejected State = "APPROVAL_REJECTED"
	StateCancelling       State = "CANCELLING"
	StateCancelled        State = "CANCELLED"
	StateHalted           State = "HALTED" // of controller rollouts
)

// Final reports whether a rollout in this state is over. Unknown states are not.
func (s State) Final() bool {
	switch s {
	case StateSucceeded, StateFailed, StateCancelled, StateApprovalRejected:
		return true
	default:
		return false
	}
}

// Known reports whether the state is one of the above. A platform's own rollout
// may be in another one: it is shown, and waited for.
func (s State) Known() bool {
	switch s {
	case StatePendingRelease, StatePendingApproval, StatePending, StateInProgress, StateCancelling, StateHalted:
		return true
	default:
		return s.Final()
	}
}

// ApprovalState is how far a rollout's approval is.
type ApprovalState string

// The approval states.
const (
	NeedsApproval       ApprovalState = "NEEDS_APPROVAL"
	DoesNotNeedApproval ApprovalState = "DOES_NOT_NEED_APPROVAL"
	Approved            ApprovalState = "APPROVED"
	Rejected            ApprovalState = "REJECTED"
)

// FailureCause is why a rollout failed. docs/rollouts.md says which of them
// Sluice's own rollouts set.
type FailureCause string

// The failure causes.
const (
	CloudBuildUnavailable        FailureCause = "CLOUD_BUILD_UNAVAILABLE"
	ExecutionFailed              FailureCause = "EXECUTION_FAILED"
	DeadlineExceeded             FailureCause = "DEADLINE_EXCEEDED"
	ReleaseFailed                FailureCause = "RELEASE_FAILED"
	ReleaseAbandoned             FailureCause = "RELEASE_ABANDONED"
	VerificationConfigNotFound   FailureCause = "VERIFICATION_CONFIG_NOT_FOUND"
	CloudBuildRequestFailed      FailureCause = "CLOUD_BUILD_REQUEST_FAILED"
	OperationFeatureNotSupported FailureCause = "OPERATION_FEATURE_NOT_SUPPORTED"
)

// PhaseState is a phase's state.
type PhaseState string

// The states of a phase.
const (
	PhasePending    PhaseState = "PENDING"
	PhaseInProgress PhaseState = "IN_PROGRESS"
	PhaseSucceeded  PhaseState = "SUCCEEDED"
	PhaseFailed     PhaseState = "FAILED"
	PhaseAborted    PhaseState = "ABORTED"
	PhaseSkipped    PhaseState = "SKIPPED"
)

// JobState is a job's state.
type JobState string

// The states of a job.
const (
	JobPending    JobState = "PENDING"
	JobDisabled   JobState = "DISABLED"
	JobInProgress JobState = "IN_PROGRESS"
	JobSucceeded  JobState = "SUCCEEDED"
	JobFailed     JobState = "FAILED"
	JobAborted    JobState = "ABORTED"
	JobSkipped    JobState = "SKIPPED"
	JobIgnored    JobState = "IGNORED"
)

// over reports whether a job in this state lets the phase go on.
func (s JobState) over() bool {
	switch s {
	case JobSucceeded, JobIgnored, JobSkipped, JobDisabled:
		return true
	default:
		return false
	}
}

// Rollout is the resource, exactly in Cloud Deploy's shape. For platforms that
// own their rollouts it is the platform's, mirrored with whatever fields it has.
type Rollout struct {
	Name                 string            `json:"name"`
	UID                  string            `json:"uid,omitzero"`
	Description          string            `json:"description,omitzero"`
	Annotations          map[string]string `json:"annotations,omitempty"`
	Labels               map[string]string `json:"labels,omitempty"`
	CreateTime           time.Time         `json:"createTime,omitzero"`
	ApproveTime          time.Time         `json:"approveTime,omitzero"`
	EnqueueTime          time.Time         `json:"enqueueTime,omitzero"`
	DeployStartTime      time.Time         `json:"deployStartTime,omitzero"`
	DeployEndTime        time.Time         `json:"deployEndTime,omitzero"`
	TargetID             string            `json:"targetId"`
	ApprovalState        ApprovalState     `json:"approvalState,omitzero"`
	State                State             `json:"state"`
	FailureReason        string            `json:"failureReason,omitzero"`
	DeployingBuild       string            `json:"deployingBuild,omitzero"`
	Etag                 string            `json:"etag,omitzero"`
	DeployFailureCause   FailureCause      `json:"deployFailureCause,omitzero"`
	Phases               []Phase           `json:"phases,omitempty"`
	Metadata             jsontext.Value    `json:"metadata,omitzero"`
	ControllerRollout    string            `json:"controllerRollout,omitzero"`
	RollbackOfRollout    string            `json:"rollbackOfRollout,omitzero"`
	RolledBackByRollouts []string          `json:"rolledBackByRollouts,omitempty"`
	Unknown              jsontext.Value    `json:",embed"`
}

// Phase is a group of jobs. Exactly one of the two job sets is set.
type Phase struct {
	ID               string            `json:"id"`
	State            PhaseState        `json:"state"`
	SkipMessage      string            `json:"skipMessage,omitzero"`
	DeploymentJobs   *DeploymentJobs   `json:"deploymentJobs,omitzero"`
	ChildRolloutJobs *ChildRolloutJobs `json:"childRolloutJobs,omitzero"`
	Unknown          jsontext.Value    `json:",embed"`
}

// DeploymentJobs are the jobs of a phase, in the order in which they run:
// predeploy, deploy, verify, analysis, postdeploy.
type DeploymentJobs struct {
	PredeployJob  *Job           `json:"predeployJob,omitzero"`
	DeployJob     *Job           `json:"deployJob,omitzero"`
	VerifyJob     *Job           `json:"verifyJob,omitzero"`
	AnalysisJob   *Job           `json:"analysisJob,omitzero"`
	PostdeployJob *Job           `json:"postdeployJob,omitzero"`
	Unknown       jsontext.Value `json:",embed"`
}

// ChildRolloutJobs are the jobs of a controller rollout's phase.
type ChildRolloutJobs struct {
	CreateRolloutJobs  []Job          `json:"createRolloutJobs,omitempty"`
	AdvanceRolloutJobs []Job          `json:"advanceRolloutJobs,omitempty"`
	Unknown            jsontext.Value `json:",embed"`
}

// The ids of the jobs of a phase.
const (
	JobPredeploy  = "predeploy"
	JobDeploy     = "deploy"
	JobVerify     = "verify"
	JobAnalysis   = "analysis"
	JobPostdeploy = "postdeploy"
)

// Job is one operation of a rollout. Exactly one of the job types is set.
type Job struct {
	ID                     string         `json:"id"`
	State                  JobState       `json:"state"`
	SkipMessage            string         `json:"skipMessage,omitzero"`
	JobRun                 string         `json:"jobRun,omitzero"`
	DeployJob              jsontext.Value `json:"deployJob,omitzero"`
	VerifyJob              jsontext.Value `json:"verifyJob,omitzero"`
	PredeployJob           jsontext.Value `json:"predeployJob,omitzero"`
	PostdeployJob          jsontext.Value `json:"postdeployJob,omitzero"`
	AnalysisJob            jsontext.Value `json:"analysisJob,omitzero"`
	CreateChildRolloutJob  jsontext.Value `json:"createChildRolloutJob,omitzero"`
	AdvanceChildRolloutJob jsontext.Value `json:"advanceChildRolloutJob,omitzero"`
	Unknown                jsontext.Value `json:",embed"`
}

// Jobs lists the phase's jobs in the order in which they run. The pointers
// reach into the phase.
func (p *Phase) Jobs() []*Job {
	var jobs []*Job
	if d := p.DeploymentJobs; d != nil {
		for _, j := range []*Job{d.PredeployJob, d.DeployJob, d.VerifyJob, d.AnalysisJob, d.PostdeployJob} {
			if j != nil {
				jobs = append(jobs, j)
			}
		}
	}
	if c := p.ChildRolloutJobs; c != nil {
		for i := range c.CreateRolloutJobs {
			jobs = append(jobs, &c.CreateRolloutJobs[i])
		}
		for i := range c.AdvanceRolloutJobs {
			jobs = append(jobs, &c.AdvanceRolloutJobs[i])
		}
	}
	return jobs
}

// Job finds a job of the phase by id.
func (p *Phase) Job(id string) (*Job, bool) {
	for _, j := range p.Jobs() {
		if j.ID == id {
			return j, true
		}
	}
	return nil, false
}

// Phase finds a phase of the rollout by id.
func (r *Rollout) Phase(id string) (*Phase, bool) {
	for i := range r.Phases {
		if r.Phases[i].ID == id {
			return &r.Phases[i], true
		}
	}
	return nil, false
}
