package engine

import (
	"fmt"
	"slices"

	"sluice/internal/old/rollout"
)

// A check of scope stage runs once for all targets of a promotion. A predeploy
// check runs when the first of them is about to deploy; the others take its
// result. Verify and postdeploy checks run when every target that can still
// reach that job in this invocation has reached it: one that failed, that waits
// for longer than this invocation does, or that another invocation works on,
// holds nobody up. Such a target runs the check again when it gets there.

// station is how far a target is in its promotion.
type station struct {
	promotion string
	phases    []string // the ids of its phases, in order
	phase     string
	job       string
	stays     bool // it goes on by itself in this invocation
}

func stationOf(s *slot, due rollout.Due, stays bool) station {
	x := s.active()
	if x == nil || due.Action == rollout.ActionIdle {
		return station{}
	}
	at := station{promotion: x.Spec.Promotion, phase: due.Phase, job: due.Job, stays: stays}
	for _, p := range x.Rollout.Phases {
		at.phases = append(at.phases, p.ID)
	}
	return at
}

// before reports whether the target is on its way to a job of a phase.
func (a station) before(phase, job string) bool {
	to, at := slices.Index(a.phases, phase), slices.Index(a.phases, a.phase)
	if !a.stays || to < 0 || at > to {
		return false
	}
	return at < to || jobOrder(a.job) < jobOrder(job)
}

// jobOrder is the place of a job in its phase; -1 before the first.
func jobOrder(job string) int {
	return slices.Index([]string{rollout.JobPredeploy, rollout.JobDeploy, rollout.JobVerify, rollout.JobAnalysis, rollout.JobPostdeploy}, job)
}

// at says how far a target is, and wakes those that wait for it.
func (r *run) at(s *slot, to station) {
	r.mu.Lock()
	defer r.mu.Unlock()
	was := r.stations[s]
	if was.promotion == to.promotion && was.phase == to.phase && was.job == to.job && was.stays == to.stays {
		return
	}
	r.stations[s] = to
	close(r.moved)
	r.moved = make(chan struct{})
}

// out says that a target goes no further in this invocation.
func (r *run) out(s *slot) { r.at(s, station{}) }

// early reports whether a job has a check of scope stage that other targets are
// still on their way to. The channel is closed when one of them moves.
func (r *run) early(s *slot, due rollout.Due) (<-chan struct{}, bool) {
	x := s.active()
	if due.Action != rollout.ActionCheck || due.Job == rollout.JobPredeploy || !slices.ContainsFunc(x.Spec.Gates.Of(due.Job), onStage(due.Job)) {
		return nil, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for other, at := range r.stations {
		if other != s && at.promotion == x.Spec.Promotion && at.before(due.Phase, due.Job) {
			return r.moved, true
		}
	}
	return nil, false
}

// onStage finds the checks of a job that run once for all targets. An analysis
// runs over each target's own bake.
func onStage(job string) func(rollout.Gate) bool {
	return func(g rollout.Gate) bool { return g.StageScope && job != rollout.JobAnalysis }
}

// onceGate is a check of scope stage: the first target that runs it, runs it
// for all.
type onceGate struct {
	done chan struct{}
	err  error
}

// once names a check of scope stage. A predeploy check is the same in whichever
// phase a target begins.
func once(x *rollout.Execution, due rollout.Due, i int) string {
	phase := due.Phase
	if due.Job == rollout.JobPredeploy {
		phase = ""
	}
	return fmt.Sprintf("%s/%s/%s/%d/%d", x.Spec.Promotion, phase, due.Job, i, x.Attempts[due.Phase])
}

// share runs a check for all targets that share it, or takes its result.
func (r *run) share(key string, run func() error) error {
	r.mu.Lock()
	gate, running := r.gates[key]
	if !running {
		gate = &onceGate{done: make(chan struct{})}
		r.gates[key] = gate
	}
	r.mu.Unlock()
	if running {
		<-gate.done // whoever runs it ends with the invocation at the latest
		return gate.err
	}
	defer close(gate.done)
	gate.err = run()
	return gate.err
}
