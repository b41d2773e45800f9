package apigateway

import (
	"maps"
	"net/http"
	"slices"
)

func (e *Emulator) findStage(region string, r *http.Request) (*restAPI, *stage, error) {
	api, err := e.state.api(region, r.PathValue("api"))
	if err != nil {
		return nil, nil, err
	}
	s, err := api.stage(r.PathValue("stage"))
	return api, s, err
}

func (e *Emulator) getStage(region string, r *http.Request) (int, any, error) {
	_, s, err := e.findStage(region, r)
	return http.StatusOK, s, err
}

func (e *Emulator) getStages(region string, r *http.Request) (int, any, error) {
	api, err := e.state.api(region, r.PathValue("api"))
	if err != nil {
		return 0, nil, err
	}
	only := r.URL.Query().Get("deploymentId")
	list := struct {
		Item []*stage `json:"item"`
	}{Item: []*stage{}}
	for _, name := range slices.Sorted(maps.Keys(api.Stages)) {
		if s := api.Stages[name]; only == "" || s.DeploymentID == only {
			list.Item = append(list.Item, s)
		}
	}
	return http.StatusOK, list, nil
}

func (e *Emulator) deleteStage(region string, r *http.Request) (int, any, error) {
	api, s, err := e.findStage(region, r)
	if err != nil {
		return 0, nil, err
	}
	delete(api.Stages, s.StageName)
	return http.StatusAccepted, nil, nil
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

func (e *Emulator) createStage(region string, r *http.Request) (int, any, error) {
	api, err := e.state.api(region, r.PathValue("api"))
	if err != nil {
		return 0, nil, err
	}
	var input stageInput
	if err := decode(r, &input); err != nil {
		return 0, nil, err
	}
	if err := input.check(api); err != nil {
		return 0, nil, err
	}
	s := newStage(input.StageName, input.DeploymentID, e.now())
	s.Description, s.DocumentationVersion, s.TracingEnabled = input.Description, input.DocumentationVersion, input.TracingEnabled
	s.Variables, s.Tags, s.CanarySettings = input.Variables, input.Tags, input.CanarySettings
	if c := s.CanarySettings; c != nil && c.DeploymentID == "" {
		c.DeploymentID = s.DeploymentID
	}
	s.setCache(input.CacheClusterEnabled, input.CacheClusterSize)
	api.Stages[s.StageName] = s
	return http.StatusCreated, s, nil
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

func (e *Emulator) updateStage(region string, r *http.Request) (int, any, error) {
	api, s, err := e.findStage(region, r)
	if err != nil {
		return 0, nil, err
	}
	var input patchDocument
	if err := decode(r, &input); err != nil {
		return 0, nil, err
	}
	next, err := patched(api, s, input.PatchOperations)
	if err != nil {
		return 0, nil, err
	}
	next.touch(e.now())
	api.Stages[next.StageName] = next
	return http.StatusOK, next, nil
}
