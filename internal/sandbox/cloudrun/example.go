package cloudrun

import (
	"strings"

	"sluice/internal/sandbox"
)

// Example implements sandbox.Exampler: each name of the form PROJECT/LOCATION/SERVICE is
// a stage's, and PROJECT/LOCATION alone has a service for each of two stages.
func (e *Emulator) Example(names []string) []sandbox.Example {
	var places []sandbox.Example
	add := func(stage, project, location, service string) {
		places = append(places, sandbox.Example{Stage: stage, Target: stage, Config: map[string]string{
			"project": project, "location": location, "service": service,
		}})
	}
	stages := []string{"staging", "production", "third", "fourth", "fifth"}
	for i, name := range names[:min(len(names), len(stages))] {
		switch parts := strings.Split(name, "/"); len(parts) {
		case 2:
			add("staging", parts[0], parts[1], "web-staging")
			add("production", parts[0], parts[1], "web")
		case 3:
			add(stages[i], parts[0], parts[1], parts[2])
		}
	}
	return places
}
