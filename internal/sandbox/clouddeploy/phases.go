package clouddeploy

import (
	"fmt"
	"slices"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/clouddeploy/wire"
	"sluice/internal/sandbox/googleapi"
	"sluice/internal/sandbox/kit"
)

// apply plans what a fault says.
func (p *plan) apply(fault sandbox.FaultKind) {
	switch fault {
	case FaultFail:
		p.FailJob = "deploy"
	case FaultFailVerify:
		p.FailJob = "verify"
	case FaultHang:
		p.Hang = true
	}
}

// phase is what a strategy says of one phase.
type phase struct {
	id     string
	canary bool
	wire.Around
}

// phasesOf are the phases of a strategy; stable alone without one.
func phasesOf(s *wire.Strategy) []phase {
	switch {
	case s == nil:
		return []phase{{id: "stable"}}
	case s.Canary != nil && s.Canary.CustomCanaryDeployment != nil:
		return customPhases(s.Canary.CustomCanaryDeployment)
	case s.Canary != nil && s.Canary.CanaryDeployment != nil:
		return canaryPhases(s.Canary.CanaryDeployment)
	case s.Standard != nil:
		return []phase{{id: "stable", Around: *s.Standard}}
	default:
		return []phase{{id: "stable"}}
	}
}

// canaryPhases are those of percentages.
//
// docs/platforms.md: "Simple canary: predeploy in the first phase only,
// postdeploy in the last only."
func canaryPhases(d *wire.CanaryDeployment) []phase {
	var phases []phase
	for _, percent := range d.Percentages {
		around := wire.Around{Verify: d.Verify, VerifyConfig: d.VerifyConfig, Analysis: d.Analysis}
		phases = append(phases, phase{fmt.Sprintf("canary-%d", percent), true, around})
	}
	phases = append(phases, phase{id: "stable", Around: wire.Around{Verify: d.Verify, VerifyConfig: d.VerifyConfig}})
	phases[0].Predeploy = d.Predeploy
	phases[len(phases)-1].Postdeploy = d.Postdeploy
	return phases
}

func customPhases(d *wire.CustomCanaryDeployment) []phase {
	var phases []phase
	for _, config := range d.PhaseConfigs {
		phases = append(phases, phase{config.PhaseID, config.PhaseID != "stable", config.Around})
	}
	return phases
}

// buildPhases makes a rollout's phases. first says that nothing runs on the
// target; start is the phase to begin with.
//
// docs/platforms.md: "canary phases are SKIPPED with a skipMessage and `stable`
// stays PENDING until advanced"
func buildPhases(s *wire.Strategy, children []string, first bool, start string) ([]*wire.Phase, error) {
	planned := phasesOf(s)
	from := 0
	if start != "" {
		if from = slices.IndexFunc(planned, func(p phase) bool { return p.id == start }); from < 0 {
			return nil, googleapi.Invalid("Invalid starting phase %q", start)
		}
	}
	var phases []*wire.Phase
	for i, p := range planned {
		made := &wire.Phase{ID: p.id, State: "PENDING"}
		if len(children) > 0 {
			made.ChildRolloutJobs = p.childJobs(children, i == from)
		} else {
			made.DeploymentJobs = p.jobs()
		}
		switch {
		case i < from:
			skip(made, "Phase skipped because the rollout was created to start at phase "+start)
		case first && p.canary && start == "":
			skip(made, firstSkip)
		}
		phases = append(phases, made)
	}
	return phases, nil
}

// firstSkip is why a target's first rollout skips its canary.
const firstSkip = "Phase skipped because nothing was deployed to the target yet: the first rollout goes to the stable phase"

func skip(p *wire.Phase, why string) {
	p.State, p.SkipMessage = "SKIPPED", why
	for _, j := range jobsOf(p) {
		j.State = "SKIPPED"
	}
}

// jobs are a phase's jobs.
func (p phase) jobs() *wire.DeploymentJobs {
	jobs := &wire.DeploymentJobs{DeployJob: &wire.Job{ID: "deploy", State: "PENDING", DeployJob: &struct{}{}}}
	if p.Predeploy != nil {
		jobs.PredeployJob = &wire.Job{ID: "predeploy", State: "PENDING", PredeployJob: &wire.Hook{Actions: p.Predeploy.Actions}}
	}
	if p.Verify || p.VerifyConfig != nil {
		jobs.VerifyJob = &wire.Job{ID: "verify", State: "PENDING", VerifyJob: &wire.Verify{}}
	}
	if p.Analysis != nil {
		jobs.AnalysisJob = &wire.Job{ID: "analysis", State: "PENDING", AnalysisJob: &wire.Analysis{Duration: p.Analysis.Duration}}
	}
	if p.Postdeploy != nil {
		jobs.PostdeployJob = &wire.Job{ID: "postdeploy", State: "PENDING", PostdeployJob: &wire.Hook{Actions: p.Postdeploy.Actions}}
	}
	return jobs
}

// childJobs are a controller's jobs: they make the children's rollouts in the
// first phase and advance them in later ones.
//
// docs/platforms.md: "Controller phases carry createRolloutJobs and
// advanceRolloutJobs."
func (p phase) childJobs(children []string, first bool) *wire.ChildRolloutJobs {
	jobs := &wire.ChildRolloutJobs{}
	for _, child := range children {
		j := &wire.Job{ID: child, State: "PENDING"}
		if first {
			j.CreateChildRolloutJob = &struct{}{}
			jobs.CreateRolloutJobs = append(jobs.CreateRolloutJobs, j)
		} else {
			j.AdvanceChildRolloutJob = &struct{}{}
			jobs.AdvanceRolloutJobs = append(jobs.AdvanceRolloutJobs, j)
		}
	}
	return jobs
}

// jobsOf lists a phase's jobs in the order in which they run.
//
// docs/platforms.md: "Job order: predeploy, deploy, verify, analysis, postdeploy."
func jobsOf(p *wire.Phase) []*wire.Job {
	var jobs []*wire.Job
	if p == nil {
		return nil
	}
	if d := p.DeploymentJobs; d != nil {
		jobs = slices.DeleteFunc(
			[]*wire.Job{d.PredeployJob, d.DeployJob, d.VerifyJob, d.AnalysisJob, d.PostdeployJob},
			func(j *wire.Job) bool { return j == nil },
		)
	}
	if c := p.ChildRolloutJobs; c != nil {
		jobs = append(append(jobs, c.CreateRolloutJobs...), c.AdvanceRolloutJobs...)
	}
	return jobs
}

// phaseOf is the phase of an id, nil for none.
func phaseOf(r *wire.Rollout, id string) *wire.Phase {
	return kit.Find(r.Phases, func(p *wire.Phase) bool { return p.ID == id })
}

// jobOver reports whether a job lets its phase go on.
func jobOver(j *wire.Job) bool {
	return slices.Contains([]string{"SUCCEEDED", "IGNORED", "SKIPPED", "DISABLED"}, j.State)
}
