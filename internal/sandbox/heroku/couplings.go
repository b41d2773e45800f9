package heroku

import (
	"slices"

	"sluice/internal/sandbox/kit"
)

// coupling is an app's place in a pipeline, as the API shows it.
//
// docs/platforms.md: "Couplings carry app ids only"
type coupling struct {
	ID       string `json:"id"`
	App      ref    `json:"app"`
	Pipeline ref    `json:"pipeline"`
	Stage    string `json:"stage"`
	times
}

func theCoupling(c *call) (*coupling, error) {
	has := func(one *coupling) bool { return one.ID == c.PathValue("coupling") }
	return found(kit.Find(kit.Sorted(c.Couplings), has), "pipeline coupling")
}

// couplingsOf are those of a pipeline.
func (s *state) couplingsOf(p *herokuPipeline) []*coupling {
	return kit.Those(kit.Sorted(s.Couplings), func(one *coupling) bool { return one.Pipeline.ID == p.ID })
}

func getPipelineCouplings(c *call, p *herokuPipeline) (any, error) {
	return listOf(c.couplingsOf(p), kit.Whole, "id"), nil
}

// getAppCoupling is the coupling of an app.
//
// docs/platforms.md: "`GET /apps/{id|name}/pipeline-couplings` (one object)"
func getAppCoupling(c *call, a *app) (any, error) {
	return found(c.Couplings[a.ID], "pipeline coupling")
}

// docs/platforms.md: "Stages: test, review, development, staging, production"
func knownStages() []string {
	return []string{"test", "review", "development", "staging", "production"}
}

// createCoupling puts an app into a pipeline.
//
// docs/platforms.md: "an app is in one pipeline at a time"
func createCoupling(c *call, body *struct{ App, Pipeline, Stage string }) (any, error) {
	a, err := c.app(body.App)
	if err != nil {
		return nil, err
	}
	p := c.Pipelines[body.Pipeline]
	switch {
	case p == nil:
		return nil, notFound("pipeline")
	case !slices.Contains(knownStages(), body.Stage):
		return nil, invalid("Stage is not included in the list")
	case c.Couplings[a.ID] != nil:
		return nil, invalid("App is already in a pipeline")
	}
	return c.couple(a.ID, p, body.Stage), nil
}

func (acc account) couple(appID string, p *herokuPipeline, stage string) *coupling {
	c := &coupling{ID: fixedID("coupling", appID, p.ID), App: ref{ID: appID}, Pipeline: ref{ID: p.ID, Name: p.Name}, Stage: stage, times: at(acc.now)}
	acc.Couplings[appID] = c
	return c
}

// updateCoupling moves an app to another stage.
//
// docs/platforms.md: "`PATCH /pipeline-couplings/{id}` {stage} moves it"
func updateCoupling(c *call, one *coupling, body *struct{ Stage string }) (any, error) {
	if !slices.Contains(knownStages(), body.Stage) {
		return nil, invalid("Stage is not included in the list")
	}
	one.Stage = body.Stage
	return one, nil
}

func deleteCoupling(c *call, one *coupling) (any, error) {
	delete(c.Couplings, one.App.ID)
	return one, nil
}
