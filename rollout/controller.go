package rollout

import (
	"fmt"
	"slices"
	"time"

	v2 "github.com/go-json-experiment/json"
)

// ControllerName is the name of the rollout that controls those of a stage with
// several targets.
func ControllerName(release, stage, promotion string) string {
	sum := fmt.Sprintf("%s-%s", stage, promotion)
	return Name(release, sum, 1)
}

// Controller derives the controller rollout of a promotion to a stage from its
// children. It is a view: nothing of it is stored.
func Controller(children []Rollout) Rollout {
	if len(children) == 0 {
		return Rollout{}
	}
	c := Rollout{Name: children[0].ControllerRollout, ApprovalState: DoesNotNeedApproval}
	for _, child := range children {
		if c.CreateTime.IsZero() || child.CreateTime.Before(c.CreateTime) {
			c.CreateTime = child.CreateTime
		}
		if child.ApprovalState == NeedsApproval {
			c.ApprovalState = NeedsApproval
		}
	}
	c.State = controllerState(children)
	c.Phases = controllerPhases(children)
	return c
}

// controllerState sums the children up. HALTED: one failed, another succeeded
// or can go on, and phases remain.
func controllerState(children []Rollout) State {
	has := func(states ...State) bool {
		return slices.ContainsFunc(children, func(c Rollout) bool { return slices.Contains(states, c.State) })
	}
	all := func(s State) bool {
		return !slices.ContainsFunc(children, func(c Rollout) bool { return c.State != s })
	}
	switch {
	case all(StateSucceeded):
		return StateSucceeded
	case all(StatePendingApproval):
		return StatePendingApproval
	case all(StatePending):
		return StatePending
	case all(StateCancelled):
		return StateCancelled
	case all(StateApprovalRejected):
		return StateApprovalRejected
	case has(StateFailed) && has(StateInProgress, StatePending, StatePendingApproval):
		return StateHalted
	case has(StateCancelling):
		return StateCancelling
	case has(StateInProgress, StatePending, StatePendingApproval):
		return StateInProgress
	case has(StateFailed):
		return StateFailed
	default:
		return StateCancelled
	}
}

// controllerPhases has one job for each child in each phase: creating its
// rollout in the first, advancing it in the later ones.
func controllerPhases(children []Rollout) []Phase {
	var phases []Phase
	for _, child := range children {
		for i, p := range child.Phases {
			at := slices.IndexFunc(phases, func(have Phase) bool { return have.ID == p.ID })
			if at < 0 {
				phases = append(phases, Phase{ID: p.ID, ChildRolloutJobs: &ChildRolloutJobs{}})
				at = len(phases) - 1
			}
			addChildJob(phases[at].ChildRolloutJobs, child, p, i == 0)
		}
	}
	for i := range phases {
		phases[i].State = phaseOf(phases[i].Jobs())
	}
	return phases
}

func addChildJob(jobs *ChildRolloutJobs, child Rollout, p Phase, first bool) {
	job := Job{ID: child.TargetID, State: JobState(p.State), JobRun: child.Name}
	if first {
		job.CreateChildRolloutJob = &struct{}{}
		jobs.CreateRolloutJobs = append(jobs.CreateRolloutJobs, job)
		return
	}
	job.AdvanceChildRolloutJob = &struct{}{}
	jobs.AdvanceRolloutJobs = append(jobs.AdvanceRolloutJobs, job)
}

// phaseOf is the state of a phase by its children's.
func phaseOf(jobs []*Job) PhaseState {
	for _, s := range []PhaseState{PhaseFailed, PhaseAborted, PhaseInProgress} {
		if slices.ContainsFunc(jobs, func(j *Job) bool { return string(j.State) == string(s) }) {
			return s
		}
	}
	for _, s := range []PhaseState{PhaseSucceeded, PhaseSkipped, PhasePending} {
		if !slices.ContainsFunc(jobs, func(j *Job) bool { return string(j.State) != string(s) }) {
			return s
		}
	}
	return PhaseInProgress
}

// Seal makes a changed record ready to be saved: the next generation, the
// promotions' statuses, etags, when it is due, and no more history than wanted
// finished rollouts.
func Seal(r *Record, now time.Time, history int) {
	r.Generation++
	for i := range r.Promotions {
		r.sealPromotion(&r.Promotions[i])
	}
	r.trim(history)
	for i := range r.Rollouts {
		e := &r.Rollouts[i]
		if !e.Spec.Remote {
			e.Rollout.Etag = etag(e.Rollout)
		}
		e.Due = time.Time{}
	}
	if e, ok := r.Active(); ok {
		if due := Next(r, now, View{}); due.Action == ActionWait {
			e.Due = due.Waiting.Until
		} else {
			e.Due = now.UTC()
		}
	}
}

func etag(r Rollout) string {
	r.Etag = ""
	data, err := v2.Marshal(r, v2.Deterministic(true))
	if err != nil {
		return ""
	}
	return digest(data)
}

func (r *Record) sealPromotion(p *Promotion) {
	e, ok := r.Rollout(p.Rollout)
	if !ok {
		return
	}
	switch e.Rollout.State {
	case StateSucceeded:
		p.Status, p.ErrorMessage = PromotionSucceeded, ""
	case StateFailed, StateCancelled, StateApprovalRejected:
		p.Status, p.ErrorMessage = PromotionFailed, e.failure()
	default:
		p.Status, p.ErrorMessage = PromotionPending, ""
	}
}

func (e *Execution) failure() string {
	if e.Rollout.FailureReason != "" {
		return e.Rollout.FailureReason
	}
	return "the rollout is " + string(e.Rollout.State)
}

// eventsPerRollout bounds the events beside the rollouts.
const eventsPerRollout = 50

// trim drops the oldest finished rollouts and events. The newest success and
// whatever is open stay.
func (r *Record) trim(history int) {
	if history <= 0 {
		return
	}
	surplus := len(r.Rollouts) - history
	newest := r.newestSuccess()
	r.Rollouts = slices.DeleteFunc(r.Rollouts, func(e Execution) bool {
		if surplus <= 0 || !e.Rollout.State.Final() || e.Rollout.Name == newest {
			return false
		}
		surplus--
		return true
	})
	surplus = len(r.Promotions) - history
	r.Promotions = slices.DeleteFunc(r.Promotions, func(p Promotion) bool {
		if surplus <= 0 || p.Status == PromotionPending {
			return false
		}
		surplus--
		return true
	})
	if n := len(r.Events) - history*eventsPerRollout; n > 0 {
		r.Events = slices.Delete(r.Events, 0, n)
	}
}

func (r *Record) newestSuccess() string {
	for _, e := range slices.Backward(r.Rollouts) {
		if e.Rollout.State == StateSucceeded {
			return e.Rollout.Name
		}
	}
	return ""
}
