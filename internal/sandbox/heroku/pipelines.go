package heroku

import (
	"net/http"
	"regexp"
	"slices"
	"time"

	"sluice/internal/sandbox/kit"
)

type pipelineBody struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Owner   any       `json:"owner"`
	Created time.Time `json:"created_at"`
	Updated time.Time `json:"updated_at"`
}

func (p *herokuPipeline) body() pipelineBody {
	return pipelineBody{ID: p.ID, Name: p.Name, Owner: map[string]string{"id": p.Owner, "type": "user"}, Created: p.Created, Updated: p.Created}
}

func (p *herokuPipeline) item() item {
	return item{map[string]string{"id": p.ID, "name": p.Name}, p.body()}
}

// named lists the pipelines of a name.
func (s *state) named(name string) []*herokuPipeline {
	return slices.DeleteFunc(kit.Sorted(s.Pipelines), func(p *herokuPipeline) bool { return p.Name != name })
}

// getPipelines lists the pipelines, or those of one name.
//
// docs/platforms.md: "The CLI finds a pipeline's name with `GET /pipelines?eq[name]=NAME`"
func (e *Emulator) getPipelines(r *http.Request, _ *none, _ *none) (any, error) {
	all := kit.Sorted(e.State.Pipelines)
	if query := r.URL.Query(); query.Has("eq[name]") {
		all = e.State.named(query.Get("eq[name]"))
	}
	return listOf("id", all, (*herokuPipeline).item), nil
}

// candidates are the pipelines that a name may mean.
type candidates []pipelineBody

// getPipeline finds a pipeline by id or name.
//
// docs/platforms.md: "`GET /pipelines/{id|name}` (an ambiguous name: 300 with the candidates)"
func (e *Emulator) getPipeline(r *http.Request, _ *none, _ *none) (any, error) {
	name := r.PathValue("pipeline")
	if p := e.State.Pipelines[name]; p != nil {
		return p.body(), nil
	}
	switch found := e.State.named(name); len(found) {
	case 0:
		return nil, notFound("pipeline")
	case 1:
		return found[0].body(), nil
	default:
		var some candidates
		for _, p := range found {
			some = append(some, p.body())
		}
		return some, nil
	}
}

type createPipelineInput struct {
	Name  string
	Owner *struct{ ID string }
}

// createPipeline makes a pipeline.
//
// docs/platforms.md: "`POST /pipelines` needs `name` alone; owners may have pipelines of the same name."
// docs/platforms.md: "those of pipelines `^[a-z][a-z0-9-]{2,29}$`"
func (e *Emulator) createPipeline(_ *http.Request, _ *none, body *createPipelineInput) (any, error) {
	owner := ownerID()
	if body.Owner != nil && body.Owner.ID != "" {
		owner = body.Owner.ID
	}
	if body.Name == "" {
		return nil, invalid("Name can't be blank")
	}
	if !regexp.MustCompile(`^[a-z][a-z0-9-]{2,29}$`).MatchString(body.Name) {
		return nil, invalid("Name must start with a letter and can only contain lowercase letters, digits, and dashes.")
	}
	if slices.ContainsFunc(e.State.named(body.Name), func(p *herokuPipeline) bool { return p.Owner == owner }) {
		return nil, invalid("Name has already been taken")
	}
	return e.addPipeline(e.State.newID("pipeline"), body.Name, owner).body(), nil
}

func (e *Emulator) addPipeline(id, name, owner string) *herokuPipeline {
	p := &herokuPipeline{ID: id, Name: name, Owner: owner, Created: e.Now().UTC().Truncate(time.Second)}
	e.State.Pipelines[id] = p
	return p
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
func (e *Emulator) shownCoupling(c *coupling) couplingBody {
	b := couplingBody{ID: c.ID, App: ref{ID: c.App}, Pipeline: ref{ID: c.Pipeline}, Stage: c.Stage, Created: c.Created, Updated: c.Created}
	if p := e.State.Pipelines[c.Pipeline]; p != nil {
		b.Pipeline.Name = p.Name
	}
	return b
}

func (e *Emulator) getPipelineCouplings(r *http.Request, _ *herokuPipeline, _ *none) (any, error) {
	in := slices.DeleteFunc(kit.Sorted(e.State.Couplings), func(c *coupling) bool { return c.Pipeline != r.PathValue("pipeline") })
	return listOf("id", in, func(c *coupling) item { return item{map[string]string{"id": c.ID}, e.shownCoupling(c)} }), nil
}

// getAppCoupling is the coupling of an app.
//
// docs/platforms.md: "`GET /apps/{id|name}/pipeline-couplings` (one object)"
func (e *Emulator) getAppCoupling(_ *http.Request, a *app, _ *none) (any, error) {
	c := e.State.Couplings[a.ID]
	if c == nil {
		return nil, notFound("pipeline coupling")
	}
	return e.shownCoupling(c), nil
}

// docs/platforms.md: "Stages: test, review, development, staging, production"
func knownStages() []string {
	return []string{"test", "review", "development", "staging", "production"}
}

// createCoupling puts an app into a pipeline.
//
// docs/platforms.md: "an app is in one pipeline at a time"
func (e *Emulator) createCoupling(_ *http.Request, _ *none, body *struct{ App, Pipeline, Stage string }) (any, error) {
	a, err := e.State.app(body.App)
	if err != nil {
		return nil, err
	}
	switch {
	case e.State.Pipelines[body.Pipeline] == nil:
		return nil, notFound("pipeline")
	case !slices.Contains(knownStages(), body.Stage):
		return nil, invalid("Stage is not included in the list")
	case e.State.Couplings[a.ID] != nil:
		return nil, invalid("App is already in a pipeline")
	}
	return e.shownCoupling(e.couple(a.ID, body.Pipeline, body.Stage)), nil
}

func (e *Emulator) couple(appID, pipelineID, stage string) *coupling {
	c := &coupling{
		ID: fixedID("coupling", appID, pipelineID), App: appID, Pipeline: pipelineID, Stage: stage,
		Created: e.Now().UTC().Truncate(time.Second),
	}
	e.State.Couplings[appID] = c
	return c
}

// updateCoupling moves an app to another stage.
//
// docs/platforms.md: "`PATCH /pipeline-couplings/{id}` {stage} moves it"
func (e *Emulator) updateCoupling(_ *http.Request, c *coupling, body *struct{ Stage string }) (any, error) {
	if !slices.Contains(knownStages(), body.Stage) {
		return nil, invalid("Stage is not included in the list")
	}
	c.Stage = body.Stage
	return e.shownCoupling(c), nil
}

func (e *Emulator) deleteCoupling(_ *http.Request, c *coupling, _ *none) (any, error) {
	delete(e.State.Couplings, c.App)
	return e.shownCoupling(c), nil
}

// getLatestReleases lists the newest release of each of a pipeline's apps.
//
// docs/platforms.md: "`GET /pipelines/{id}/latest-releases` lists the latest release of each app of a pipeline"
// docs/platforms.md: "a failed or pending release is listed as well"
func (e *Emulator) getLatestReleases(r *http.Request, _ *herokuPipeline, _ *none) (any, error) {
	l := list{attribute: "id"}
	for _, c := range kit.Sorted(e.State.Couplings) {
		a := e.State.Apps[c.App]
		if c.Pipeline != r.PathValue("pipeline") || a == nil {
			continue
		}
		if visible := a.visible(e.Now()); len(visible) > 0 {
			newest := visible[len(visible)-1]
			e.look(newest)
			l.items = append(l.items, item{map[string]string{"id": newest.ID}, e.shown(a, newest)})
		}
	}
	return l, nil
}
