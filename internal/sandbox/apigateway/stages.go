package apigateway

import "sluice/internal/sandbox/kit"

// stage is the one that a call is about.
func (c *call) stage() (*stage, error) { return c.api.stage(c.PathValue("stage")) }

func getStage(c *call) (any, error) { return c.stage() }

func getStages(c *call) (any, error) {
	only := c.URL.Query().Get("deploymentId")
	list := struct {
		Item []*stage `json:"item"`
	}{Item: []*stage{}}
	for _, s := range kit.Sorted(c.api.Stages) {
		if only == "" || s.DeploymentID == only {
			list.Item = append(list.Item, s)
		}
	}
	return list, nil
}

func deleteStage(c *call) (any, error) {
	s, err := c.stage()
	if err != nil {
		return nil, err
	}
	// docs/platforms.md: "A stage that a domain leads to cannot be deleted"
	if d := c.leadingTo(c.region, c.api.ID, s.StageName); d != "" {
		return nil, badRequest("Deleting stage %s failed. Please remove all base path mappings related to the stage in your domains: %s", s.StageName, d)
	}
	delete(c.api.Stages, s.StageName)
	return nil, nil
}

// stageInput is the body of CreateStage.
type stageInput struct {
	StageName            string
	DeploymentID         string `json:"deploymentId"`
	Description          string
	DocumentationVersion string
	CacheClusterEnabled  bool
	CacheClusterSize     string
	TracingEnabled       bool
	Variables            map[string]string
	Tags                 map[string]string
	CanarySettings       *canarySettings
}

func createStage(c *call, input *stageInput) (any, error) {
	if err := input.check(c.api); err != nil {
		return nil, err
	}
	s := newStage(input.StageName, input.DeploymentID, c.now)
	s.Description, s.DocumentationVersion, s.TracingEnabled = input.Description, input.DocumentationVersion, input.TracingEnabled
	s.Variables, s.Tags, s.CanarySettings = input.Variables, input.Tags, input.CanarySettings
	if c := s.CanarySettings; c != nil && c.DeploymentID == "" {
		c.DeploymentID = s.DeploymentID
	}
	s.setCache(input.CacheClusterEnabled, input.CacheClusterSize)
	c.api.Stages[s.StageName] = s
	return s, nil
}

// check refuses a stage that cannot be made.
func (in stageInput) check(api *restAPI) error {
	if in.StageName == "" {
		return badRequest("Stage name only allows a-zA-Z0-9_-")
	}
	if _, ok := api.Stages[in.StageName]; ok {
		return conflict("Stage already exists")
	}
	// docs/platforms.md: "An unknown deployment id is a 400"
	if api.deployment(in.DeploymentID) == nil {
		return badRequest("Deployment id does not exist")
	}
	if err := checkVariables(in.Variables); err != nil {
		return err
	}
	if c := in.CanarySettings; c != nil {
		if err := checkVariables(c.StageVariableOverrides); err != nil {
			return err
		}
		if c.DeploymentID != "" && api.deployment(c.DeploymentID) == nil {
			return badRequest("Deployment id does not exist")
		}
		return checkPercent(c.PercentTraffic)
	}
	return nil
}

// setCache turns the stage's cache cluster on or off; size "" keeps the size.
func (s *stage) setCache(enabled bool, size string) {
	s.CacheClusterEnabled, s.CacheClusterStatus = enabled, "NOT_AVAILABLE"
	if size != "" {
		s.CacheClusterSize = size
	}
	if enabled {
		s.CacheClusterStatus = "AVAILABLE"
		if s.CacheClusterSize == "" {
			s.CacheClusterSize = "0.5"
		}
	}
}

func updateStage(c *call, input *patchDocument) (any, error) {
	s, err := c.stage()
	if err != nil {
		return nil, err
	}
	next, err := patched(c.api, s, input.PatchOperations)
	if err != nil {
		return nil, err
	}
	next.touch(c.now)
	c.api.Stages[next.StageName] = next
	return next, nil
}
