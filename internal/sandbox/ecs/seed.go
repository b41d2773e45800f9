package ecs

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"sluice/internal/sandbox/awsapi"
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
			e.seedTarget(t.Name.Value, cmp.Or(t.Component.Value, "app"), c, len(p.Stages)-position)
			used = true
		}
		if used {
			position++
		}
	}
	return nil
}

// seedTarget learns a target and makes its service where that is missing.
func (e *Emulator) seedTarget(target, family string, c config, version int) {
	if len(e.targets) == 0 && c.Region != "" {
		e.region = c.Region
	}
	region := cmp.Or(c.Region, e.region, awsapi.DefaultRegion)
	key := keyOf(region, c.Cluster, c.Service)
	if !slices.Contains(e.targets[key], target) {
		e.targets[key] = append(e.targets[key], target)
	}
	if e.state.Services[key] != nil {
		return
	}
	for n := len(e.state.Definitions[region+"/"+family]) + 1; n <= version; n++ {
		e.registered(region, family, fmt.Sprintf("registry.example.com/%s:%d.0", family, n))
	}
	s := &service{Key: key, Controller: "ECS", CreatedAt: e.now(), Config: configuration{Strategy: "ROLLING", Breaker: &breaker{Enable: true, Rollback: true}}}
	s.Asked = e.state.Definitions[region+"/"+family][version-1].ARN
	s.Runs = e.revise(s, s.Asked).ARN
	e.state.Services[key] = s
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
	d.Status, d.FinishedAt, d.StartedAt, d.Weight = successful, e.now(), e.now(), 100
	s.Runs = d.Target
	return nil
}

// of is the service of a target that was seeded.
func (e *Emulator) of(target string) (*service, error) {
	var known []string
	for key, targets := range e.targets {
		if slices.Contains(targets, target) && e.state.Services[key] != nil {
			return e.state.Services[key], nil
		}
		known = append(known, targets...)
	}
	slices.Sort(known)
	return nil, fmt.Errorf("no service is known for target %q; the known ones are %s", target, strings.Join(known, ", "))
}
