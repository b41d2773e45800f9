package heroku

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"sluice/internal/sandbox/kit"
	"sluice/pipeline"
)

// config are a target's keys in the pipeline file.
type config struct {
	App      string `json:"app"`
	Pipeline string `json:"pipeline"`
	Stage    string `json:"stage"`
	Couple   bool   `json:"couple"`
}

// seeding is one target on its way into the account.
type seeding struct {
	kit.Seat[config]
	last bool
}

// Seed implements sandbox.Emulator: of each component, the apps of the
// pipeline's first stage run the newest slug and those of each later one an
// older. Apps are coupled, except where the file asks to have that done.
func (e *Emulator) Seed(p *pipeline.Pipeline) error {
	seats, err := kit.Seats[config](p, e.Platform(), nil)
	if err != nil {
		return err
	}
	for _, s := range seats {
		last := s.Position > 0 && s.Position == seats[len(seats)-1].Position
		a, err := e.State.app(s.Config.App)
		if err != nil {
			a = e.account().seedApp(seeding{s, last})
		}
		e.Targets.Learn(a.ID, s.Name())
	}
	return nil
}

func (acc account) seedApp(s seeding) *app {
	id, name := fixedID("app", s.Config.App), s.Config.App
	if uuid.Validate(s.Config.App) == nil {
		id, name = s.Config.App, "app-"+short(s.Config.App)
	}
	a := acc.addApp(id, name, acc.now.Add(-365*kit.Day))
	a.Config = map[string]string{"APP_ENV": s.Target.Stage.Name.Value}
	a.Buildpacks = []string{"heroku/nodejs"}
	runs := acc.seedSlug(a, s)
	a.addRelease(fixedID("release", id, "2"), "Deploy "+short(runs.Commit), runs.Created.Add(time.Hour), runs)
	if !s.Config.Couple {
		acc.couple(id, acc.seedPipeline(s), s.herokuStage())
	}
	return a
}

// seedSlug is the slug that runs at a position of a component, the older the
// later. It has a release phase.
func (acc account) seedSlug(a *app, s seeding) *slug {
	id := fixedID("slug", s.Pipeline.Name.Value, s.Target.Component.Value, strconv.Itoa(s.Position))
	if have := acc.Slugs[id]; have != nil {
		return have
	}
	return acc.addSlug(id, a, acc.now.Add(-time.Duration(s.Position+1)*kit.Day), built{
		Comment:   fmt.Sprintf("seeded, %d days old", s.Position+1),
		Processes: map[string]string{"web": "npm start", "release": "npm run migrate"},
	})
}

func (acc account) seedPipeline(s seeding) *herokuPipeline {
	name := cmp.Or(s.Config.Pipeline, s.Pipeline.Name.Value)
	if p := acc.Pipelines[name]; p != nil {
		return p
	}
	if found := acc.named(name); len(found) > 0 {
		return found[0]
	}
	if uuid.Validate(name) == nil {
		return acc.addPipeline(name, "pipeline-"+short(name), ownerID())
	}
	return acc.addPipeline(fixedID("pipeline", name), name, ownerID())
}

// herokuStage is the stage of a target's app: declared, or by Sluice's stage, or
// by where it stands in the order.
//
// docs/platforms.md: "promotion order development → staging → production"
func (s seeding) herokuStage() string {
	own := s.Target.Stage.Name.Value
	switch {
	case s.Config.Stage != "":
		return s.Config.Stage
	case slices.Contains(knownStages(), own):
		return own
	case s.Position == 0:
		return "development"
	case s.last:
		return "production"
	default:
		return "staging"
	}
}
