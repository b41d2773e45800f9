package apigateway

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"sluice/internal/sandbox/kit"
	"sluice/pipeline"
)

// config are a target's keys in the pipeline file.
type config struct {
	RestAPI string `json:"restApi"`
	Stage   string `json:"stage"`
	Region  string `json:"region"`
}

// Seed implements sandbox.Emulator: of each REST API, the pipeline's first
// stage runs the newest deployment and each later one an older.
func (e *Emulator) Seed(p *pipeline.Pipeline) error {
	return kit.Seed(p, e.Platform(), func(c config) string { return c.Region + " " + c.RestAPI }, e.seedTarget)
}

// seedTarget learns a target and makes what it names where that is missing.
func (e *Emulator) seedTarget(at kit.Seat[config]) {
	p, t, c := at.Pipeline, at.Target, at.Config
	e.home.Learn(c.Region)
	e.Targets.Learn(address{c.Region, c.RestAPI, c.Stage}, at.Name())
	defer e.seedDomain(at)
	api := e.State.Regions[c.Region][c.RestAPI]
	if api == nil {
		api = newAPI(c.RestAPI, restAPIInput{Name: e.freeName(c, p.Name.Value)}, e.Now().Add(-365*kit.Day))
		e.State.Regions.Add(c.Region, api.ID, api)
	}
	if api.Stages[c.Stage] != nil {
		return
	}
	d := api.seedDeployment(at.Position, e.Now())
	s := newStage(stageInput{
		StageName: c.Stage, DeploymentID: d.ID, Description: p.Name.Value + ", " + t.Stage.Name.Value, Variables: seedVariables(t),
	}, e.Now().Add(-365*kit.Day))
	s.LastUpdatedDate = d.CreatedDate
	api.Stages[c.Stage] = s
}

// seedDomain makes the domain by which a target's testers are led, where that is missing,
// and maps the target's stage there: at its root, or at a base path of the target's name
// where the pipeline has several targets on the domain.
func (e *Emulator) seedDomain(at kit.Seat[config]) {
	name, c := domainOf(at.Target), at.Config
	if name == "" {
		return
	}
	e.led[name] = append(e.led[name], at.Name())
	d := e.State.Domains[c.Region][name]
	if d == nil {
		d = e.State.addDomain(c.Region, name, rulesThenMappings)
	}
	if slices.ContainsFunc(d.Mappings, func(m *apiMapping) bool { return m.API == c.RestAPI && m.Stage == c.Stage }) {
		return
	}
	key := ""
	for t := range at.Pipeline.All() {
		if t != at.Target && domainOf(t) == name {
			key = at.Name()
		}
	}
	d.add(&apiMapping{API: c.RestAPI, Stage: c.Stage, Key: key})
}

// domainOf is the domain of a target's testers, "" for none.
func domainOf(t *pipeline.Target) string {
	if t.Canary == nil || t.Canary.Header == nil {
		return ""
	}
	return t.Canary.Header.Domain.Value
}

// freeName is a pipeline's name for its first API of a region, and for each other one
// with its id.
func (e *Emulator) freeName(c config, name string) string {
	for _, api := range e.State.Regions[c.Region] {
		if api.Name == name {
			return name + " " + c.RestAPI
		}
	}
	return name
}

// seedDeployment is the deployment that runs at a position of the pipeline,
// the older the later. It is made once.
func (a *restAPI) seedDeployment(position int, now time.Time) *deployment {
	id := newID(6, "seed", a.ID, strconv.Itoa(position))
	if d := a.deployment(id); d != nil {
		return d
	}
	d := &deployment{
		ID:          id,
		Description: fmt.Sprintf("seeded, %d days old", position+1),
		CreatedDate: now.Add(-time.Duration(position+1) * kit.Day).Unix(),
	}
	a.Deployments = append(a.Deployments, d)
	slices.SortStableFunc(a.Deployments, func(x, y *deployment) int { return cmp.Compare(x.CreatedDate, y.CreatedDate) })
	return d
}

// seedVariables are a stage's variables before anything happened: one of its
// own, and an earlier value of each that the target's canary will change.
func seedVariables(t *pipeline.Target) map[string]string {
	variables := map[string]string{"environment": t.Stage.Name.Value}
	if t.Canary == nil {
		return variables
	}
	for _, phase := range t.Canary.Phases {
		for key := range phase.Variables {
			variables[key] = "before"
		}
	}
	return variables
}
