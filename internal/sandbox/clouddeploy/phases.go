package clouddeploy

import (
	"fmt"
	"slices"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/clouddeploy/wire"
	"sluice/internal/sandbox/googleapi"
)

// planFault is a fault that decides how a rollout goes.
type planFault = sandbox.FaultKind

// apply plans what the fault says.
func (p *plan) apply(fault planFault) {
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
	id                               string
	canary, verify, analysis         bool
	predeploy, postdeploy            bool
	predeployActions, postdeployActs []string
	analysisOf                       *wire.Analysis
}

// phasesOf are the phases of a strategy; stable alone without one.
func phasesOf(s *wire.Strategy) []phase {
	if s == nil {
		return []phase{{id: "stable"}}
	}
	if s.Canary != nil && s.Canary.CustomCanaryDeployment != nil {
		return customPhases(s.Canary.CustomCanaryDeployment)
	}
	if s.Canary != nil && s.Canary.CanaryDeployment != nil {
		return canaryPhases(s.Canary.CanaryDeployment)
	}
	stable := phase{id: "stable"}
	if d := s.Standard; d != nil {
		stable.verify = d.Verify || d.VerifyConfig != nil
		stable.analysisOf, stable.analysis = d.Analysis, d.Analysis != nil
		stable.before(d.Predeploy)
		stable.after(d.Postdeploy)
	}
	return []phase{stable}
}

// canaryPhases are those of percentages.
//
// docs/platforms.md: "Simple canary: predeploy in the first phase only,
// postdeploy in the last only."
func canaryPhases(d *wire.CanaryDeployment) []phase {
	var phases []phase
	for _, percent := range d.Percentages {
		phases = append(phases, phase{id: fmt.Sprintf("canary-%d", percent), canary: true})
	}
	phases = append(phases, phase{id: "stable"})
	for i := range phases {
		phases[i].verify = d.Verify || d.VerifyConfig != nil
		phases[i].analysisOf, phases[i].analysis = d.Analysis, d.Analysis != nil && phases[i].canary
	}
	phases[0].before(d.Predeploy)
	phases[len(phases)-1].after(d.Postdeploy)
	return phases
}

func customPhases(d *wire.CustomCanaryDeployment) []phase {
	var phases []phase
	for _, config := range d.PhaseConfigs {
		p := phase{id: config.PhaseID, canary: config.PhaseID != "stable", verify: config.Verify || config.VerifyConfig != nil}
		p.analysisOf, p.analysis = config.Analysis, config.Analysis != nil
		p.before(config.Predeploy)
		p.after(config.Postdeploy)
		phases = append(phases, p)
	}
	return phases
}

func (p *phase) before(d *wire.Predeploy) {
	if d != nil {
		p.predeploy, p.predeployActions = true, d.Actions
	}
}

func (p *phase) after(d *wire.Postdeploy) {
	if d != nil {
		p.postdeploy, p.postdeployActs = true, d.Actions
	}
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
	jobs := &wire.DeploymentJobs{DeployJob: &wire.Job{ID: "deploy", State: "PENDING", DeployJob: &wire.DeployJob{}}}
	if p.predeploy {
		jobs.PredeployJob = &wire.Job{ID: "predeploy", State: "PENDING", PredeployJob: &wire.PredeployJob{Actions: p.predeployActions}}
	}
	if p.verify {
		jobs.VerifyJob = &wire.Job{ID: "verify", State: "PENDING", VerifyJob: &wire.VerifyJob{}}
	}
	if p.analysis {
		jobs.AnalysisJob = &wire.Job{ID: "analysis", State: "PENDING", AnalysisJob: &wire.AnalysisJob{Duration: p.analysisOf.Duration}}
	}
	if p.postdeploy {
		jobs.PostdeployJob = &wire.Job{ID: "postdeploy", State: "PENDING", PostdeployJob: &wire.PostdeployJob{Actions: p.postdeployActs}}
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
			j.CreateChildRolloutJob = &wire.CreateChildRolloutJob{}
			jobs.CreateRolloutJobs = append(jobs.CreateRolloutJobs, j)
		} else {
			j.AdvanceChildRolloutJob = &wire.AdvanceChildRolloutJob{}
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

// jobOver reports whether a job lets its phase go on.
func jobOver(j *wire.Job) bool {
	return slices.Contains([]string{"SUCCEEDED", "IGNORED", "SKIPPED", "DISABLED"}, j.State)
}
