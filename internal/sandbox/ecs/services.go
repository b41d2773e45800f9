package ecs

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/awsapi"
	"sluice/internal/sandbox/kit"
)

// service finds a service; clusters are those that have one.
func (e *Emulator) service(region, cluster, name string) (*service, error) {
	key := keyOf(region, cluster, name)
	if s := e.State.Services[key]; s != nil {
		return s, nil
	}
	in := key[:strings.LastIndex(key, "/")+1]
	for known := range e.State.Services {
		if strings.HasPrefix(known, in) {
			return nil, kit.Errorf(http.StatusBadRequest, "ServiceNotFoundException", "Service not found.")
		}
	}
	return nil, kit.Errorf(http.StatusBadRequest, "ClusterNotFoundException", "Cluster not found.")
}

type describeServicesInput struct {
	Cluster  string   `json:"cluster"`
	Services []string `json:"services"`
	Include  []string `json:"include"`
}

func (e *Emulator) describeServices(c *call, in *describeServicesInput) (any, error) {
	if len(in.Services) == 0 || len(in.Services) > 10 {
		return nil, invalid("Services cannot be empty or have more than 10 elements.")
	}
	services, failures := []any{}, []any{}
	for _, name := range in.Services {
		s, err := e.service(c.region, in.Cluster, name)
		switch {
		case err != nil && awsapi.Of(err).Name == "ClusterNotFoundException":
			return nil, err
		case err != nil:
			failures = append(failures, failure(fmt.Sprintf("arn:aws:ecs:%s:%s:service/%s", c.region, awsapi.Account, kit.Last(name))))
		default:
			services = append(services, s.describe())
		}
	}
	return map[string]any{"services": services, "failures": failures}, nil
}

// describe is a service as the API has it.
//
// docs/platforms.md: "During a deployment `services[].taskDefinition` is already the new one"
func (s *service) describe() any {
	_, _, name := s.parts()
	revisions := []any{map[string]any{"arn": s.Runs, "requestedTaskCount": 2, "runningTaskCount": 2, "pendingTaskCount": 0}}
	deployments := []any{object(map[string]any{
		"id": "ecs-svc/" + kit.Last(s.Runs), "status": "PRIMARY", "taskDefinition": s.Asked, "desiredCount": 2, "runningCount": 2, "pendingCount": 0,
		"createdAt": stamp(s.CreatedAt), "updatedAt": stamp(s.CreatedAt), "rolloutState": "COMPLETED",
	})}
	var current any
	if d := s.ongoing(); d != nil {
		current = d.ARN
		revisions = append(revisions, map[string]any{"arn": d.Target, "requestedTaskCount": 2, "runningTaskCount": 0, "pendingTaskCount": 2})
	}
	return object(map[string]any{
		"serviceArn": s.arn("service"), "serviceName": name, "clusterArn": s.clusterARN(), "status": "ACTIVE",
		"taskDefinition": s.Asked, "desiredCount": 2, "runningCount": 2, "pendingCount": 0, "launchType": "FARGATE",
		"deploymentController": map[string]any{"type": s.Controller}, "deploymentConfiguration": s.Config,
		"deployments": deployments, "events": []any{}, "createdAt": stamp(s.CreatedAt),
		"currentServiceDeployment": current, "currentServiceRevisions": revisions,
	})
}

func (e *Emulator) listServices(c *call, in *struct{ Cluster string }) (any, error) {
	its := kit.Those(kit.Sorted(e.State.Services), func(s *service) bool { return strings.HasPrefix(s.Key, keyOf(c.region, in.Cluster, "")) })
	return map[string]any{"serviceArns": kit.Shown(its, func(s *service) string { return s.arn("service") })}, nil
}

type updateServiceInput struct {
	Cluster    string         `json:"cluster"`
	Service    string         `json:"service"`
	Definition string         `json:"taskDefinition"`
	Force      bool           `json:"forceNewDeployment"`
	Config     *configuration `json:"deploymentConfiguration"`
}

// updateService begins a deployment where what a service runs changes.
func (e *Emulator) updateService(c *call, in *updateServiceInput) (any, error) {
	s, err := e.service(c.region, in.Cluster, in.Service)
	if err != nil {
		return nil, err
	}
	// docs/platforms.md: "CODE_DEPLOY controller: 400 "Unable to update task definition on services with a CODE_DEPLOY deployment controller."
	if in.Definition != "" && s.Controller == codeDeploy {
		return nil, invalid("Unable to update task definition on services with a CODE_DEPLOY deployment controller. Use AWS CodeDeploy to trigger a new deployment.")
	}
	asked := s.Asked
	if in.Definition != "" {
		row, err := e.definition(c.region, in.Definition)
		if err != nil {
			return nil, err
		}
		if row.Inactive {
			return nil, client("TaskDefinition is inactive")
		}
		asked = row.ARN
	}
	if in.Config != nil {
		if err := in.Config.check(); err != nil {
			return nil, err
		}
		s.Config = *in.Config
	}
	// docs/platforms.md: "The same task definition without forceNewDeployment answers 200 and starts no deployment"
	if asked != s.Asked || in.Force {
		e.deploy(s, asked, string(sandbox.FaultOf(c.Request)))
	}
	return map[string]any{"service": s.describe()}, nil
}

// check refuses what a configuration cannot be.
//
// docs/platforms.md: "not at TEST_TRAFFIC_SHIFT or PRODUCTION_TRAFFIC_SHIFT"
func (c configuration) check() error {
	switch {
	case !slices.Contains([]string{"", "ROLLING", "BLUE_GREEN", "LINEAR", "CANARY"}, c.Strategy):
		return invalid("Invalid deployment strategy: %s", c.Strategy)
	case c.Canary != nil && (c.Canary.Percent < 0.1 || c.Canary.Percent > 100):
		return invalid("canaryPercent must be between 0.1 and 100")
	case c.Linear != nil && (c.Linear.Percent < 3 || c.Linear.Percent > 100):
		return invalid("stepPercent must be between 3 and 100")
	}
	for _, h := range c.Hooks {
		for _, stage := range h.Stages {
			if h.Type == "PAUSE" && (stage == "TEST_TRAFFIC_SHIFT" || stage == "PRODUCTION_TRAFFIC_SHIFT") {
				return invalid("A PAUSE hook is not supported at %s", stage)
			}
		}
	}
	return nil
}
