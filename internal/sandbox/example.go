package sandbox

import (
	"encoding/json"
)

// Exampler is an emulator that has an example of what may exist under names, for who
// begins without a pipeline file.
type Exampler interface {
	// Example lists places that exist under the names, in the order of their stages;
	// none where the names mean nothing to the platform.
	Example(names []string) []Example
}

// Example is a place of an example.
type Example struct {
	Stage  string
	Target string
	Config any // the platform's keys
}

// OnePlace is the place of a stage, named as the stage.
func OnePlace(stage string, config any) Example {
	return Example{Stage: stage, Target: stage, Config: config}
}

// TwoPlaces are a place in staging and one in production.
func TwoPlaces(staging, production any) []Example {
	return []Example{OnePlace("staging", staging), OnePlace("production", production)}
}

// PlacePerName are the places under names that stand for one each, or for two. one is
// what a name stands for by itself: the first name's is a stage named staging, the
// second's production, and so on, five at most. Of a name that one does not know (nil),
// two are what it has in staging and in production; nil for nothing.
func PlacePerName(names []string, one func(name string) any, two func(name string) []any) []Example {
	stages := []string{"staging", "production", "third", "fourth", "fifth"}
	var places []Example
	for i, name := range names[:min(len(names), len(stages))] {
		if config := one(name); config != nil {
			places = append(places, OnePlace(stages[i], config))
			continue
		}
		for n, config := range two(name) {
			places = append(places, OnePlace(stages[n], config))
		}
	}
	return places
}

// ExampleFile is the pipeline file of an example: seeding it makes the places.
func ExampleFile(name, platform string, places []Example) ([]byte, error) {
	type stage struct {
		Name    string           `json:"name"`
		Targets []map[string]any `json:"targets"`
	}
	file := struct {
		Name   string  `json:"name"`
		Stages []stage `json:"stages"`
	}{Name: name}
	for _, p := range places {
		target := map[string]any{"name": p.Target, platform: p.Config}
		if n := len(file.Stages); n > 0 && file.Stages[n-1].Name == p.Stage {
			file.Stages[n-1].Targets = append(file.Stages[n-1].Targets, target)
			continue
		}
		file.Stages = append(file.Stages, stage{p.Stage, []map[string]any{target}})
	}
	return json.Marshal(file)
}
