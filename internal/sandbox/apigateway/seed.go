package apigateway

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

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
	positions := map[string]int{} // by region and API: how many stages have named it
	for _, stage := range p.Stages {
		named := map[string]bool{}
		for _, t := range stage.Targets {
			if t.Platform.Platform != e.Platform() {
				continue
			}
			var c config
			if err := json.Unmarshal(t.Config, &c); err != nil {
				return fmt.Errorf("target %s: %w", t.Name.Value, err)
			}
			key := c.Region + " " + c.RestAPI
			named[key] = true
			e.seedTarget(p, t, c, positions[key])
		}
		for key := range named {
			positions[key]++
		}
	}
	return nil
}

// seedTarget learns t and makes what it names where that is missing. position
// counts the pipeline's stages with this API before t's.
func (e *Emulator) seedTarget(p *pipeline.Pipeline, t *pipeline.Target, c config, position int) {
	if len(e.targets) == 0 {
		e.region = c.Region
	}
	at := address{c.Region, c.RestAPI, c.Stage}
	if !slices.Contains(e.targets[at], t.Name.Value) {
		e.targets[at] = append(e.targets[at], t.Name.Value)
	}
	api := e.state.Regions[c.Region][c.RestAPI]
	if api == nil {
		api = newAPI(c.RestAPI, e.freeName(c, p.Name.Value), e.now().Add(-365*day))
		e.state.add(c.Region, api)
	}
	if api.Stages[c.Stage] != nil {
		return
	}
	d := api.seedDeployment(position, e.now())
	s := newStage(c.Stage, d.ID, e.now().Add(-365*day))
	s.LastUpdatedDate = d.CreatedDate
	s.Description = p.Name.Value + ", " + t.Stage.Name.Value
	s.Variables = seedVariables(t)
	api.Stages[c.Stage] = s
}

// freeName is a pipeline's name for its first API of a region, and for each other one
// with its id.
func (e *Emulator) freeName(c config, name string) string {
	for _, api := range e.state.Regions[c.Region] {
		if api.Name == name {
			return name + " " + c.RestAPI
		}
	}
	return name
}

const day = 24 * time.Hour

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
		CreatedDate: now.Add(-time.Duration(position+1) * day).Unix(),
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
