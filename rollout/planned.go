package rollout

import "reflect"

// PlannedCheck is a check of a plan, and where it would run.
type PlannedCheck struct {
	Job    string
	Phases []string // ids; none where it runs with every job of its kind
	Gate   Gate
}

// PlannedChecks are a plan's checks, job by job, each once for all phases in which it
// would run.
func (s Spec) PlannedChecks() []PlannedCheck {
	var all []PlannedCheck
	for _, job := range []string{JobPredeploy, JobVerify, JobAnalysis, JobPostdeploy} {
		all = append(all, s.plannedOf(job)...)
	}
	return all
}

// plannedOf are the checks of one kind of job.
func (s Spec) plannedOf(job string) []PlannedCheck {
	var list []PlannedCheck
	phases := s.phasesWith(job)
	if len(phases) == 0 {
		for _, g := range s.Gates.Of(job) {
			list = append(list, PlannedCheck{Job: job, Gate: g})
		}
		return list
	}
	for _, phase := range phases {
		for _, g := range s.GatesIn(phase).Of(job) {
			list = planned(list, job, phase, g)
		}
	}
	for i := range list {
		if len(list[i].Phases) == len(phases) {
			list[i].Phases = nil
		}
	}
	return list
}

// planned adds a phase to the check's, which is new where no other is like it. One
// that a phase has twice stands there twice.
func planned(list []PlannedCheck, job, phase string, g Gate) []PlannedCheck {
	for i := range list {
		known := &list[i]
		if known.Phases[len(known.Phases)-1] != phase && reflect.DeepEqual(known.Gate, g) {
			known.Phases = append(known.Phases, phase)
			return list
		}
	}
	return append(list, PlannedCheck{Job: job, Phases: []string{phase}, Gate: g})
}

// phasesWith are the phases that can have a job of a kind that phases have checks of
// their own for; none for the other kinds.
func (s Spec) phasesWith(job string) []string {
	var ids []string
	for _, p := range s.Phases {
		if job == JobVerify || job == JobAnalysis && p.isShare() {
			ids = append(ids, p.ID)
		}
	}
	return ids
}
