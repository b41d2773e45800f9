package pipeline_test

import (
	"strings"
	"testing"

	"sluice/pipeline"
	"sluice/stages/driver"
)

// A platform's command is a program and its arguments, of which some may be equal.
func TestCommand(t *testing.T) {
	facts := []driver.Facts{{Platform: "own", Kinds: []driver.Kind{driver.Deploy}, Keys: []driver.Key{
		{Name: "command", Type: driver.Command, Required: true}, {Name: "resource", Type: driver.String, Required: true, Identity: true},
	}}}
	file := func(command string) string {
		return "name: shop\nstages:\n  - name: production\n    targets:\n      - {name: web, own: {resource: shop, command: " + command + "}}\n"
	}
	p, problems := pipeline.Parse("test.yaml", []byte(file("[./deploy, -v, -v]")), facts)
	if p == nil {
		t.Fatal(pipeline.Format(problems))
	}
	if config := string(p.Stages[0].Targets[0].Config); config != `{"command":["./deploy","-v","-v"],"resource":"shop"}` {
		t.Error(config)
	}
	for command, want := range map[string]string{
		"[]": "command: the list is empty", "./deploy": "command: want a list", `["", x]`: "command: an element is empty", "": "command: want a list",
	} {
		p, problems := pipeline.Parse("test.yaml", []byte(file(command)), facts)
		if p != nil || !strings.Contains(pipeline.Format(problems), want) {
			t.Errorf("%s: %s, want %q", command, pipeline.Format(problems), want)
		}
	}
}
