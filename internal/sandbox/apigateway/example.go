package apigateway

import (
	"regexp"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/awsapi"
)

// Example implements sandbox.Exampler: a REST API of an id or a name, with two stages.
func (e *Emulator) Example(names []string) []sandbox.Example {
	if len(names) != 1 {
		return nil
	}
	region, name := awsapi.CutRegion(names[0])
	id := name
	if !regexp.MustCompile(`^[A-Za-z0-9]{1,64}$`).MatchString(id) {
		id = newID(10, "example", name)
	}
	var places []sandbox.Example
	for _, stage := range [][2]string{{"staging", "staging"}, {"production", "prod"}} {
		places = append(places, sandbox.OnePlace(stage[0], map[string]string{"restApi": id, "stage": stage[1], "region": region}))
	}
	return places
}
