package lambda

import (
	"sluice/internal/sandbox"
	"sluice/internal/sandbox/awsapi"
)

// Example implements sandbox.Exampler: a function with an alias for each of two
// stages.
func (e *Emulator) Example(names []string) []sandbox.Example {
	if len(names) != 1 {
		return nil
	}
	region, function := awsapi.CutRegion(names[0])
	var places []sandbox.Example
	for _, stage := range [][2]string{{"staging", "staging"}, {"production", "live"}} {
		places = append(places, sandbox.OnePlace(stage[0], map[string]string{"function": function, "alias": stage[1], "region": region}))
	}
	return places
}
