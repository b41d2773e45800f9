package rollout

import (
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"sluice/stages/driver"
)

// PhaseStable is the id of the last phase.
const PhaseStable = "stable"

// PhasesOf plans the phases of a promotion: one for each percentage and then
// stable; stable alone where there are none. disable removes the canary as an
// effect of its own after stable.
func PhasesOf(percentages []string, disable bool) []PhaseSpec {
	if len(percentages) == 0 {
		return []PhaseSpec{{ID: PhaseStable, Effects: []driver.Kind{driver.Deploy}}}
	}
	phases := make([]PhaseSpec, 0, len(percentages)+1)
	for _, p := range percentages {
		phases = append(phases, PhaseSpec{ID: "canary-" + p, Percent: p, Effects: []driver.Kind{driver.Weight}})
	}
	return append(phases, StablePhase(disable))
}

// StablePhase plans the promotion of a canary that stands.
func StablePhase(disable bool) PhaseSpec {
	stable := PhaseSpec{ID: PhaseStable, Effects: []driver.Kind{driver.Stable}}
	if disable {
		stable.Effects = append(stable.Effects, driver.Disable)
	}
	return stable
}

// SkipFirst is the skip message of canary phases in a first deployment.
const SkipFirst = "nothing runs on the target yet, so there is no traffic to split: the canary phases are skipped and stable starts by itself"

// Create adds a rollout to r by its plan. first says that the platform says
// nothing runs on the target: canary phases are then skipped.
func Create(r *Record, spec Spec, first bool, now time.Time) *Execution {
	e := newExecution(r, spec, spec.Release.ID, now)
	if first {
		e.firstDeployment()
	}
	if !spec.Remote {
		e.Rollout.Phases = e.buildPhases(first)
	}
	return r.insert(e, len(r.Rollouts), spec.Command+" of "+spec.Release.ID, now)
}

// newExecution is a rollout without phases, named after a release.
func newExecution(r *Record, spec Spec, release string, now time.Time) Execution {
	name := r.nextName(release, spec.Target.Name)
	e := Execution{
		Rollout: Rollout{
			Name:          name,
			UID:           uuid.NewSHA1(uuid.NameSpaceURL, []byte(r.Pipeline+"/"+r.Target+"/"+name+"/"+now.UTC().Format(time.RFC3339Nano))).String(),
			Description:   spec.Options.Description,
			Labels:        spec.Options.Labels,
			Annotations:   spec.Options.Annotations,
			CreateTime:    now.UTC(),
			TargetID:      spec.Target.Name,
			ApprovalState: DoesNotNeedApproval,
			State:         StatePending,
			EnqueueTime:   now.UTC(),
		},
		Spec:  spec,
		Steps: []Step{},
	}
	if spec.Approval != nil {
		e.Rollout.ApprovalState, e.Rollout.State, e.Rollout.EnqueueTime = NeedsApproval, StatePendingApproval, time.Time{}
	}
	if len(spec.Members) > 1 {
		e.Rollout.ControllerRollout = ControllerName(release, spec.Target.Stage, spec.Promotion)
	}
	if r.Release != nil {
		e.Previous = r.Release.ID
	}
	return e
}

// insert puts a new rollout at its place in the order of work.
func (r *Record) insert(e Execution, at int, message string, now time.Time) *Execution {
	r.Rollouts = slices.Insert(r.Rollouts, at, e)
	created := &r.Rollouts[at]
	r.event(created, now, Event{Type: "rollout.created", Message: message, Actor: e.Spec.Creator})
	return created
}

// firstDeployment makes stable deploy directly: there is no canary to promote.
func (e *Execution) firstDeployment() {
	e.Spec.Phases = slices.Clone(e.Spec.Phases)
	for i, p := range e.Spec.Phases {
		if p.ID == PhaseStable {
			e.Spec.Phases[i] = PhaseSpec{ID: PhaseStable, Effects: []driver.Kind{driver.Deploy}}
		}
	}
}

func (e *Execution) buildPhases(first bool) []Phase {
	started := false
	phases := make([]Phase, 0, len(e.Spec.Phases))
	for i, p := range e.Spec.Phases {
		skipped := first && p.Percent != ""
		phase := Phase{ID: p.ID, State: PhasePending, DeploymentJobs: e.buildJobs(p, !skipped && !started, i == len(e.Spec.Phases)-1)}
		if skipped {
			phase.State, phase.SkipMessage = PhaseSkipped, SkipFirst
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
func (e *Execution) buildJobs(p PhaseSpec, first, last bool) *DeploymentJobs {
	g := e.Spec.Gates
	empty := jsontext.Value("{}")
	jobs := &DeploymentJobs{DeployJob: &Job{ID: JobDeploy, State: JobPending, DeployJob: empty}}
	if first && len(g.Predeploy) > 0 {
		jobs.PredeployJob = &Job{ID: JobPredeploy, State: JobPending, PredeployJob: empty}
	}
	if len(g.Verify) > 0 {
		jobs.VerifyJob = &Job{ID: JobVerify, State: JobPending, VerifyJob: empty}
	}
	if p.Percent != "" && len(g.Analysis) > 0 {
		jobs.AnalysisJob = &Job{ID: JobAnalysis, State: JobPending, AnalysisJob: empty}
	}
	if last && len(g.Postdeploy) > 0 {
		jobs.PostdeployJob = &Job{ID: JobPostdeploy, State: JobPending, PostdeployJob: empty}
	}
	return jobs
}
