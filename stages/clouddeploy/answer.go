package clouddeploy

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"sluice/stages/driver"
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

// remedies are what users can do about Cloud Deploy's refusals.
func remedies() google.Remedies {
	return google.Remedies{
		Denied:   "allow the account roles/clouddeploy.operator on the delivery pipeline, roles/clouddeploy.approver to approve, and roles/iam.serviceAccountUser on the target's execution account",
		NotFound: "check the target's project, location, deliveryPipeline and target, and the release, against what `gcloud deploy` shows",
	}
}

// explain classifies what Google's API returns.
func explain(err error) driver.Explanation {
	x := google.Explain(err, remedies())
	if google.IsStatus(err, http.StatusConflict) && !x.Busy {
		// The id of a rollout is ours: that it exists says that an earlier
		// request may have made it.
		x.Code = driver.Lost
	}
	return x
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
