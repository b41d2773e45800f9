package ecs

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"sluice/internal/sandbox/kit"
)

// deploy begins a deployment; one that goes on is stopped for it.
func (e *Emulator) deploy(s *service, definition, fault string) *deployment {
	if d := s.ongoing(); d != nil {
		e.finish(d, stopped, "The deployment was replaced by a newer one.")
	}
	r := e.revise(s, definition)
	d := &deployment{
		ARN: s.arn("service-deployment") + "/" + e.newID(), Service: s.Key, Status: pending, At: -1,
		Since: e.Now(), CreatedAt: e.Now(), Source: s.Runs, Target: r.ARN, Fault: fault,
	}
	s.Asked, s.Deployments = definition, append(s.Deployments, d)
	return d
}

// station is a part of a deployment's course.
type station struct {
	stage  string
	weight float64 // of the target, once it is over
}

// course are the lifecycle stages of a deployment in their order.
//
// docs/platforms.md: "PRE_PRODUCTION_TRAFFIC_SHIFT and PRODUCTION_TRAFFIC_SHIFT come **before and at every step**"
func (c configuration) course() []station {
	if c.Strategy == "" || c.Strategy == "ROLLING" {
		return []station{{"", 0}, {"", 100}}
	}
	all := []station{{"PRE_SCALE_UP", 0}, {"SCALE_UP", 0}, {"POST_SCALE_UP", 0}, {"TEST_TRAFFIC_SHIFT", 0}, {"POST_TEST_TRAFFIC_SHIFT", 0}}
	at := 0.0
	for _, share := range c.shares() {
		all = append(all, station{"PRE_PRODUCTION_TRAFFIC_SHIFT", at}, station{"PRODUCTION_TRAFFIC_SHIFT", share})
		at = share
	}
	return append(all, station{"POST_PRODUCTION_TRAFFIC_SHIFT", 100}, station{"BAKE_TIME", 100}, station{"CLEAN_UP", 100})
}

// shares are the steps of production traffic.
//
// docs/platforms.md: "Canary: canaryPercent 0.1–100 (5), canaryBakeTimeInMinutes 0–1440 (10); linear: stepPercent 3–100 (10)"
func (c configuration) shares() []float64 {
	switch c.Strategy {
	case "CANARY":
		if c.Canary == nil {
			return []float64{5, 100}
		}
		return []float64{c.Canary.Percent, 100}
	case "LINEAR":
		step := 10.0
		if c.Linear != nil {
			step = c.Linear.Percent
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

// settle lets the deployments run on to the present.
func (e *Emulator) settle() {
	for _, s := range kit.Sorted(e.State.Services) {
		for d := s.ongoing(); d != nil && e.move(s, d); d = s.ongoing() {
			e.Move()
		}
	}
}

// move takes a deployment one stage on, where its time has come.
func (e *Emulator) move(s *service, d *deployment) bool {
	if p := d.paused(); p != nil && d.Status == inProgress {
		return e.expire(d, p)
	}
	if e.Now().Sub(d.Since) < e.Step {
		return false
	}
	d.Since = d.Since.Add(e.Step)
	switch d.Status {
	case pending:
		d.Status, d.StartedAt = inProgress, d.Since
		e.enter(s, d)
	case rollbackRequested:
		d.Status = rollingBack
	case rollingBack:
		s.Asked = s.revision(d.Source).Definition
		e.finish(d, rolledBack, d.Rollback)
	case inProgress:
		return e.leave(s, d)
	}
	return true
}

// enter begins the next stage, and the pause that a hook has there.
func (e *Emulator) enter(s *service, d *deployment) {
	d.At++
	d.Stage = s.Config.course()[d.At].stage
	for _, h := range s.Config.Hooks {
		if h.Type != "PAUSE" || !slices.Contains(h.Stages, d.Stage) {
			continue
		}
		// docs/platforms.md: "The timeout's default rolls back; with action CONTINUE it goes on by itself"
		minutes, action := 1440, actionRollback
		if h.Timeout != nil {
			minutes, action = cmp.Or(h.Timeout.Minutes, minutes), cmp.Or(h.Timeout.Action, action)
		}
		// docs/platforms.md: "Ids are new for each pause"
		d.Hooks = append(d.Hooks, hookDetail{ID: "hook-" + e.newID(), Type: "PAUSE", Status: awaiting, Expires: d.Since.Add(time.Duration(minutes) * time.Minute), Action: action})
	}
}

// leave ends a stage.
func (e *Emulator) leave(s *service, d *deployment) bool {
	course := s.Config.course()
	healthy := course[d.At].stage == "SCALE_UP" || len(course) == 2 && d.At == 0
	switch {
	case healthy && d.Fault == string(FaultHang):
		d.Since = d.Since.Add(-e.Step)
		return false
	case healthy && d.Fault == string(FaultFail):
		d.Failures = 3
		e.rollBack(d, "Service deployment rolled back because the circuit breaker threshold was exceeded.")
		d.Status = rollingBack
		return true
	}
	d.Weight = course[d.At].weight
	if d.At+1 == len(course) {
		s.Runs = d.Target
		e.finish(d, successful, "")
		return true
	}
	e.enter(s, d)
	return true
}

// expire does what a pause does that nobody ended.
func (e *Emulator) expire(d *deployment, p *hookDetail) bool {
	if e.Now().Before(p.Expires) {
		return false
	}
	d.Since, p.Status = p.Expires, "TIMED_OUT"
	if p.Action == actionRollback {
		e.rollBack(d, "Service deployment rolled back because a lifecycle hook timed out.")
	}
	return true
}

// rollBack asks for a deployment to go back.
func (e *Emulator) rollBack(d *deployment, why string) {
	d.Status, d.Rollback, d.Weight = rollbackRequested, why, 0
}

func (e *Emulator) finish(d *deployment, status, reason string) {
	d.Status, d.Reason, d.FinishedAt, d.Stage = status, reason, e.Now(), ""
}

// find is the deployment that a command is about.
func (e *Emulator) find(arn string) (*deployment, error) {
	_, d := e.State.deployment(arn)
	if d == nil {
		return nil, kit.Errorf(http.StatusBadRequest, "ServiceDeploymentNotFoundException", "Service deployment not found.")
	}
	return d, nil
}

type continueDeploymentInput struct {
	ARN    string `json:"serviceDeploymentArn"`
	Hook   string `json:"hookId"`
	Action string `json:"action"`
}

// continueDeployment ends a pause.
//
// docs/platforms.md: "**action left out is CONTINUE**"
func (e *Emulator) continueDeployment(_ *call, in *continueDeploymentInput) (any, error) {
	d, err := e.find(in.ARN)
	if err != nil {
		return nil, err
	}
	p := d.paused()
	if p == nil || p.ID != in.Hook || d.Status != inProgress {
		return nil, invalid("The lifecycle hook %s is not awaiting an action.", in.Hook)
	}
	if p.Status, d.Since = "SUCCEEDED", e.Now(); in.Action == actionRollback {
		e.rollBack(d, "Service deployment rolled back because of a lifecycle hook action.")
	}
	return map[string]any{"serviceDeploymentArn": d.ARN}, nil
}

type stopDeploymentInput struct {
	ARN  string `json:"serviceDeploymentArn"`
	Type string `json:"stopType"`
}

// stopDeployment has a deployment go back.
//
// docs/platforms.md: "answers at once; then ROLLBACK_REQUESTED. Finished ones: ConflictException"
func (e *Emulator) stopDeployment(_ *call, in *stopDeploymentInput) (any, error) {
	d, err := e.find(in.ARN)
	if err != nil {
		return nil, err
	}
	if d.Status != pending && d.Status != inProgress {
		return nil, kit.Errorf(http.StatusBadRequest, "ConflictException", "The service deployment is in the %s state and cannot be stopped.", d.Status)
	}
	d.Since = e.Now()
	e.rollBack(d, "Service deployment rolled back because a stop was requested.")
	return map[string]any{"serviceDeploymentArn": d.ARN}, nil
}

type listDeploymentsInput struct {
	Cluster string   `json:"cluster"`
	Service string   `json:"service"`
	Status  []string `json:"status"`
	Created struct {
		After  float64 `json:"after"`
		Before float64 `json:"before"`
	} `json:"createdAt"`
	Most  int    `json:"maxResults"`
	Token string `json:"nextToken"`
}

// listDeployments lists a service's deployments, newest first.
func (e *Emulator) listDeployments(c *call, in *listDeploymentsInput) (any, error) {
	s, err := e.service(c.region, in.Cluster, in.Service)
	if err != nil {
		return nil, err
	}
	all := kit.Those(s.Deployments, func(d *deployment) bool {
		at := float64(d.CreatedAt.UnixMilli()) / 1000
		return (len(in.Status) == 0 || slices.Contains(in.Status, d.Status)) && at >= in.Created.After && (in.Created.Before == 0 || at <= in.Created.Before)
	})
	slices.Reverse(all)
	page, next, ok := kit.PageAt(all, func(d *deployment) string { return d.ARN }, in.Token, cmp.Or(max(in.Most, 0), 20))
	if !ok {
		return nil, invalid("Invalid token")
	}
	briefs := kit.Shown(page, func(d *deployment) any { return d.brief(s) })
	return object(map[string]any{"serviceDeployments": briefs, "nextToken": next}), nil
}

func (d *deployment) brief(s *service) map[string]any {
	return object(map[string]any{
		"serviceDeploymentArn": d.ARN, "serviceArn": s.arn("service"), "clusterArn": s.clusterARN(), "targetServiceRevisionArn": d.Target,
		"status": d.Status, "statusReason": d.Reason, "createdAt": stamp(d.CreatedAt), "startedAt": stamp(d.StartedAt), "finishedAt": stamp(d.FinishedAt),
	})
}

// described is a batch of what has ARNs, 20 at most; find is nil for what is not there.
func described(list, parameter string, arns []string, find func(arn string) any) (any, error) {
	if len(arns) == 0 || len(arns) > 20 {
		return nil, invalid("%s cannot be empty or have more than 20 elements.", parameter)
	}
	found, failures := []any{}, []any{}
	for _, arn := range arns {
		if one := find(arn); one != nil {
			found = append(found, one)
		} else {
			failures = append(failures, failure(arn))
		}
	}
	return map[string]any{list: found, "failures": failures}, nil
}

// docs/platforms.md: "DescribeServiceDeployments (≤ 20 ARNs; unknown ones: `failures[]`, 200)"
func (e *Emulator) describeDeployments(_ *call, in *struct{ ServiceDeploymentARNs []string }) (any, error) {
	return described("serviceDeployments", "serviceDeploymentArns", in.ServiceDeploymentARNs, func(arn string) any {
		if s, d := e.State.deployment(arn); d != nil {
			return d.describe(s)
		}
		return nil
	})
}

// describe is a deployment as the API has it.
func (d *deployment) describe(s *service) any {
	all := d.brief(s)
	delete(all, "targetServiceRevisionArn")
	source := map[string]any{"arn": d.Source, "requestedTaskCount": 2, "runningTaskCount": 2, "pendingTaskCount": 0}
	target := map[string]any{"arn": d.Target, "requestedTaskCount": 2, "runningTaskCount": 2, "pendingTaskCount": 0}
	if s.Config.Strategy != "" && s.Config.Strategy != "ROLLING" {
		source["requestedProductionTrafficWeight"], target["requestedProductionTrafficWeight"] = 100-d.Weight, d.Weight
	}
	all["sourceServiceRevisions"], all["targetServiceRevision"] = []any{source}, target
	all["deploymentConfiguration"], all["lifecycleStage"] = s.Config, d.Stage
	if len(d.Hooks) > 0 {
		all["lifecycleHookDetails"] = kit.Shown(d.Hooks, func(h hookDetail) any {
			return map[string]any{"hookId": h.ID, "targetType": h.Type, "status": h.Status, "expiresAt": stamp(h.Expires), "timeoutAction": h.Action}
		})
	}
	if d.Rollback != "" {
		all["rollback"] = map[string]any{"reason": d.Rollback, "startedAt": stamp(d.Since), "serviceRevisionArn": d.Source}
	}
	if s.Config.Breaker != nil {
		monitor := "MONITORING"
		if d.Failures > 0 {
			monitor = "TRIGGERED"
		}
		all["deploymentCircuitBreaker"] = map[string]any{"status": monitor, "failureCount": d.Failures, "threshold": 3}
	}
	return object(all)
}

func (e *Emulator) describeRevisions(_ *call, in *struct{ ServiceRevisionARNs []string }) (any, error) {
	return described("serviceRevisions", "serviceRevisionArns", in.ServiceRevisionARNs, func(arn string) any {
		s, r := e.revision(arn)
		if r == nil {
			return nil
		}
		return map[string]any{
			"serviceRevisionArn": r.ARN, "serviceArn": s.arn("service"), "clusterArn": s.clusterARN(), "taskDefinition": r.Definition,
			"launchType": "FARGATE", "createdAt": stamp(r.CreatedAt),
		}
	})
}

func (e *Emulator) revision(arn string) (*service, *revision) {
	for _, s := range e.State.Services {
		if r := s.revision(arn); r != nil {
			return s, r
		}
	}
	return nil, nil
}
