package ecs

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"sluice/stages/driver"
)

// What a deployment waits for a person to do, as Result.Waiting.
const (
	waitApproval = "approval" // it pauses before anything happened
	waitAdvance  = "advance"  // it pauses on the way
)

// The stages that the SDK has no name for.
const prePassage = "PRE_PRODUCTION_TRAFFIC_SHIFT"

// view is a service deployment as the driver sees it.
type view struct {
	*types.ServiceDeployment
	target string // the pipeline target
}

// arn is the deployment's.
func (v view) arn() string { return aws.ToString(v.ServiceDeploymentArn) }

// pause is the hook that waits for a person, nil where none does. One that runs
// code is nobody's to end.
func (v view) pause() *types.DeploymentLifecycleHookDetail {
	if v.Status != types.ServiceDeploymentStatusInProgress && v.Status != types.ServiceDeploymentStatusPending {
		return nil
	}
	i := slices.IndexFunc(v.LifecycleHookDetails, func(h types.DeploymentLifecycleHookDetail) bool {
		return h.Status == types.DeploymentLifecycleHookStatusAwaitingAction && h.TargetType != types.DeploymentLifecycleHookTargetTypeAwsLambda
	})
	if i < 0 {
		return nil
	}
	return &v.LifecycleHookDetails[i]
}

// strategy is how it is deployed.
func (v view) strategy() types.DeploymentStrategy {
	if v.DeploymentConfiguration == nil {
		return types.DeploymentStrategyRolling
	}
	return cmp.Or(v.DeploymentConfiguration.Strategy, types.DeploymentStrategyRolling)
}

// steps are the shares of production traffic on the way, the last 100.
func (v view) steps() []float64 {
	c := v.DeploymentConfiguration
	switch v.strategy() {
	case types.DeploymentStrategyCanary:
		if c.CanaryConfiguration != nil && c.CanaryConfiguration.CanaryPercent != nil {
			return []float64{*c.CanaryConfiguration.CanaryPercent, 100}
		}
		return []float64{5, 100}
	case types.DeploymentStrategyLinear:
		step := 10.0
		if c.LinearConfiguration != nil && aws.ToFloat64(c.LinearConfiguration.StepPercent) >= 1 {
			step = *c.LinearConfiguration.StepPercent
		}
		var all []float64
		for at := step; at < 100; at += step {
			all = append(all, at)
		}
		return append(all, 100)
	default:
		return []float64{100}
	}
}

// The phases beside those of the traffic.
const (
	phaseScaleUp = "scale-up"
	phaseStable  = "stable"
	phaseBake    = "bake"
)

// phases are what the deployment goes through, in Cloud Deploy's words for what is
// alike there: canary-10, canary-50, stable.
func (v view) phases() []string {
	if v.strategy() == types.DeploymentStrategyRolling {
		return []string{phaseStable}
	}
	all := []string{phaseScaleUp}
	for _, share := range v.steps() {
		if share < 100 {
			all = append(all, "canary-"+strings.ReplaceAll(percent(share), ".", "-"))
		}
	}
	return append(all, phaseStable, phaseBake)
}

// at is the phase that the deployment is in, by its stage and the share that the
// new revision was given; begun tells whether it began, or only comes next.
func (v view) at() (phase int, begun bool) {
	phases := v.phases()
	if len(phases) == 1 {
		return 0, true
	}
	shift := func(share float64, begun bool) int {
		for i, step := range v.steps() {
			if share < step || begun && share <= step {
				return i + 1
			}
		}
		return len(phases) - 2
	}
	share := aws.ToFloat64(v.TargetServiceRevision.RequestedProductionTrafficWeight)
	paused := v.pause() != nil
	switch stage := string(v.LifecycleStage); stage {
	case string(types.ServiceDeploymentLifecycleStagePostScaleUp), string(types.ServiceDeploymentLifecycleStagePostTestTrafficShift):
		if paused {
			return 1, false
		}
		return 0, true
	case prePassage:
		return shift(share, false), !paused
	case string(types.ServiceDeploymentLifecycleStageProductionTrafficShift):
		return shift(share, share > 0), true
	case string(types.ServiceDeploymentLifecycleStagePostProductionTrafficShift):
		return len(phases) - 1, !paused
	case string(types.ServiceDeploymentLifecycleStageBakeTime), string(types.ServiceDeploymentLifecycleStageCleanUp):
		return len(phases) - 1, true
	default:
		return 0, !paused
	}
}

// waiting is what a person must do, "" while ECS works.
func (v view) waiting() string {
	if v.pause() == nil {
		return ""
	}
	if phase, begun := v.at(); phase > 0 && !begun {
		return waitAdvance
	}
	return waitApproval
}

// state is the deployment's in the words of rollouts.
func (v view) state() string {
	switch v.Status {
	case types.ServiceDeploymentStatusPending, types.ServiceDeploymentStatusInProgress:
		if v.waiting() == waitApproval {
			return "PENDING_APPROVAL"
		}
		return map[bool]string{true: "PENDING", false: "IN_PROGRESS"}[v.Status == types.ServiceDeploymentStatusPending]
	case types.ServiceDeploymentStatusSuccessful:
		return "SUCCEEDED"
	case types.ServiceDeploymentStatusStopped:
		return "CANCELLED"
	case types.ServiceDeploymentStatusRollbackSuccessful, types.ServiceDeploymentStatusRollbackFailed:
		return "FAILED"
	case types.ServiceDeploymentStatusStopRequested, types.ServiceDeploymentStatusRollbackRequested, types.ServiceDeploymentStatusRollbackInProgress:
		return "CANCELLING"
	default:
		return string(v.Status) // of a later version: shown, and waited for
	}
}

type job struct {
	ID    string   `json:"id"`
	State string   `json:"state"`
	Job   struct{} `json:"deployJob"`
}

type phase struct {
	ID    string         `json:"id"`
	State string         `json:"state"`
	Jobs  map[string]job `json:"deploymentJobs"`
}

// told are the phases with their states.
func (v view) told() []phase {
	at, begun := v.at()
	var all []phase
	for i, id := range v.phases() {
		state := "PENDING"
		switch {
		case v.state() == "SUCCEEDED" || i < at:
			state = "SUCCEEDED"
		case !ongoing(v.Status):
			state = map[bool]string{true: "FAILED", false: "ABORTED"}[i == at]
		case i == at && begun && v.Status != types.ServiceDeploymentStatusPending:
			state = "IN_PROGRESS"
		}
		all = append(all, phase{ID: id, State: state, Jobs: map[string]job{"deployJob": {ID: "deploy", State: state}}})
	}
	return all
}

// rollout is the deployment in the shape of a rollout.
func (v view) rollout() (json.RawMessage, error) {
	return json.Marshal(struct {
		Name       string         `json:"name"`
		TargetID   string         `json:"targetId"`
		State      string         `json:"state"`
		CreateTime time.Time      `json:"createTime,omitzero"`
		Started    time.Time      `json:"deployStartTime,omitzero"`
		Ended      time.Time      `json:"deployEndTime,omitzero"`
		Reason     string         `json:"failureReason,omitempty"`
		Approval   string         `json:"approvalState,omitempty"`
		Etag       string         `json:"etag"`
		Phases     []phase        `json:"phases"`
		Metadata   map[string]any `json:"metadata,omitempty"`
	}{
		v.arn(), v.target, v.state(), aws.ToTime(v.CreatedAt).UTC(), aws.ToTime(v.StartedAt).UTC(), aws.ToTime(v.FinishedAt).UTC(),
		v.reason(), map[bool]string{true: "NEEDS_APPROVAL"}[v.state() == "PENDING_APPROVAL"], v.etag(), v.told(), v.metadata(),
	})
}

// etag differs where the deployment is another way than before.
func (v view) etag() string {
	text := string(v.Status) + "/" + string(v.LifecycleStage) + "/" + percent(aws.ToFloat64(v.TargetServiceRevision.RequestedProductionTrafficWeight))
	if p := v.pause(); p != nil {
		text += "/" + aws.ToString(p.HookId)
	}
	return text
}

// metadata is what ECS says of the deployment in its own words.
func (v view) metadata() map[string]any {
	about := map[string]any{"status": v.Status, "strategy": v.strategy()}
	if v.LifecycleStage != "" {
		about["lifecycleStage"] = v.LifecycleStage
	}
	if p := v.pause(); p != nil {
		about["pause"] = map[string]any{"hookId": aws.ToString(p.HookId), "expiresAt": aws.ToTime(p.ExpiresAt).UTC().Format(time.RFC3339), "timeoutAction": p.TimeoutAction}
	}
	return map[string]any{"ecs": about}
}

// reason is why it did not succeed, "" where it may.
func (v view) reason() string {
	if ongoing(v.Status) && v.state() != "CANCELLING" || v.Status == types.ServiceDeploymentStatusSuccessful {
		return ""
	}
	texts := []string{aws.ToString(v.StatusReason)}
	if v.Rollback != nil {
		texts = append(texts, aws.ToString(v.Rollback.Reason))
	}
	texts = slices.DeleteFunc(texts, func(t string) bool { return t == "" })
	return strings.Join(slices.Compact(texts), "; ")
}

// problems are why a deployment that is over did not succeed, every one.
func (v view) problems() []driver.Problem {
	where := "service deployment " + last(v.arn())
	all := []driver.Problem{{Code: string(v.Status), Location: where, Message: cmp.Or(v.reason(), "ECS gives no reason")}}
	if b := v.DeploymentCircuitBreaker; b != nil && b.FailureCount > 0 {
		all = append(all, driver.Problem{Code: "CIRCUIT_BREAKER", Location: where, Message: fmt.Sprintf("%d tasks did not get healthy, of %d at most", b.FailureCount, b.Threshold)})
	}
	if a := v.Alarms; a != nil && len(a.TriggeredAlarmNames) > 0 {
		all = append(all, driver.Problem{Code: "ALARM", Location: where, Message: "alarms: " + strings.Join(a.TriggeredAlarmNames, ", ")})
	}
	return all
}

// warnings explain a deployment that does not go on by itself, and what becomes of
// it if nobody acts.
func (v view) warnings() []driver.Problem {
	p := v.pause()
	if p == nil {
		return nil
	}
	where := cmp.Or(string(v.LifecycleStage), "its beginning")
	command := map[string]string{waitApproval: "approve", waitAdvance: "advance"}[v.waiting()]
	then := "ECS rolls the deployment back"
	if p.TimeoutAction == types.DeploymentLifecycleHookActionContinue {
		then = "ECS goes on by itself"
	}
	return []driver.Problem{{
		Code: "PAUSED", Location: where,
		Message: fmt.Sprintf("the deployment pauses at %s: `sluice %s` goes on, `sluice cancel` rolls back; at %s %s", where, command, aws.ToTime(p.ExpiresAt).UTC().Format(time.RFC3339), then),
	}}
}

// progress is the share of phases that are over, in percent.
func (v view) progress() int {
	if v.state() == "SUCCEEDED" {
		return 100
	}
	at, _ := v.at()
	return at * 100 / len(v.phases())
}
