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
	all, err := kit.Seats(p, e.Platform(), config.pipeline)
	if err != nil {
		return err
	}
	seats := map[string][]seat{}
	var names []string // as they come
	for _, s := range all {
		name := s.Config.pipeline()
		if seats[name] == nil {
			names = append(names, name)
		}
		seats[name] = append(seats[name], s)
	}
	for _, name := range names {
		e.seedPipeline(p, name, seats[name])
	}
	return nil
}

type seat = kit.Seat[config]

// seedPipeline makes one delivery pipeline with its targets, releases and what
// runs, where they are missing.
func (e *Emulator) seedPipeline(p *pipeline.Pipeline, name string, seats []seat) {
	made := e.State.Pipelines[name]
	if made == nil {
		made = &wire.DeliveryPipeline{Description: p.Name.Value, SerialPipeline: &wire.SerialPipeline{}}
		e.fillPipeline(made, name)
		e.State.Pipelines[name] = made
	}
	for _, s := range seats {
		at := place{s.Config.Project, s.Config.Location, s.Config.DeliveryPipeline, s.Config.Target}
		e.Targets.Learn(at, s.Name())
		e.seedTarget(made, s)
	}
	last := seats[len(seats)-1].Position
	for i := range last + 2 {
		e.seedRelease(made, i+1, e.Now().Add(-time.Duration(last+2-i)*kit.Day))
	}
	for _, s := range seats {
		e.seedRollout(made, s.Config.Target, last+1-s.Position)
	}
}

// seedTarget makes a target and its stage. Approval, canary and the targets of a
// multi-target are Cloud Deploy's own here, and the pipeline file cannot declare them:
// a target has them by its id ("approval", "canary", "multi"), approval also by its
// stage's.
func (e *Emulator) seedTarget(p *wire.DeliveryPipeline, s seat) {
	name := s.Config.location() + "/targets/" + s.Config.Target
	if e.State.Targets[name] == nil {
		byStage := s.Target.Stage.Approval != nil && s.Target.Stage.Approval.Required
		t := &wire.Target{
			Run:             &wire.CloudRunLocation{Location: s.Config.location()},
			RequireApproval: byStage || strings.Contains(s.Config.Target, "approval"),
		}
		if strings.Contains(s.Config.Target, "multi") {
			t.Run, t.MultiTarget = nil, &wire.MultiTarget{TargetIDs: e.seedChildren(s.Config)}
		}
		e.fillTarget(t, name)
		e.State.Targets[name] = t
	}
	if slices.ContainsFunc(stagesOf(p), func(have *wire.Stage) bool { return have.TargetID == s.Config.Target }) {
		return
	}
	p.SerialPipeline.Stages = append(p.SerialPipeline.Stages, &wire.Stage{TargetID: s.Config.Target, Strategy: strategyOf(s.Config.Target)})
	p.Etag = ""
	p.Etag = etagOf(p)
}

// seedChildren makes the two targets that a multi-target stands for.
func (e *Emulator) seedChildren(c config) []string {
	const longest = 63 - len("-east")
	var ids []string
	for _, side := range []string{"-east", "-west"} {
		child := c.Target[:min(len(c.Target), longest)] + side
		name := c.location() + "/targets/" + child
		if e.State.Targets[name] == nil {
			t := &wire.Target{Run: &wire.CloudRunLocation{Location: c.location()}}
			e.fillTarget(t, name)
			e.State.Targets[name] = t
		}
		ids = append(ids, child)
	}
	return ids
}

// strategyOf is a canary of 25 and 50 % for a target whose id says so, else a
// plain deployment; verified in either case.
func strategyOf(target string) *wire.Strategy {
	if !strings.Contains(target, "canary") {
		return &wire.Strategy{Standard: &wire.Standard{Verify: true}}
	}
	return &wire.Strategy{Canary: &wire.Canary{CanaryDeployment: &wire.CanaryDeployment{Percentages: []int64{25, 50}, Verify: true}}}
}

func releaseName(p *wire.DeliveryPipeline, n int) string {
	return fmt.Sprintf("%s/releases/release-%03d", p.Name, n)
}

func (e *Emulator) seedRelease(p *wire.DeliveryPipeline, n int, made time.Time) {
	name := releaseName(p, n)
	if e.State.Releases[name] != nil {
		return
	}
	r := &wire.Release{Description: "seeded"}
	e.fillRelease(r, name, p)
	r.CreateTime, r.RenderStartTime, r.RenderEndTime, r.Etag = stamp(made), stamp(made), stamp(made), ""
	r.Etag = etagOf(r)
	e.State.Releases[name] = r
}

// seedRollout has release n run on a target where nothing does.
func (e *Emulator) seedRollout(p *wire.DeliveryPipeline, target string, n int) {
	if len(e.State.onTarget(p.Name, target)) > 0 {
		return
	}
	release := e.State.Releases[releaseName(p, n)]
	e.deployed(release, target, fmt.Sprintf("%s-to-%s-0001", kit.Last(release.Name), target), clock(release.CreateTime).Add(time.Hour))
}

// deployed puts a finished rollout on a target, and on each that a multi-target
// stands for.
func (e *Emulator) deployed(release *wire.Release, target, rollout string, at time.Time) {
	strategy := stageOf(release, e.State.Pipelines[parent(release.Name)], target).Strategy
	children := e.childrenOf(locationOf(release.Name), target)
	controller := e.finished(release, target, rollout, strategy, children, at)
	for _, child := range children {
		if r := e.finished(release, child, rollout+"-"+child, strategy, nil, at); r != nil && controller != nil {
			r.ControllerRollout = controller.Name
		}
	}
}

// finished puts one finished rollout on a target; nil where its strategy has no phases.
func (e *Emulator) finished(release *wire.Release, target, rollout string, strategy *wire.Strategy, children []string, at time.Time) *wire.Rollout {
	phases, err := buildPhases(strategy, children, false, "")
	if err != nil {
		return nil
	}
	name := release.Name + "/rollouts/" + rollout
	r := &wire.Rollout{
		Name: name, UID: uid(name), TargetID: target, State: "SUCCEEDED", ApprovalState: "DOES_NOT_NEED_APPROVAL", Phases: phases,
		CreateTime: stamp(at), EnqueueTime: stamp(at), DeployStartTime: stamp(at), DeployEndTime: stamp(at),
	}
	for _, p := range phases {
		p.State = "SUCCEEDED"
		for _, j := range jobsOf(p) {
			j.State = "SUCCEEDED"
		}
	}
	touch(r)
	e.State.Rollouts[name] = r
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
	n := e.State.Next()
	release := &wire.Release{Description: "by hand, past the pipeline"}
	e.fillRelease(release, fmt.Sprintf("%s/releases/by-hand-%d", p.Name, n), p)
	e.State.Releases[release.Name] = release
	e.deployed(release, at.target, fmt.Sprintf("by-hand-%d-to-%s-0001", n, at.target), e.Now())
	return nil
}
