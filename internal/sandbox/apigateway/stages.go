package apigateway

import (
	"cmp"

	"sluice/internal/sandbox/kit"
)

// stage is the one that a call is about.
func (c *call) stage() (*stage, error) { return c.api.stage(c.PathValue("stage")) }

func getStages(c *call) (any, error) {
	only := c.URL.Query().Get("deploymentId")
	all := kit.Those(kit.Sorted(c.api.Stages), func(s *stage) bool { return only == "" || s.DeploymentID == only })
	return page[any]{Item: kit.Shown(all, kit.Whole)}, nil
}

func deleteStage(c *call, s *stage) (any, error) {
	// docs/platforms.md: "A stage that a domain leads to cannot be deleted"
	if d := c.leadingTo(c.region, c.api.ID, s.StageName); d != "" {
		return nil, badRequest("Deleting stage %s failed. Please remove all base path mappings related to the stage in your domains: %s", s.StageName, d)
	}
	delete(c.api.Stages, s.StageName)
	return nil, nil
}

func createStage(c *call, input *stageInput) (any, error) {
	if err := input.check(c.api); err != nil {
		return nil, err
	}
	s := newStage(*input, c.now)
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
	if err := api.has(in.DeploymentID); err != nil {
		return err
	}
	if err := checkVariables(in.Variables); err != nil {
		return err
	}
	if c := in.CanarySettings; c != nil {
		if err := checkVariables(c.StageVariableOverrides); err != nil {
			return err
		}
		if err := api.has(cmp.Or(c.DeploymentID, in.DeploymentID)); err != nil {
			return err
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

func updateStage(c *call, s *stage, input *patchDocument) (any, error) {
	next, err := patched(c.api, s, input.PatchOperations)
	if err != nil {
		return nil, err
	}
	next.touch(c.now)
	c.api.Stages[next.StageName] = next
	return next, nil
}
