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
	var places []sandbox.Example
	for _, stage := range []string{"staging", "production"} {
		places = append(places, sandbox.OnePlace(stage, map[string]string{
			"project": parts[0], "location": parts[1], "deliveryPipeline": parts[2], "target": stage,
		}))
	}
	return places
}
