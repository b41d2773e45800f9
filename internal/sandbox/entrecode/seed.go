package entrecode

import (
	"slices"
	"time"

	"sluice/internal/sandbox/kit"
	"sluice/pipeline"
)

// Seed implements sandbox.Emulator: of each app, the pipeline's first stage
// runs the newest build and each later one an older. A platform that exists
// already stays as it is, also where nothing was ever deployed from it.
func (e *Emulator) Seed(p *pipeline.Pipeline) error {
	found, err := kit.Seats(p, e.Platform(), func(c config) string { return c.AppID })
	if err != nil {
		return err
	}
	fresh, origins := map[string]bool{}, map[string]string{} // builds are made on an app's first platform
	for _, s := range found {
		if !slices.ContainsFunc(e.seats, func(have kit.Seat[config]) bool { return have.Name() == s.Name() }) {
			e.seats = append(e.seats, s)
		}
		if origins[s.Config.AppID] == "" {
			origins[s.Config.AppID] = s.Config.PlatformID
		}
		if e.State.Platforms[s.Config.PlatformID] == nil {
			fresh[s.Config.PlatformID] = true
		}
		e.seedResources(s)
	}
	for _, s := range slices.Backward(found) { // the oldest builds first
		if fresh[s.Config.PlatformID] {
			e.seedDeployments(s, origins[s.Config.AppID])
		}
	}
	return nil
}

// seedResources makes the app, the platform and its targets where they are
// missing.
func (e *Emulator) seedResources(s kit.Seat[config]) {
	c := s.Config
	if e.State.Apps[c.AppID] == nil {
		e.State.Apps[c.AppID] = &app{ID: c.AppID, Title: s.Pipeline.Name.Value, Created: e.Now().Add(-365 * kit.Day).UTC()}
	}
	made := e.State.Platforms[c.PlatformID]
	if made == nil {
		made = &platform{ID: c.PlatformID, App: c.AppID, Title: s.Name(), Type: "staticWebsite"}
		e.State.Platforms[c.PlatformID] = made
	}
	for _, id := range c.TargetIDs {
		if !slices.Contains(made.Targets, id) {
			made.Targets = append(made.Targets, id)
		}
	}
}

// seedDeployments deploys the build of a target's position, and before that the one of
// the next position. origin is the platform that builds are made on.
func (e *Emulator) seedDeployments(s kit.Seat[config], origin string) {
	for _, position := range []int{s.Position + 1, s.Position} {
		b := e.seedBuild(s.Config.AppID, origin, position)
		at := b.Finished.Add(time.Hour)
		d := e.State.addDeployment(b.ID, s.Config.PlatformID, s.Config.TargetIDs, at)
		e.State.end(d, at.Add(8*time.Second))
	}
}

// seedBuild is the app's build for a position, the older the later. It is made
// once.
func (e *Emulator) seedBuild(app, origin string, position int) *build {
	made := newest(e.State.Builds, func(b *build) bool { return b.Position == position && e.State.Platforms[b.Platform].App == app })
	if made != nil {
		return made
	}
	return e.State.addBuild(origin, position, e.Now().Add(-time.Duration(position+1)*kit.Day).UTC().Truncate(time.Millisecond))
}
