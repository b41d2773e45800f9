package clouddeploy

import (
	"errors"
	"fmt"
	"strings"

	"sluice/stages/google"
)

// rules are what Cloud Deploy's answers carry. The fields are those that the
// service sets itself, so that every true answer has them.
func rules() google.Rules {
	return google.Rules{
		Resources: map[string]google.Rule{
			"deliveryPipelines": {Carries: []string{"uid", "serialPipeline"}},
			"targets":           {Carries: []string{"uid"}},
			"releases":          {Carries: []string{"uid", "renderState"}},
			"rollouts":          {Carries: []string{"uid", "targetId", "state"}},
			"jobRuns":           {Carries: []string{"uid", "phaseId", "jobId", "state"}},
			"deployPolicies":    {Carries: []string{"uid"}},
			"operations":        {Check: checkOperation},
		},
		Effect: checkEffect,
	}
}

// checkOperation holds an operation to "if done is true, either error or response
// is available" (google.longrunning).
func checkOperation(op google.Fields) error {
	if _, answered := op["response"]; op.Has("done") && !answered && !op.Has("error") {
		return errors.New("it is done and has neither an error nor a response")
	}
	return nil
}

// checkEffect holds the answers to requests that change something. Commands to a
// rollout are answered by an empty object.
func checkEffect(path string, answer google.Fields) error {
	resource, verb, isVerb := strings.Cut(path, ":")
	switch {
	case verb == "rollbackTarget":
		name := answer.Object("rollbackConfig").Object("rollout").Text("name")
		if !google.Named(name, resource+"/releases/-/rollouts/-") {
			return fmt.Errorf("it names no rollout of the delivery pipeline: %q", name)
		}
	case !isVerb:
		location, _, _ := strings.Cut(path, "/deliveryPipelines/")
		if name := answer.Text("name"); !google.Named(name, location+"/operations/-") {
			return fmt.Errorf("it names no operation of the location: %q", name)
		}
	}
	return nil
}
