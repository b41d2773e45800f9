package apigateway

import "slices"

func getDeployments(c *call) (any, error) {
	return paged(c.Request, c.api.Deployments, func(d *deployment) string { return d.ID })
}

// deployment is the one that a call is about.
//
// docs/platforms.md: "Deployments belong to one REST API"
func (c *call) deployment() (*deployment, error) {
	return found(c.api.deployment(c.PathValue("deployment")), "Invalid Deployment identifier specified")
}

func deleteDeployment(c *call, d *deployment) (any, error) {
	for _, s := range c.api.Stages {
		if s.DeploymentID == d.ID {
			return nil, badRequest("Active stages pointing to this deployment must be moved or deleted")
		}
		if canary := s.CanarySettings; canary != nil && canary.DeploymentID == d.ID {
			return nil, badRequest("Active stages with canary settings pointing to this deployment must be moved or deleted")
		}
	}
	c.api.Deployments = slices.DeleteFunc(c.api.Deployments, func(other *deployment) bool { return other == d })
	return nil, nil
}

// deploymentInput is the body of CreateDeployment. An absent stage name is not
// an empty one.
type deploymentInput struct {
	StageName           *string
	StageDescription    string
	Description         string
	Variables           map[string]string
	CacheClusterEnabled *bool
	CacheClusterSize    string
	TracingEnabled      *bool
	CanarySettings      *canarySettings // on the new deployment
}

func createDeployment(c *call, input *deploymentInput) (any, error) {
	if err := input.check(c.api); err != nil {
		return nil, err
	}
	d := c.api.deploy(c.now, input.Description)
	if input.StageName == nil || *input.StageName == "" {
		return d, nil
	}
	s, ok := c.api.Stages[*input.StageName]
	if !ok {
		s = newStage(stageInput{StageName: *input.StageName, DeploymentID: d.ID}, c.now)
		c.api.Stages[s.StageName] = s
	}
	input.applyTo(s, d)
	s.touch(c.now)
	return d, nil
}

// check refuses a deployment that the stage does not take.
func (in deploymentInput) check(api *restAPI) error {
	const prefix = "Invalid deployment content specified."
	if err := checkVariables(in.Variables); err != nil {
		return err
	}
	name := "null"
	if in.StageName != nil {
		name = *in.StageName
	}
	s, canary := api.Stages[name], in.CanarySettings != nil
	switch {
	case !canary && in.StageName != nil && s != nil && s.CanarySettings != nil:
		// docs/platforms.md: "While a canary stands, an ordinary deployment to the stage is refused"
		return badRequest(prefix+"Non canary deployment not supported on stage %s because Canary is enabled. Provide CanarySettings in deploymentInput.", name)
	case !canary:
		return nil
	case in.StageName == nil || name == "":
		// docs/platforms.md: "A canary deployment names a stage that exists"
		return badRequest(prefix+"Non null and non empty stageName must be provided for canary deployment. Provided value is %s", name)
	case s == nil:
		return badRequest(prefix+"Stage %s must already be created before making a canary release deployment", name)
	}
	if err := checkVariables(in.CanarySettings.StageVariableOverrides); err != nil {
		return err
	}
	return checkPercent(in.CanarySettings.PercentTraffic)
}

// applyTo points the stage, or its canary, to d.
func (in deploymentInput) applyTo(s *stage, d *deployment) {
	if canary := in.CanarySettings; canary != nil {
		canary.DeploymentID, s.CanarySettings = d.ID, canary
	} else {
		s.DeploymentID = d.ID
	}
	merge(&s.Variables, in.Variables)
	if in.StageDescription != "" {
		s.Description = in.StageDescription
	}
	if in.TracingEnabled != nil {
		s.TracingEnabled = *in.TracingEnabled
	}
	if in.CacheClusterEnabled != nil {
		s.setCache(*in.CacheClusterEnabled, in.CacheClusterSize)
	}
}
