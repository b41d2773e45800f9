package heroku

import (
	"slices"
	"time"

	"sluice/internal/sandbox/kit"
)

// coupling is an app's place in a pipeline.
type coupling struct {
	ID       string    `json:"id"`
	App      string    `json:"app"`
	Pipeline string    `json:"pipeline"`
	Stage    string    `json:"stage"`
	Created  time.Time `json:"created"`
}

func theCoupling(c *call) (*coupling, error) {
	has := func(one *coupling) bool { return one.ID == c.PathValue("coupling") }
	return found(kit.Find(kit.Sorted(c.Couplings), has), "pipeline coupling")
}

type couplingBody struct {
	ID       string    `json:"id"`
	App      ref       `json:"app"`
	Pipeline ref       `json:"pipeline"`
	Stage    string    `json:"stage"`
	Created  time.Time `json:"created_at"`
	Updated  time.Time `json:"updated_at"`
}

// shownCoupling is a coupling as the API shows it.
//
// docs/platforms.md: "Couplings carry app ids only"
func (acc account) shownCoupling(c *coupling) couplingBody {
	b := couplingBody{ID: c.ID, App: ref{ID: c.App}, Pipeline: ref{ID: c.Pipeline}, Stage: c.Stage, Created: c.Created, Updated: c.Created}
	if p := acc.Pipelines[c.Pipeline]; p != nil {
		b.Pipeline.Name = p.Name
	}
	return b
}

func getPipelineCouplings(c *call, p *herokuPipeline) (any, error) {
	in := slices.DeleteFunc(kit.Sorted(c.Couplings), func(one *coupling) bool { return one.Pipeline != p.ID })
	return listOf("id", in, func(one *coupling) item { return item{map[string]string{"id": one.ID}, c.shownCoupling(one)} }), nil
}

// getAppCoupling is the coupling of an app.
//
// docs/platforms.md: "`GET /apps/{id|name}/pipeline-couplings` (one object)"
func getAppCoupling(c *call, a *app) (any, error) {
	one, err := found(c.Couplings[a.ID], "pipeline coupling")
	if err != nil {
		return nil, err
	}
	return c.shownCoupling(one), nil
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
	switch {
	case c.Pipelines[body.Pipeline] == nil:
		return nil, notFound("pipeline")
	case !slices.Contains(knownStages(), body.Stage):
		return nil, invalid("Stage is not included in the list")
	case c.Couplings[a.ID] != nil:
		return nil, invalid("App is already in a pipeline")
	}
	return c.shownCoupling(c.couple(a.ID, body.Pipeline, body.Stage)), nil
}

func (acc account) couple(appID, pipelineID, stage string) *coupling {
	c := &coupling{
		ID: fixedID("coupling", appID, pipelineID), App: appID, Pipeline: pipelineID, Stage: stage,
		Created: second(acc.now),
	}
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
	return c.shownCoupling(one), nil
}

func deleteCoupling(c *call, one *coupling) (any, error) {
	delete(c.Couplings, one.App)
	return c.shownCoupling(one), nil
}
