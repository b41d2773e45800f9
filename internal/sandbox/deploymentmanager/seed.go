package deploymentmanager

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"sluice/internal/sandbox/deploymentmanager/wire"
	"sluice/pipeline"
)

// config are a target's keys in the pipeline file.
type config struct {
	Project    string `json:"project"`
	Deployment string `json:"deployment"`
}

// Seed implements sandbox.Emulator: the pipeline's first stage runs the newest
// configuration and each later one an older.
func (e *Emulator) Seed(p *pipeline.Pipeline) error {
	position := 0
	for _, stage := range p.Stages {
		used := false
		for _, t := range stage.Targets {
			if t.Platform.Platform != e.Platform() {
				continue
			}
			var c config
			if err := json.Unmarshal(t.Config, &c); err != nil {
				return fmt.Errorf("target %s: %w", t.Name.Value, err)
			}
			e.seedTarget(t.Name.Value, t.Component.Value, c, len(p.Stages)-position)
			used = true
		}
		if used {
			position++
		}
	}
	return nil
}

// seedTarget learns a target and makes its deployment where that is missing.
func (e *Emulator) seedTarget(name, component string, c config, version int) {
	key := c.Project + "/" + c.Deployment
	if !slices.Contains(e.targets[key], name) {
		e.targets[key] = append(e.targets[key], name)
	}
	if !slices.Contains(e.state.Projects, c.Project) {
		e.state.Projects = append(e.state.Projects, c.Project)
	}
	if e.state.Deployments[key] != nil {
		return
	}
	in := &call{Request: &http.Request{URL: &url.URL{}}, project: c.Project, name: c.Deployment} // nobody asked for it
	d := e.newDeployment(in, wire.Deployment{Name: c.Deployment})
	d.API.Description = "seeded"
	e.deployed(key, d, configuration(component, version))
	e.inserted(in, d)
}

// inserted notes the operation that made a deployment, which is over.
func (e *Emulator) inserted(c *call, d *deployment) {
	op := e.begin(c, d, "insert", nil)
	op.Status, op.Progress, op.StartTime, op.EndTime = "DONE", 100, op.InsertTime, op.InsertTime
	d.Working = ""
}

// configuration is a version of what a component deploys: the same wherever it
// is deployed.
func configuration(component string, version int) target {
	if component == "" {
		component = "app"
	}
	return target{
		Config: &wire.ConfigFile{Content: fmt.Sprintf("imports:\n- path: %[1]s.jinja\nresources:\n- name: %[1]s\n  type: %[1]s.jinja\n  properties:\n    deployment: {{ env[\"deployment\"] }}\n    version: %[2]d\n", component, version)},
		Imports: []*wire.ImportFile{{
			Name:    component + ".jinja",
			Content: fmt.Sprintf("resources:\n- name: {{ env[\"deployment\"] }}-vm\n  type: compute.v1.instance\n  properties: {version: %d}\n", version),
		}},
	}
}

// deployed puts a configuration on a deployment, as a finished operation.
func (e *Emulator) deployed(key string, d *deployment, t target) {
	d.API.Manifest = e.addManifest(key, d, t).SelfLink
	d.API.Update = nil
	e.touch(d)
}

// Intrude implements sandbox.Intruder: by hand, somebody deploys something else.
func (e *Emulator) Intrude(target string) error {
	for key, names := range e.targets {
		d := e.state.Deployments[key]
		if !slices.Contains(names, target) || d == nil {
			continue
		}
		changed := configuration("", 0)
		changed.Config.Content += fmt.Sprintf("# by hand, past the pipeline: %d\n", e.state.next())
		e.deployed(key, d, changed)
		return nil
	}
	return fmt.Errorf("no deployment is known for target %q; the known ones are %s", target, strings.Join(e.known(), ", "))
}

func (e *Emulator) known() []string {
	var all []string
	for _, names := range e.targets {
		all = append(all, names...)
	}
	slices.Sort(all)
	return all
}
