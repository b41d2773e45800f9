package clouddeploy

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"sluice/internal/sandbox/clouddeploy/wire"
	"sluice/internal/sandbox/kit"
	"sluice/pipeline"
)

// config are a target's keys in the pipeline file.
type config struct {
	Project          string `json:"project"`
	Location         string `json:"location"`
	DeliveryPipeline string `json:"deliveryPipeline"`
	Target           string `json:"target"`
}

func (c config) location() string { return "projects/" + c.Project + "/locations/" + c.Location }
func (c config) pipeline() string { return c.location() + "/deliveryPipelines/" + c.DeliveryPipeline }

// Seed implements sandbox.Emulator: of each delivery pipeline, the pipeline's
// first stage runs the newest release but one and each later stage an older;
// the newest release runs nowhere yet.
func (e *Emulator) Seed(p *pipeline.Pipeline) error {
	seats, err := kit.Seats(p, e.Platform(), config.pipeline)
	if err != nil {
		return err
	}
	m, last := e.present(), map[string]int{} // positions, by delivery pipeline
	for _, s := range seats {
		e.Targets.Learn(place{s.Config.Project, s.Config.Location, s.Config.DeliveryPipeline, s.Config.Target}, s.Name())
		seedTarget(m, seedPipeline(m, s), s)
		last[s.Config.pipeline()] = s.Position
	}
	for _, s := range seats {
		made, oldest := m.Pipelines[s.Config.pipeline()], last[s.Config.pipeline()]
		for i := range oldest + 2 {
			seedRelease(m, made, i+1, m.now.Add(-time.Duration(oldest+2-i)*kit.Day))
		}
		seedRollout(m, made, s.Config.Target, oldest+1-s.Position)
	}
	return nil
}

type seat = kit.Seat[config]

// seedPipeline makes a target's delivery pipeline where that is missing.
func seedPipeline(m moment, s seat) *wire.DeliveryPipeline {
	name := s.Config.pipeline()
	if m.Pipelines[name] == nil {
		m.Pipelines[name] = &wire.DeliveryPipeline{Resource: wire.Resource{Description: s.Pipeline.Name.Value}, SerialPipeline: &wire.SerialPipeline{}}
		m.fillPipeline(m.Pipelines[name], name)
	}
	return m.Pipelines[name]
}

// seedTarget makes a target and its stage. Approval, canary and the targets of a
// multi-target are Cloud Deploy's own here, and the pipeline file cannot declare them:
// a target has them by its id ("approval", "canary", "multi"), approval also by its
// stage's.
func seedTarget(m moment, p *wire.DeliveryPipeline, s seat) {
	name := s.Config.location() + "/targets/" + s.Config.Target
	if m.Targets[name] == nil {
		byStage := s.Target.Stage.Approval != nil && s.Target.Stage.Approval.Required
		t := &wire.Target{
			Run:             &wire.CloudRunLocation{Location: s.Config.location()},
			RequireApproval: byStage || strings.Contains(s.Config.Target, "approval"),
		}
		if strings.Contains(s.Config.Target, "multi") {
			t.Run, t.MultiTarget = nil, &wire.MultiTarget{TargetIDs: seedChildren(m, s.Config)}
		}
		m.fillTarget(t, name)
		m.Targets[name] = t
	}
	if slices.ContainsFunc(stagesOf(p), func(have *wire.Stage) bool { return have.TargetID == s.Config.Target }) {
		return
	}
	p.SerialPipeline.Stages = append(p.SerialPipeline.Stages, &wire.Stage{TargetID: s.Config.Target, Strategy: strategyOf(s.Config.Target)})
	seal(p, &p.Etag)
}

// seedChildren makes the two targets that a multi-target stands for.
func seedChildren(m moment, c config) []string {
	const longest = 63 - len("-east")
	var ids []string
	for _, side := range []string{"-east", "-west"} {
		child := c.Target[:min(len(c.Target), longest)] + side
		name := c.location() + "/targets/" + child
		if m.Targets[name] == nil {
			t := &wire.Target{Run: &wire.CloudRunLocation{Location: c.location()}}
			m.fillTarget(t, name)
			m.Targets[name] = t
		}
		ids = append(ids, child)
	}
	return ids
}

// strategyOf is a canary of 25 and 50 % for a target whose id says so, else a
// plain deployment; verified in either case.
func strategyOf(target string) *wire.Strategy {
	if !strings.Contains(target, "canary") {
		return &wire.Strategy{Standard: &wire.Around{Verify: true}}
	}
	return &wire.Strategy{Canary: &wire.Canary{CanaryDeployment: &wire.CanaryDeployment{Percentages: []int64{25, 50}, Around: wire.Around{Verify: true}}}}
}

func releaseName(p *wire.DeliveryPipeline, n int) string {
	return fmt.Sprintf("%s/releases/release-%03d", p.Name, n)
}

func seedRelease(m moment, p *wire.DeliveryPipeline, n int, made time.Time) {
	name := releaseName(p, n)
	if m.Releases[name] != nil {
		return
	}
	r := &wire.Release{Resource: wire.Resource{Description: "seeded"}}
	m.fillRelease(r, name, p)
	r.CreateTime, r.RenderStartTime, r.RenderEndTime = stamp(made), stamp(made), stamp(made)
	seal(r, &r.Etag)
	m.Releases[name] = r
}

// seedRollout has release n run on a target where nothing does.
func seedRollout(m moment, p *wire.DeliveryPipeline, target string, n int) {
	if len(m.onTarget(p.Name, target)) > 0 {
		return
	}
	release := m.Releases[releaseName(p, n)]
	deployed(m, release, target, fmt.Sprintf("%s-to-%s-0001", kit.Last(release.Name), target), clock(release.CreateTime).Add(time.Hour))
}

// deployed puts a finished rollout on a target, and on each that a multi-target
// stands for.
func deployed(m moment, release *wire.Release, target, rollout string, at time.Time) {
	strategy := stageOf(release, m.Pipelines[parent(release.Name)], target).Strategy
	children := m.childrenOf(locationOf(release.Name), target)
	controller := finished(m, release, target, rollout, strategy, children, at)
	for _, child := range children {
		if r := finished(m, release, child, rollout+"-"+child, strategy, nil, at); r != nil && controller != nil {
			r.ControllerRollout = controller.Name
		}
	}
}

// finished puts one finished rollout on a target; nil where its strategy has no phases.
func finished(m moment, release *wire.Release, target, rollout string, strategy *wire.Strategy, children []string, at time.Time) *wire.Rollout {
	phases, err := buildPhases(strategy, children, false, "")
	if err != nil {
		return nil
	}
	name := release.Name + "/rollouts/" + rollout
	r := &wire.Rollout{
		Resource: made(name, at), TargetID: target, State: "SUCCEEDED", ApprovalState: "DOES_NOT_NEED_APPROVAL", Phases: phases,
		EnqueueTime: stamp(at), DeployStartTime: stamp(at), DeployEndTime: stamp(at),
	}
	for _, p := range phases {
		p.State = "SUCCEEDED"
		for _, j := range jobsOf(p) {
			j.State = "SUCCEEDED"
		}
	}
	touch(r)
	m.Rollouts[name] = r
	return r
}

// Intrude implements sandbox.Intruder: by hand, somebody rolls another release
// out to the target.
func (e *Emulator) Intrude(target string) error {
	at, err := e.Targets.Of(target)
	if err != nil {
		return err
	}
	p := e.State.Pipelines[config{at.project, at.location, at.pipeline, at.target}.pipeline()]
	m, n := e.present(), e.State.Next()
	release := &wire.Release{Resource: wire.Resource{Description: "by hand, past the pipeline"}}
	m.fillRelease(release, fmt.Sprintf("%s/releases/by-hand-%d", p.Name, n), p)
	m.Releases[release.Name] = release
	deployed(m, release, at.target, fmt.Sprintf("by-hand-%d-to-%s-0001", n, at.target), m.now)
	return nil
}
