package inframanager

import (
	"cmp"
	"fmt"
	"slices"

	"sluice/internal/sandbox/kit"
	"sluice/pipeline"
)

// config are a target's keys in the pipeline file.
type config struct {
	Project    string `json:"project"`
	Location   string `json:"location"`
	Deployment string `json:"deployment"`
}

func (c config) location() string { return "projects/" + c.Project + "/locations/" + c.Location }

// Seed implements sandbox.Emulator: the pipeline's first stage runs the newest
// blueprint and each later one an older.
func (e *Emulator) Seed(p *pipeline.Pipeline) error {
	return kit.Seed(p, e.Platform(), nil, func(s kit.Seat[config]) {
		e.seedTarget(s.Name(), s.Target.Component.Value, s.Config, len(p.Stages)-s.Position)
	})
}

// seedTarget learns a target and makes its deployment where that is missing.
func (e *Emulator) seedTarget(target, component string, c config, version int) {
	name := c.location() + "/deployments/" + c.Deployment
	e.Targets.Learn(name, target)
	if !slices.Contains(e.State.Locations, c.location()) {
		e.State.Locations = append(e.State.Locations, c.location())
	}
	if e.State.Deployments[name] != nil {
		return
	}
	e.made(name, c.Project, blueprint{
		// docs/platforms.md: "Format: gs://{bucket}/{object}#{version}"
		GCS:    fmt.Sprintf("gs://blueprints/%s.zip#%d", cmp.Or(component, "app"), 1_700_000_000_000_000+version),
		Inputs: map[string]variable{"environment": {c.Deployment}, "size": {float64(version)}},
	}, applied)
}

// made puts a deployment there whose only revision ended as told.
func (e *Emulator) made(name, project string, b blueprint, ended string) {
	d := &deployment{API: deploymentAPI{
		Name: name, CreateTime: e.stamp(), UpdateTime: e.stamp(), State: active, LockState: unlocked,
		ServiceAccount: "projects/" + project + "/serviceAccounts/terraform@" + project + ".iam.gserviceaccount.com", Blueprint: b,
	}}
	e.State.Deployments[name] = d
	r := e.revise(d, b)
	if r.State = ended; ended == applied {
		d.API.LatestRevision = r.Name
		return
	}
	r.StateDetail = "Terraform apply failed"
	d.fail("REVISION_FAILED", "revision r-0 failed")
}

// NeverApplied puts a deployment there that was made and never applied: its first
// revision failed.
func (e *Emulator) NeverApplied(project, location, id string) {
	c := config{project, location, id}
	e.made(c.location()+"/deployments/"+id, project, blueprint{GCS: "gs://blueprints/broken.zip#1"}, failed)
}

// Lock takes the state of a target's deployment for somebody.
func (e *Emulator) Lock(target, who string) error {
	d, err := e.of(target)
	if err != nil {
		return err
	}
	e.hold(d, who)
	return nil
}

// Intrude implements sandbox.Intruder: by hand, somebody applies something else.
func (e *Emulator) Intrude(target string) error {
	d, err := e.of(target)
	if err != nil {
		return err
	}
	b := d.API.Blueprint
	b.Git, b.GCS = nil, fmt.Sprintf("gs://blueprints/by-hand.zip#%d", e.State.Next())
	r := e.revise(d, b)
	r.State, d.API.State, d.API.LatestRevision, d.API.Blueprint = applied, active, r.Name, b
	d.API.UpdateTime = e.stamp()
	return nil
}

// of is the deployment of a target that was seeded.
func (e *Emulator) of(target string) (*deployment, error) {
	return kit.Named(e.Targets, target, e.State.Deployments)
}
