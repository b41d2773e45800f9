package heroku

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"sluice/pipeline"
)

const day = 24 * time.Hour

// config are a target's keys in the pipeline file.
type config struct {
	App      string `json:"app"`
	Pipeline string `json:"pipeline"`
	Stage    string `json:"stage"`
	Couple   bool   `json:"couple"`
}

// seeding is one target on its way into the account.
type seeding struct {
	config
	pipeline string // Sluice's
	target   *pipeline.Target
	position int // of its stage among those with targets here
	last     bool
}

// Seed implements sandbox.Emulator: of each component, the apps of the
// pipeline's first stage run the newest slug and those of each later one an
// older. Apps are coupled, except where the file asks to have that done.
func (e *Emulator) Seed(p *pipeline.Pipeline) error {
	var stages [][]*pipeline.Target
	for _, stage := range p.Stages {
		ours := slices.DeleteFunc(slices.Clone(stage.Targets), func(t *pipeline.Target) bool { return t.Platform.Platform != e.Platform() })
		if len(ours) > 0 {
			stages = append(stages, ours)
		}
	}
	for i, targets := range stages {
		for _, t := range targets {
			s := seeding{pipeline: p.Name.Value, target: t, position: i, last: i > 0 && i == len(stages)-1}
			if err := json.Unmarshal(t.Config, &s.config); err != nil {
				return fmt.Errorf("target %s: %w", t.Name.Value, err)
			}
			e.seed(s)
		}
	}
	return nil
}

// seed makes what a target names where it is missing.
func (e *Emulator) seed(s seeding) {
	a, err := e.state.app(s.App)
	if err != nil {
		a = e.seedApp(s)
	}
	if !slices.Contains(e.targets[a.ID], s.target.Name.Value) {
		e.targets[a.ID] = append(e.targets[a.ID], s.target.Name.Value)
	}
}

func (e *Emulator) seedApp(s seeding) *app {
	id, name := fixedID("app", s.App), s.App
	if uuid.Validate(s.App) == nil {
		id, name = s.App, "app-"+short(s.App)
	}
	a := e.addApp(id, name, e.now().Add(-365*day))
	a.Config = map[string]string{"APP_ENV": s.target.Stage.Name.Value}
	a.Buildpacks = []string{"heroku/nodejs"}
	built := e.seedSlug(a, s)
	a.Releases = append(a.Releases, &release{
		ID: fixedID("release", id, "2"), Version: 2, Status: succeeded, Slug: built.ID,
		Description: "Deploy " + short(built.Commit), Created: built.Created.Add(time.Hour),
	})
	if !s.Couple {
		e.couple(id, e.seedPipeline(s).ID, s.herokuStage())
	}
	return a
}

// seedSlug is the slug that runs at a position of a component, the older the
// later. It has a release phase.
func (e *Emulator) seedSlug(a *app, s seeding) *slug {
	id := fixedID("slug", s.pipeline, s.target.Component.Value, strconv.Itoa(s.position))
	if have := e.state.Slugs[id]; have != nil {
		return have
	}
	commit := fixedID("commit", id)
	built := &slug{
		ID: id, App: a.ID, Stack: a.Stack, Commit: strings.ReplaceAll(commit, "-", ""),
		Comment:   fmt.Sprintf("seeded, %d days old", s.position+1),
		Processes: map[string]string{"web": "npm start", "release": "npm run migrate"},
		Created:   e.now().Add(-time.Duration(s.position+1) * day).UTC().Truncate(time.Second),
	}
	e.state.Slugs[id] = built
	return built
}

func (e *Emulator) seedPipeline(s seeding) *herokuPipeline {
	name := s.Pipeline
	if name == "" {
		name = s.pipeline
	}
	if p := e.state.Pipelines[name]; p != nil {
		return p
	}
	if found := e.state.named(name); len(found) > 0 {
		return found[0]
	}
	if uuid.Validate(name) == nil {
		return e.addPipeline(name, "pipeline-"+short(name), ownerID())
	}
	return e.addPipeline(fixedID("pipeline", name), name, ownerID())
}

// herokuStage is the stage of a target's app: declared, or by Sluice's stage, or
// by where it stands in the order.
//
// docs/platforms.md: "promotion order development → staging → production"
func (s seeding) herokuStage() string {
	own := s.target.Stage.Name.Value
	switch {
	case s.Stage != "":
		return s.Stage
	case slices.Contains(knownStages(), own):
		return own
	case s.position == 0:
		return "development"
	case s.last:
		return "production"
	default:
		return "staging"
	}
}
