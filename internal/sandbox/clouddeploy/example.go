package clouddeploy

import (
	"strings"

	"sluice/internal/sandbox"
)

// Example implements sandbox.Exampler: PROJECT/LOCATION/PIPELINE has two targets.
func (e *Emulator) Example(names []string) []sandbox.Example {
	if len(names) != 1 {
		return nil
	}
	parts := strings.Split(names[0], "/")
	if len(parts) != 3 {
		return nil
	}
	at := func(target string) config { return config{parts[0], parts[1], parts[2], target} }
	return sandbox.TwoPlaces(at("staging"), at("production"))
}
