package apigateway

// replaceInCanary sets a part of the canary.
func (op patchOperation) replaceInCanary(api *restAPI, s *stage, value string) error {
	canary := s.canary()
	parent, key := splitPath(op.Path)
	switch {
	case op.Path == "/canarySettings/deploymentId":
		canary.DeploymentID = value
		return api.has(value)
	case op.Path == "/canarySettings/percentTraffic":
		if err := op.put(&canary.PercentTraffic, value); err != nil {
			return err
		}
		return checkPercent(canary.PercentTraffic)
	case op.Path == "/canarySettings/useStageCache":
		return op.put(&canary.UseStageCache, value)
	case parent == "/canarySettings/stageVariableOverrides":
		return putVariable(&canary.StageVariableOverrides, key, value)
	default:
		// docs/platforms.md: "`replace /canarySettings` as a whole is a 400"
		return op.invalidPath()
	}
}

// canary is the stage's canary, made where there was none.
//
// docs/platforms.md: "A canary comes into being by `replace` on `/canarySettings/deploymentId` or `/canarySettings/percentTraffic`"
// docs/platforms.md: "the first one creates an empty canary on the current deployment"
// docs/platforms.md: "so does any other key of it: Terraform's provider sends the overrides first"
func (s *stage) canary() *canarySettings {
	if s.CanarySettings == nil {
		s.CanarySettings = &canarySettings{DeploymentID: s.DeploymentID}
	}
	return s.CanarySettings
}

// removeFromCanary removes the canary or one of its overrides.
func (op patchOperation) removeFromCanary(s *stage) error {
	parent, key := splitPath(op.Path)
	switch {
	case op.Path == "/canarySettings" && s.CanarySettings != nil:
		// docs/platforms.md: "`remove /canarySettings` (the stage's deployment and variables stay)"
		s.CanarySettings = nil
		return nil
	case op.Path == "/canarySettings/deploymentId", op.Path == "/canarySettings/percentTraffic", op.Path == "/canarySettings/useStageCache":
		return badRequest("Invalid remove operation with path: %s", op.Path)
	case parent == "/canarySettings/stageVariableOverrides" && s.CanarySettings != nil:
		// docs/platforms.md: "`remove /canarySettings/stageVariableOverrides/{key}` works"
		return drop(op, s.CanarySettings.StageVariableOverrides, unescape(key))
	default:
		// docs/platforms.md: "`remove` of the whole overrides map doesn't"
		return op.nothingThere()
	}
}

// checkPercent refuses a share of the traffic that there is not.
func checkPercent(percent float64) error {
	if percent >= 0 && percent <= 100 {
		return nil
	}
	return badRequest("Invalid canary traffic percentage specified: %v. Must be between 0.0 and 100.0", percent)
}
