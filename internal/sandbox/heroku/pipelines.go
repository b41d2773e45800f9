package heroku

import (
	"net/http"
	"regexp"
	"slices"
	"time"

	"sluice/internal/sandbox"
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
	return slices.DeleteFunc(sandbox.Sorted(s.Pipelines), func(p *herokuPipeline) bool { return p.Name != name })
}

// getPipelines lists the pipelines, or those of one name.
//
// docs/platforms.md: "The CLI finds a pipeline's name with `GET /pipelines?eq[name]=NAME`"
func (e *Emulator) getPipelines(r *http.Request) (int, any, error) {
	all := sandbox.Sorted(e.state.Pipelines)
	if query := r.URL.Query(); query.Has("eq[name]") {
		all = e.state.named(query.Get("eq[name]"))
	}
	l := list{attribute: "id"}
	for _, p := range all {
		l.items = append(l.items, p.item())
	}
	return http.StatusOK, l, nil
}

// getPipeline finds a pipeline by id or name.
//
// docs/platforms.md: "`GET /pipelines/{id|name}` (an ambiguous name: 300 with the candidates)"
func (e *Emulator) getPipeline(r *http.Request) (int, any, error) {
	name := r.PathValue("pipeline")
	if p := e.state.Pipelines[name]; p != nil {
		return http.StatusOK, p.body(), nil
	}
	switch found := e.state.named(name); len(found) {
	case 0:
		return 0, nil, notFound("pipeline")
	case 1:
		return http.StatusOK, found[0].body(), nil
	default:
		var candidates []pipelineBody
		for _, p := range found {
			candidates = append(candidates, p.body())
		}
		return http.StatusMultipleChoices, candidates, nil
	}
}

// createPipeline makes a pipeline.
//
// docs/platforms.md: "`POST /pipelines` needs `name` alone; owners may have pipelines of the same name."
// docs/platforms.md: "those of pipelines `^[a-z][a-z0-9-]{2,29}$`"
func (e *Emulator) createPipeline(r *http.Request) (int, any, error) {
	var body struct {
		Name  string
		Owner *struct{ ID string }
	}
	if err := decode(r, &body); err != nil {
		return 0, nil, err
	}
	owner := ownerID()
	if body.Owner != nil && body.Owner.ID != "" {
		owner = body.Owner.ID
	}
	if body.Name == "" {
		return 0, nil, invalid("Name can't be blank")
	}
	if !regexp.MustCompile(`^[a-z][a-z0-9-]{2,29}$`).MatchString(body.Name) {
		return 0, nil, invalid("Name must start with a letter and can only contain lowercase letters, digits, and dashes.")
	}
	if slices.ContainsFunc(e.state.named(body.Name), func(p *herokuPipeline) bool { return p.Owner == owner }) {
		return 0, nil, invalid("Name has already been taken")
	}
	return http.StatusCreated, e.addPipeline(e.state.newID("pipeline"), body.Name, owner).body(), nil
}

func (e *Emulator) addPipeline(id, name, owner string) *herokuPipeline {
	p := &herokuPipeline{ID: id, Name: name, Owner: owner, Created: e.now().UTC().Truncate(time.Second)}
	e.state.Pipelines[id] = p
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
	if p := e.state.Pipelines[c.Pipeline]; p != nil {
		b.Pipeline.Name = p.Name
	}
	return b
}

func (e *Emulator) getPipelineCouplings(r *http.Request) (int, any, error) {
	if e.state.Pipelines[r.PathValue("pipeline")] == nil {
		return 0, nil, notFound("pipeline")
	}
	l := list{attribute: "id"}
	for _, c := range sandbox.Sorted(e.state.Couplings) {
		if c.Pipeline == r.PathValue("pipeline") {
			l.items = append(l.items, item{map[string]string{"id": c.ID}, e.shownCoupling(c)})
		}
	}
	return http.StatusOK, l, nil
}

// getAppCoupling is the coupling of an app.
//
// docs/platforms.md: "`GET /apps/{id|name}/pipeline-couplings` (one object)"
func (e *Emulator) getAppCoupling(r *http.Request) (int, any, error) {
	a, err := e.state.app(r.PathValue("app"))
	if err != nil {
		return 0, nil, err
	}
	c := e.state.Couplings[a.ID]
	if c == nil {
		return 0, nil, notFound("pipeline coupling")
	}
	return http.StatusOK, e.shownCoupling(c), nil
}

// docs/platforms.md: "Stages: test, review, development, staging, production"
func knownStages() []string {
	return []string{"test", "review", "development", "staging", "production"}
}

// createCoupling puts an app into a pipeline.
//
// docs/platforms.md: "an app is in one pipeline at a time"
func (e *Emulator) createCoupling(r *http.Request) (int, any, error) {
	var body struct{ App, Pipeline, Stage string }
	if err := decode(r, &body); err != nil {
		return 0, nil, err
	}
	a, err := e.state.app(body.App)
	if err != nil {
		return 0, nil, err
	}
	switch {
	case e.state.Pipelines[body.Pipeline] == nil:
		return 0, nil, notFound("pipeline")
	case !slices.Contains(knownStages(), body.Stage):
		return 0, nil, invalid("Stage is not included in the list")
	case e.state.Couplings[a.ID] != nil:
		return 0, nil, invalid("App is already in a pipeline")
	}
	return http.StatusCreated, e.shownCoupling(e.couple(a.ID, body.Pipeline, body.Stage)), nil
}

func (e *Emulator) couple(appID, pipelineID, stage string) *coupling {
	c := &coupling{
		ID: fixedID("coupling", appID, pipelineID), App: appID, Pipeline: pipelineID, Stage: stage,
		Created: e.now().UTC().Truncate(time.Second),
	}
	e.state.Couplings[appID] = c
	return c
}

// coupling finds a coupling by its id.
func (s *state) coupling(id string) (*coupling, error) {
	for _, c := range s.Couplings {
		if c.ID == id {
			return c, nil
		}
	}
	return nil, notFound("pipeline coupling")
}

// updateCoupling moves an app to another stage.
//
// docs/platforms.md: "`PATCH /pipeline-couplings/{id}` {stage} moves it"
func (e *Emulator) updateCoupling(r *http.Request) (int, any, error) {
	c, err := e.state.coupling(r.PathValue("coupling"))
	if err != nil {
		return 0, nil, err
	}
	var body struct{ Stage string }
	if err := decode(r, &body); err != nil {
		return 0, nil, err
	}
	if !slices.Contains(knownStages(), body.Stage) {
		return 0, nil, invalid("Stage is not included in the list")
	}
	c.Stage = body.Stage
	return http.StatusOK, e.shownCoupling(c), nil
}

func (e *Emulator) deleteCoupling(r *http.Request) (int, any, error) {
	c, err := e.state.coupling(r.PathValue("coupling"))
	if err != nil {
		return 0, nil, err
	}
	delete(e.state.Couplings, c.App)
	return http.StatusOK, e.shownCoupling(c), nil
}

// getLatestReleases lists the newest release of each of a pipeline's apps.
//
// docs/platforms.md: "`GET /pipelines/{id}/latest-releases` lists the latest release of each app of a pipeline"
// docs/platforms.md: "a failed or pending release is listed as well"
func (e *Emulator) getLatestReleases(r *http.Request) (int, any, error) {
	if e.state.Pipelines[r.PathValue("pipeline")] == nil {
		return 0, nil, notFound("pipeline")
	}
	l := list{attribute: "id"}
	for _, c := range sandbox.Sorted(e.state.Couplings) {
		a := e.state.Apps[c.App]
		if c.Pipeline != r.PathValue("pipeline") || a == nil {
			continue
		}
		if visible := a.visible(e.now()); len(visible) > 0 {
			newest := visible[len(visible)-1]
			e.look(newest)
			l.items = append(l.items, item{map[string]string{"id": newest.ID}, e.shown(a, newest)})
		}
	}
	return http.StatusOK, l, nil
}
