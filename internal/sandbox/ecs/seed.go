package ecs

import (
	"cmp"
	"fmt"

	"sluice/internal/sandbox/kit"
	"sluice/pipeline"
)

// config are a target's keys in the pipeline file.
type config struct {
	Cluster string `json:"cluster"`
	Service string `json:"service"`
	Region  string `json:"region"`
}

// Seed implements sandbox.Emulator: the pipeline's first stage runs the newest task
// definition of the component's family, and each later one an older.
func (e *Emulator) Seed(p *pipeline.Pipeline) error {
	return kit.Seed(p, e.Platform(), nil, e.seedTarget)
}

// seedTarget learns a target and makes its service where that is missing.
func (e *Emulator) seedTarget(s kit.Seat[config]) {
	c, family, version := s.Config, cmp.Or(s.Target.Component.Value, "app"), len(s.Pipeline.Stages)-s.Position
	e.home.Learn(c.Region)
	region := cmp.Or(c.Region, e.home.Region())
	key := keyOf(region, c.Cluster, c.Service)
	e.Targets.Learn(key, s.Name())
	if e.State.Services[key] != nil {
		return
	}
	for n := len(e.State.Definitions[region+"/"+family]) + 1; n <= version; n++ {
		e.registered(region, family, fmt.Sprintf("registry.example.com/%s:%d.0", family, n))
	}
	made := &service{Key: key, Controller: "ECS", CreatedAt: e.Now(), Config: configuration{Strategy: "ROLLING", Breaker: &breaker{Enable: true, Rollback: true}}}
	made.Asked = e.State.Definitions[region+"/"+family][version-1].ARN
	made.Runs = e.revise(made, made.Asked).ARN
	e.State.Services[key] = made
}

// Controller gives a target's service another deployment controller.
func (e *Emulator) Controller(target, controller string) error {
	s, err := e.of(target)
	if err == nil {
		s.Controller = controller
	}
	return err
}

// Intrude implements sandbox.Intruder: by hand, somebody registers something else
// and deploys it.
func (e *Emulator) Intrude(target string) error {
	s, err := e.of(target)
	if err != nil {
		return err
	}
	region, _, _ := s.parts()
	d := e.deploy(s, e.registered(region, "by-hand", "registry.example.com/by-hand").ARN, "")
	d.Status, d.FinishedAt, d.StartedAt, d.Weight = successful, e.Now(), e.Now(), 100
	s.Runs = d.Target
	return nil
}

// of is the service of a target that was seeded.
func (e *Emulator) of(target string) (*service, error) {
	return kit.Named(e.Targets, target, e.State.Services)
}
