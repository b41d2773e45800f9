package rollout

import (
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"sluice/stages/driver"
)

const (
	// PhaseStable is the id of the last phase.
	PhaseStable = "stable"
	// PhaseTesters is the id of the phase in which testers alone get the release: before
	// any other, with no share of the traffic.
	PhaseTesters = "testers"

	noShare = "0" // of the traffic, in percent
)

// PhasesOf plans the phases of a promotion: those that give a share of the traffic, of
// which only the effects are still to be said, and then stable; stable alone where
// there are none. disable removes the canary as an effect of its own after stable.
func PhasesOf(shares []PhaseSpec, disable bool) []PhaseSpec {
	if len(shares) == 0 {
		return stableOf(driver.Deploy)
	}
	phases := make([]PhaseSpec, 0, len(shares)+1)
	for _, p := range shares {
		p.Effects = []driver.Kind{driver.Weight}
		phases = append(phases, p)
	}
	return append(phases, StablePhase(disable))
}

// StablePhase plans the promotion of a canary that stands.
func StablePhase(disable bool) PhaseSpec {
	stable := stableOf(driver.Stable)[0]
	if disable {
		stable.Effects = append(stable.Effects, driver.Disable)
	}
	return stable
}

// deploys is a stable phase that has no canary to promote. What stands for testers is
// taken away all the same.
func deploys(stable PhaseSpec) PhaseSpec {
	kinds := slices.DeleteFunc(slices.Clone(stable.Effects), func(k driver.Kind) bool { return !slices.Contains(clearing(), k) })
	stable.Effects = append([]driver.Kind{driver.Deploy}, kinds...)
	return stable
}

// clearing are the effects that take away what stands for testers, in their order: what
// leads there before what it leads to.
func clearing() []driver.Kind { return []driver.Kind{driver.Unroute, driver.Unhost} }

// LeadTesters has a plan begin with testers alone, who send the header, and take away
// what stands for them when the release is stable.
func (s *Spec) LeadTesters(h driver.Header) {
	own := PhaseOwn{Wait: s.Wait, Variables: s.Variables, Verify: s.Gates.Verify} // nothing is measured: no traffic is split
	testers := PhaseSpec{ID: PhaseTesters, Percent: noShare, Effects: []driver.Kind{driver.Host, driver.Route}, Own: &own}
	s.Phases = append([]PhaseSpec{testers}, s.Phases...)
	s.ClearTesters(h)
}

// ClearTesters has a plan take away what stands for testers at its end.
func (s *Spec) ClearTesters(h driver.Header) {
	s.Header = &h
	s.Phases = slices.Clone(s.Phases)
	last := &s.Phases[len(s.Phases)-1]
	last.Effects = append(slices.Clone(last.Effects), clearing()...)
}

// isShare reports whether the phase gives the release a share of the traffic.
func (p PhaseSpec) isShare() bool { return p.Percent != "" && p.Percent != noShare }

// stableOf is a stable phase with one effect.
func stableOf(kind driver.Kind) []PhaseSpec {
	return []PhaseSpec{{ID: PhaseStable, Effects: []driver.Kind{kind}}}
}

// StartAt has the plan begin at a phase of it; false where it has none of that name.
// Where it begins at stable there is no canary to promote: stable deploys.
func (s *Spec) StartAt(phase string) bool {
	i := slices.IndexFunc(s.Phases, func(p PhaseSpec) bool { return p.ID == phase })
	if i < 0 {
		return false
	}
	s.StartingPhase = phase
	if phase == PhaseStable {
		s.Phases = slices.Clone(s.Phases)
		s.Phases[i] = deploys(s.Phases[i])
	}
	return true
}

// FirstPhase is the phase that the plan begins at.
func (s Spec) FirstPhase() PhaseSpec {
	for _, p := range s.Phases {
		if s.StartingPhase == "" || p.ID == s.StartingPhase {
			return p
		}
	}
	return PhaseSpec{}
}

// SkipStart is the skip message of the phases before the one that a person began at.
const SkipStart = "it was to begin at "

// SkipFirst is the skip message of canary phases in a first deployment.
const SkipFirst = "nothing runs on the target yet, so there is no traffic to split: the canary phases are skipped and stable starts by itself"

// buildPhases are the phases as they begin, first in a first deployment.
func (s Spec) buildPhases(first bool) []Phase {
	started, before := false, s.StartingPhase != ""
	phases := make([]Phase, 0, len(s.Phases))
	for i, p := range s.Phases {
		before = before && p.ID != s.StartingPhase
		skipped := first && p.Percent != "" || before
		phase := Phase{ID: p.ID, State: PhasePending, DeploymentJobs: s.buildJobs(p, !skipped && !started, i == len(s.Phases)-1)}
		if skipped {
			phase.State, phase.SkipMessage = PhaseSkipped, SkipFirst
			if before {
				phase.SkipMessage = SkipStart + s.StartingPhase
			}
			setJobs(&phase, JobSkipped, JobPending)
		} else {
			started = true
		}
		phases = append(phases, phase)
	}
	return phases
}

// buildJobs gives a phase its jobs: predeploy in the first phase only,
// postdeploy in the last only, analysis in canary phases only.
func (s Spec) buildJobs(p PhaseSpec, first, last bool) *DeploymentJobs {
	g := s.GatesIn(p.ID)
	empty := jsontext.Value("{}")
	jobs := &DeploymentJobs{DeployJob: &Job{ID: JobDeploy, State: JobPending, DeployJob: empty}}
	if first && len(g.Predeploy) > 0 {
		jobs.PredeployJob = &Job{ID: JobPredeploy, State: JobPending, PredeployJob: empty}
	}
	if len(g.Verify) > 0 {
		jobs.VerifyJob = &Job{ID: JobVerify, State: JobPending, VerifyJob: empty}
	}
	if p.isShare() && len(g.Analysis) > 0 {
		jobs.AnalysisJob = &Job{ID: JobAnalysis, State: JobPending, AnalysisJob: empty}
	}
	if last && len(g.Postdeploy) > 0 {
		jobs.PostdeployJob = &Job{ID: JobPostdeploy, State: JobPending, PostdeployJob: empty}
	}
	return jobs
}

// deployFirst makes stable deploy directly: there is no canary to promote.
func (s *Spec) deployFirst() {
	phases := make([]PhaseSpec, len(s.Phases))
	for i, p := range s.Phases {
		phases[i] = p
		if p.ID == PhaseStable {
			phases[i] = deploys(p)
		}
	}
	s.Phases = phases
}
