package deploymentmanager

import (
	"strings"

	"sluice/internal/sandbox"
)

// Example implements sandbox.Exampler: each name of the form PROJECT/DEPLOYMENT is a
// stage's, and PROJECT alone has a deployment for each of two stages.
func (e *Emulator) Example(names []string) []sandbox.Example {
	config := func(project, deployment string) any {
		return map[string]string{"project": project, "deployment": deployment}
	}
	return sandbox.PlacePerName(names, func(name string) any {
		if project, deployment, ok := strings.Cut(name, "/"); ok {
			return config(project, deployment)
		}
		return nil
	}, func(project string) []any {
		return []any{config(project, "network-staging"), config(project, "network")}
	})
}
