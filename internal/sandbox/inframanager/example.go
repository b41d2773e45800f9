package inframanager

import (
	"strings"

	"sluice/internal/sandbox"
)

// Example implements sandbox.Exampler: each name of the form PROJECT/LOCATION/DEPLOYMENT is
// a stage's, and PROJECT/LOCATION alone has a deployment for each of two stages.
func (e *Emulator) Example(names []string) []sandbox.Example {
	config := func(project, location, deployment string) any {
		return map[string]string{"project": project, "location": location, "deployment": deployment}
	}
	return sandbox.PlacePerName(names, func(name string) any {
		if parts := strings.Split(name, "/"); len(parts) == 3 {
			return config(parts[0], parts[1], parts[2])
		}
		return nil
	}, func(name string) []any {
		if parts := strings.Split(name, "/"); len(parts) == 2 {
			return []any{config(parts[0], parts[1], "network-staging"), config(parts[0], parts[1], "network")}
		}
		return nil
	})
}
