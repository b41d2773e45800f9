package ecs

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"sluice/internal/sandbox/awsapi"
	"sluice/internal/sandbox/kit"
)

// The statuses of service deployments.
//
// docs/platforms.md: "Ongoing: PENDING, IN_PROGRESS, STOP_REQUESTED, ROLLBACK_REQUESTED, ROLLBACK_IN_PROGRESS. Final: SUCCESSFUL, STOPPED, ROLLBACK_SUCCESSFUL, ROLLBACK_FAILED"
const (
	pending           = "PENDING"
	inProgress        = "IN_PROGRESS"
	rollbackRequested = "ROLLBACK_REQUESTED"
	rollingBack       = "ROLLBACK_IN_PROGRESS"
	successful        = "SUCCESSFUL"
	stopped           = "STOPPED"
	rolledBack        = "ROLLBACK_SUCCESSFUL"
)

const (
	actionContinue = "CONTINUE"
	actionRollback = "ROLLBACK"
	awaiting       = "AWAITING_ACTION"
	codeDeploy     = "CODE_DEPLOY"
)

// state is everything the emulator keeps, in the shape of its file.
type state struct {
	Services    map[string]*service             `json:"services"`    // by "region/cluster/service"
	Definitions map[string][]*taskDefinitionRow `json:"definitions"` // by "region/family", oldest first
	kit.Count
}

func newState() state {
	return state{Services: map[string]*service{}, Definitions: map[string][]*taskDefinitionRow{}}
}

// service is a service with its revisions and deployments, oldest first.
type service struct {
	Key         string         `json:"key"`
	Controller  string         `json:"controller"`
	Asked       string         `json:"asked"` // the task definition that was asked for last, by ARN
	Config      configuration  `json:"config"`
	Revisions   []*revision    `json:"revisions"`
	Runs        string         `json:"runs"` // the revision that has all production traffic, by ARN
	Deployments []*deployment  `json:"deployments"`
	CreatedAt   time.Time      `json:"createdAt"`
	Tags        map[string]any `json:"tags,omitempty"`
}

func (s *service) parts() (region, cluster, name string) {
	parts := strings.SplitN(s.Key, "/", 3)
	return parts[0], parts[1], parts[2]
}

// arn is the service's, or that of something of it.
func (s *service) arn(kind string) string {
	region, cluster, name := s.parts()
	return fmt.Sprintf("arn:aws:ecs:%s:%s:%s/%s/%s", region, awsapi.Account, kind, cluster, name)
}

func (s *service) clusterARN() string {
	region, cluster, _ := s.parts()
	return fmt.Sprintf("arn:aws:ecs:%s:%s:cluster/%s", region, awsapi.Account, cluster)
}

// ongoing is the deployment that is not over, nil for none.
func (s *service) ongoing() *deployment {
	if d := kit.Newest(s.Deployments); d != nil && !d.final() {
		return d
	}
	return nil
}

func (s *service) revision(arn string) *revision {
	return kit.Find(s.Revisions, func(r *revision) bool { return r.ARN == arn })
}

// revise makes a revision of a task definition.
func (e *Emulator) revise(s *service, definition string) *revision {
	r := &revision{ARN: s.arn("service-revision") + "/" + strconv.Itoa(7_000_000+e.State.Next()), Definition: definition, CreatedAt: e.Now()}
	s.Revisions = append(s.Revisions, r)
	return r
}

// revision is a service revision: what a service runs, or did.
type revision struct {
	ARN        string    `json:"arn"`
	Definition string    `json:"definition"` // ARN
	CreatedAt  time.Time `json:"createdAt"`
}

// configuration is how a service is deployed, as the API has it.
type configuration struct {
	Strategy string   `json:"strategy,omitempty"`
	Canary   *canary  `json:"canaryConfiguration,omitempty"`
	Linear   *linear  `json:"linearConfiguration,omitempty"`
	Bake     int      `json:"bakeTimeInMinutes,omitempty"`
	Hooks    []hook   `json:"lifecycleHooks,omitempty"`
	Breaker  *breaker `json:"deploymentCircuitBreaker,omitempty"`
	Maximum  int      `json:"maximumPercent,omitempty"`
	Minimum  int      `json:"minimumHealthyPercent,omitempty"`
}

type canary struct {
	Percent float64 `json:"canaryPercent"`
	Bake    int     `json:"canaryBakeTimeInMinutes,omitempty"`
}

type linear struct {
	Percent float64 `json:"stepPercent"`
	Bake    int     `json:"stepBakeTimeInMinutes,omitempty"`
}

type breaker struct {
	Enable   bool `json:"enable"`
	Rollback bool `json:"rollback"`
}

// hook is a lifecycle hook: code, or a pause.
//
// docs/platforms.md: "Pause hook: lifecycleHooks {targetType: PAUSE, lifecycleStages, timeoutConfiguration {timeoutInMinutes 1440, action ROLLBACK}}"
type hook struct {
	Type    string   `json:"targetType,omitempty"`
	Target  string   `json:"hookTargetArn,omitempty"`
	Role    string   `json:"roleArn,omitempty"`
	Stages  []string `json:"lifecycleStages"`
	Timeout *timeout `json:"timeoutConfiguration,omitempty"`
}

type timeout struct {
	Minutes int    `json:"timeoutInMinutes,omitempty"`
	Action  string `json:"action,omitempty"`
}

// deployment is a service deployment.
type deployment struct {
	ARN        string       `json:"arn"`
	Service    string       `json:"service"` // by key
	Status     string       `json:"status"`
	Reason     string       `json:"reason,omitempty"`
	Stage      string       `json:"stage,omitempty"`
	At         int          `json:"at"` // of its course
	Since      time.Time    `json:"since"`
	CreatedAt  time.Time    `json:"createdAt"`
	StartedAt  time.Time    `json:"startedAt,omitzero"`
	FinishedAt time.Time    `json:"finishedAt,omitzero"`
	Source     string       `json:"source"` // revisions, by ARN
	Target     string       `json:"target"`
	Weight     float64      `json:"weight"` // the target's share of production traffic
	Hooks      []hookDetail `json:"hooks,omitempty"`
	Rollback   string       `json:"rollback,omitempty"` // why it is rolled back
	Fault      string       `json:"fault,omitempty"`
	Failures   int          `json:"failures,omitempty"`
}

func (d *deployment) final() bool {
	return slices.Contains([]string{successful, stopped, rolledBack}, d.Status)
}

// paused is the pause that a person must end, nil for none.
func (d *deployment) paused() *hookDetail {
	if n := len(d.Hooks); n > 0 && d.Hooks[n-1].Status == awaiting {
		return &d.Hooks[n-1]
	}
	return nil
}

// continueKind is what going on past the pause is in the drivers' words: the word
// before anything happened, or the start of what comes next.
func (d *deployment) continueKind() string {
	if d.Stage == "PRE_SCALE_UP" || d.Stage == "RECONCILE_SERVICE" || d.Stage == "" {
		return "approve"
	}
	return "advance"
}

// hookDetail is a hook at work, as the API has it.
type hookDetail struct {
	ID      string    `json:"hookId"`
	Type    string    `json:"targetType"`
	Status  string    `json:"status"`
	Expires time.Time `json:"expiresAt"`
	Action  string    `json:"timeoutAction"`
}

// deployment finds a deployment by its ARN, nil where there is none.
func (s *state) deployment(arn string) (*service, *deployment) {
	for _, one := range s.Services {
		if d := kit.Find(one.Deployments, func(d *deployment) bool { return d.ARN == arn }); d != nil {
			return one, d
		}
	}
	return nil, nil
}

// updateKind tells a rollback, which brings a task definition that the service ran
// before, from a deployment of something new.
func (s *state) updateKind(key, definition string) string {
	one := s.Services[key]
	if one == nil {
		return "deploy"
	}
	for _, r := range one.Revisions {
		if r.ARN != one.Runs && kit.Last(r.Definition) == kit.Last(definition) && definition != "" {
			return "rollback"
		}
	}
	return "deploy"
}

// taskDefinitionRow is a revision of a task definition.
type taskDefinitionRow struct {
	ARN          string    `json:"arn"`
	Family       string    `json:"family"`
	Revision     int       `json:"revision"`
	Image        string    `json:"image"`
	Inactive     bool      `json:"inactive,omitempty"`
	RegisteredAt time.Time `json:"registeredAt"`
}

// keyOf is a service by the names or ARNs that a request gives.
func keyOf(region, cluster, service string) string {
	if cluster == "" {
		cluster = "default"
	}
	return region + "/" + kit.Last(cluster) + "/" + kit.Last(service)
}
