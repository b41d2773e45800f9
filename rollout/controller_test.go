package rollout

import (
	"testing"
	"time"
)

// child is a child rollout with a canary phase and stable.
func child(target string, state State, canary, stable PhaseState) Rollout {
	return Rollout{
		Name: "r2-to-" + target + "-0001", TargetID: target, State: state, ControllerRollout: "r2-to-production-0001", CreateTime: t0,
		Phases: []Phase{{ID: "canary-10", State: canary}, {ID: "stable", State: stable}},
	}
}

var (
	waitingChild  = child("web", StateInProgress, PhaseSucceeded, PhasePending)
	workingChild  = child("web", StateInProgress, PhaseInProgress, PhasePending)
	failedChild   = child("api", StateFailed, PhaseFailed, PhaseAborted)
	doneChild     = child("api", StateSucceeded, PhaseSucceeded, PhaseSucceeded)
	queuedChild   = child("api", StatePending, PhasePending, PhasePending)
	rejectedChild = child("api", StateApprovalRejected, PhaseAborted, PhaseAborted)
	canceledChild = child("web", StateCancelled, PhaseSucceeded, PhaseAborted)
)

func TestControllerState(t *testing.T) {
	for name, c := range map[string]struct {
		children []Rollout
		want     State
	}{
		"all done":                          {[]Rollout{doneChild, doneChild}, StateSucceeded},
		"all wait in the queue":             {[]Rollout{queuedChild, queuedChild}, StatePending},
		"all rejected":                      {[]Rollout{rejectedChild, rejectedChild}, StateApprovalRejected},
		"one works":                         {[]Rollout{workingChild, doneChild}, StateInProgress},
		"one failed, the other works":       {[]Rollout{failedChild, workingChild}, StateInProgress},
		"one failed, the other got further": {[]Rollout{failedChild, waitingChild}, StateHalted},
		"one failed, the other not begun":   {[]Rollout{failedChild, queuedChild}, StateInProgress},
		"left by retrying":                  {[]Rollout{child("api", StateInProgress, PhaseInProgress, PhasePending), waitingChild}, StateInProgress},
		"left by cancelling the rest":       {[]Rollout{failedChild, canceledChild}, StateFailed},
		"being cancelled":                   {[]Rollout{failedChild, child("web", StateCancelling, PhaseSucceeded, PhaseAborted)}, StateCancelling},
		"one failed, one done":              {[]Rollout{failedChild, doneChild}, StateFailed},
		"one cancelled, one done":           {[]Rollout{canceledChild, doneChild}, StateCancelled},
		"one rejected, one done":            {[]Rollout{rejectedChild, doneChild}, StateApprovalRejected},
		"a platform's own halted":           {[]Rollout{child("web", StateHalted, PhaseSucceeded, PhasePending), doneChild}, StateHalted},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Controller(c.children).State; got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

func TestControllerPhases(t *testing.T) {
	s := newRig(t)
	later := waitingChild
	later.CreateTime = t0.Add(time.Minute)
	c := Controller([]Rollout{later, failedChild})
	s.want("name", c.Name, "r2-to-production-0001")
	s.want("created with the first", c.CreateTime, t0)
	s.want("phases", []PhaseState{c.Phases[0].State, c.Phases[1].State}, []PhaseState{PhaseFailed, PhaseAborted})
	create, advance := c.Phases[0].ChildRolloutJobs, c.Phases[1].ChildRolloutJobs
	s.want("created in the first phase", []any{len(create.CreateRolloutJobs), len(create.AdvanceRolloutJobs)}, []any{2, 0})
	s.want("advanced in the later ones", []any{len(advance.CreateRolloutJobs), len(advance.AdvanceRolloutJobs)}, []any{0, 2})
	s.want("jobs", []any{create.CreateRolloutJobs[0].ID, create.CreateRolloutJobs[0].State, create.CreateRolloutJobs[0].JobRun}, []any{"web", JobSucceeded, "r2-to-web-0001"})
	s.want("approval", Controller([]Rollout{{ApprovalState: NeedsApproval}, {}}).ApprovalState, NeedsApproval)
	s.want("of nothing", Controller(nil).Name, "")
}

func TestPhaseOfChildren(t *testing.T) {
	for name, c := range map[string]struct {
		states []JobState
		want   PhaseState
	}{
		"one works on":      {[]JobState{JobFailed, JobInProgress}, PhaseInProgress},
		"one failed":        {[]JobState{JobSucceeded, JobFailed}, PhaseFailed},
		"one aborted":       {[]JobState{JobSucceeded, JobAborted}, PhaseAborted},
		"one still to come": {[]JobState{JobSucceeded, JobPending}, PhaseInProgress},
		"none begun":        {[]JobState{JobPending, JobPending}, PhasePending},
		"all done":          {[]JobState{JobSucceeded, JobSkipped}, PhaseSucceeded},
		"all skipped":       {[]JobState{JobSkipped, JobSkipped}, PhaseSkipped},
	} {
		var list []*Job
		for _, state := range c.states {
			list = append(list, &Job{State: state})
		}
		if got := phaseOf(list); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
