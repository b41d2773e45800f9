package deploymentmanager

import (
	"strings"

	"sluice/internal/sandbox"
)

// Example implements sandbox.Exampler: each name of the form PROJECT/DEPLOYMENT is a
// stage's, and PROJECT alone has a deployment for each of two stages.
func (e *Emulator) Example(names []string) []sandbox.Example {
	var places []sandbox.Example
	add := func(stage, project, deployment string) {
		places = append(places, sandbox.Example{Stage: stage, Target: stage, Config: map[string]string{"project": project, "deployment": deployment}})
	}
	stages := []string{"staging", "production", "third", "fourth", "fifth"}
	for i, name := range names[:min(len(names), len(stages))] {
		project, deployment, one := strings.Cut(name, "/")
		if one {
			add(stages[i], project, deployment)
			continue
		}
		add("staging", project, "network-staging")
		add("production", project, "network")
	}
	return places
}
