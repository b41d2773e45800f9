package deploymentmanager

import (
	"fmt"
	"slices"

	"sluice/internal/sandbox/deploymentmanager/wire"
	"sluice/internal/sandbox/kit"
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
	return kit.Seed(p, e.Platform(), nil, func(s kit.Seat[config]) { e.seedTarget(s, len(p.Stages)-s.Position) })
}

// seedTarget learns a target and makes its deployment where that is missing, with the
// operation that made it, which is over.
func (e *Emulator) seedTarget(s kit.Seat[config], version int) {
	name := "projects/" + s.Config.Project + "/global/deployments/" + s.Config.Deployment
	e.Targets.Learn(name, s.Name())
	if !slices.Contains(e.State.Projects, s.Config.Project) {
		e.State.Projects = append(e.State.Projects, s.Config.Project)
	}
	if e.State.Deployments[name] != nil {
		return
	}
	d := e.newDeployment(name)
	d.API.Description = "seeded"
	e.deployed(d, configuration(s.Target.Component.Value, version))
	op := e.operationOn(d, "insert", nil).API
	op.Status, op.Progress, op.StartTime, op.EndTime = "DONE", 100, op.InsertTime, op.InsertTime
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
func (e *Emulator) deployed(d *deployment, t target) {
	d.API.Manifest = e.addManifest(d, t).SelfLink
	d.API.Update = nil
	e.touch(d)
}

// Intrude implements sandbox.Intruder: by hand, somebody deploys something else.
func (e *Emulator) Intrude(target string) error {
	d, err := kit.Named(e.Targets, target, e.State.Deployments)
	if err != nil {
		return err
	}
	changed := configuration("", 0)
	changed.Config.Content += fmt.Sprintf("# by hand, past the pipeline: %d\n", e.State.Next())
	e.deployed(d, changed)
	return nil
}
