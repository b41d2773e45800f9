package cloudrun

import (
	"strings"

	"sluice/internal/sandbox"
)

// Example implements sandbox.Exampler: each name of the form PROJECT/LOCATION/SERVICE is
// a stage's, and PROJECT/LOCATION alone has a service for each of two stages.
func (e *Emulator) Example(names []string) []sandbox.Example {
	config := func(project, location, service string) any {
		return map[string]string{"project": project, "location": location, "service": service}
	}
	return sandbox.PlacePerName(names, func(name string) any {
		if parts := strings.Split(name, "/"); len(parts) == 3 {
			return config(parts[0], parts[1], parts[2])
		}
		return nil
	}, func(name string) []any {
		if parts := strings.Split(name, "/"); len(parts) == 2 {
			return []any{config(parts[0], parts[1], "web-staging"), config(parts[0], parts[1], "web")}
		}
		return nil
	})
}
