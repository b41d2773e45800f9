package sandbox

import (
	"fmt"
	"iter"
	"maps"
	"slices"

	"sluice/pipeline"
)

// usedEmulators are those that the pipelines use, all without pipelines. A
// platform without an emulator is refused: its requests would leave the
// sandbox.
func usedEmulators(all []Emulator, pipelines []*pipeline.Pipeline) ([]Emulator, error) {
	if len(pipelines) == 0 {
		return all, nil
	}
	missing := maps.Collect(platformTargets(pipelines)) // platform to a target that wants it
	var used []Emulator
	for _, e := range all {
		if _, ok := missing[e.Platform()]; ok {
			used = append(used, e)
			delete(missing, e.Platform())
		}
	}
	for _, platform := range sortedKeys(missing) {
		return nil, fmt.Errorf("sandbox: target %s is on %s, which the sandbox cannot serve yet; leave the target out to rehearse the others", missing[platform], platform)
	}
	return used, nil
}

// platformTargets yields every target as its platform's key and its name.
func platformTargets(pipelines []*pipeline.Pipeline) iter.Seq2[string, string] {
	return func(yield func(platform, target string) bool) {
		for _, p := range pipelines {
			for _, stage := range p.Stages {
				for _, t := range stage.Targets {
					if !yield(t.Platform.Platform, t.Name.Value) {
						return
					}
				}
			}
		}
	}
}

// targetsOf maps the names that a fault may give to their emulators: the
// pipelines' targets, without pipelines the platforms.
func targetsOf(used []Emulator, pipelines []*pipeline.Pipeline) map[string]Emulator {
	byPlatform := map[string]Emulator{}
	for _, e := range used {
		byPlatform[e.Platform()] = e
	}
	if len(pipelines) == 0 {
		return byPlatform
	}
	named := map[string]Emulator{}
	for platform, target := range platformTargets(pipelines) {
		named[target] = byPlatform[platform]
	}
	return named
}

func seed(e Emulator, pipelines []*pipeline.Pipeline) error {
	for _, p := range pipelines {
		if err := e.Seed(p); err != nil {
			return fmt.Errorf("sandbox: seeding %s from %s: %w", e.Platform(), p.File, err)
		}
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
