package entrecode

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"sluice/pipeline"
)

const day = 24 * time.Hour

// seeded is a target to be seeded.
type seeded struct {
	target
	position int    // how many of the pipeline's stages name its app before its own
	origin   string // the platform that builds are made on: the app's first
}

// Seed implements sandbox.Emulator: of each app, the pipeline's first stage
// runs the newest build and each later one an older. A platform that exists
// already stays as it is, also where nothing was ever deployed from it.
func (e *Emulator) Seed(p *pipeline.Pipeline) error {
	found, err := e.targetsOf(p)
	if err != nil {
		return err
	}
	fresh := map[string]bool{}
	for _, t := range found {
		e.learn(t.target)
		if e.state.Platforms[t.PlatformID] == nil {
			fresh[t.PlatformID] = true
		}
		e.seedResources(p, t.target)
	}
	for _, t := range slices.Backward(found) { // the oldest builds first
		if fresh[t.PlatformID] {
			e.seedDeployments(t)
		}
	}
	return nil
}

// targetsOf are p's targets on this platform, in its order.
func (e *Emulator) targetsOf(p *pipeline.Pipeline) ([]seeded, error) {
	var found []seeded
	positions, origins := map[string]int{}, map[string]string{}
	for _, stage := range p.Stages {
		named := map[string]bool{}
		for _, t := range stage.Targets {
			if t.Platform.Platform != e.Platform() {
				continue
			}
			s := seeded{target: target{name: t.Name.Value}}
			if err := json.Unmarshal(t.Config, &s.config); err != nil {
				return nil, fmt.Errorf("target %s: %w", t.Name.Value, err)
			}
			if origins[s.AppID] == "" {
				origins[s.AppID] = s.PlatformID
			}
			s.position, s.origin = positions[s.AppID], origins[s.AppID]
			named[s.AppID] = true
			found = append(found, s)
		}
		for id := range named {
			positions[id]++
		}
	}
	return found, nil
}

func (e *Emulator) learn(t target) {
	if !slices.ContainsFunc(e.targets, func(have target) bool { return have.name == t.name }) {
		e.targets = append(e.targets, t)
	}
}

// seedResources makes the app, the platform and its targets where they are
// missing.
func (e *Emulator) seedResources(p *pipeline.Pipeline, t target) {
	if e.state.Apps[t.AppID] == nil {
		e.state.Apps[t.AppID] = &app{ID: t.AppID, Title: p.Name.Value, Created: e.now().Add(-365 * day).UTC()}
	}
	made := e.state.Platforms[t.PlatformID]
	if made == nil {
		made = &platform{ID: t.PlatformID, App: t.AppID, Title: t.name, Type: "staticWebsite"}
		e.state.Platforms[t.PlatformID] = made
	}
	for _, id := range t.TargetIDs {
		if !slices.Contains(made.Targets, id) {
			made.Targets = append(made.Targets, id)
		}
	}
}

// seedDeployments deploys the build of t's position, and before that the one of
// the next position.
func (e *Emulator) seedDeployments(t seeded) {
	for _, position := range []int{t.position + 1, t.position} {
		b := e.seedBuild(t, position)
		at := b.Finished.Add(time.Hour)
		d := e.state.addDeployment(b.ID, t.PlatformID, t.TargetIDs, at)
		e.state.end(d, at.Add(8*time.Second))
	}
}

// seedBuild is the app's build for a position, the older the later. It is made
// once.
func (e *Emulator) seedBuild(t seeded, position int) *build {
	for _, b := range e.state.Builds {
		if b.Position == position && e.state.Platforms[b.Platform].App == t.AppID {
			return b
		}
	}
	return e.state.addBuild(t.origin, position, e.now().Add(-time.Duration(position+1)*day).UTC().Truncate(time.Millisecond))
}
