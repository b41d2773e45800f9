package rollout

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"sluice/stages/driver"
)

// local is a rollout whose phases are ours: the platform knows effects alone.
type local struct{ *Execution }

func (e local) settle(r *Record, a around, now time.Time) bool {
	if e.Rollout.failedPhase() {
		e.finish(r, StateFailed, now)
		return true
	}
	if b, ok := a.putsBack(r, e.Execution, now); ok && e.Steps.canaryStands() {
		e.standDown(r, b, now)
		return true
	}
	phase, i, ok := e.Rollout.current()
	if !ok {
		e.finish(r, StateSucceeded, now)
		return true
	}
	if e.overdue(now) {
		e.failAt(r, phase, DeadlineExceeded, e.Spec.overdueText(), now)
		return true
	}
	if phase.State == PhasePending {
		return e.startPhase(r, a, phase, i, now)
	}
	return e.settlePhase(r, a, phase, now)
}

// putsBack finds a policy that stops the rollout and says that what stands goes back.
func (a around) putsBack(r *Record, e *Execution, now time.Time) (Block, bool) {
	blocks := a.standInTheWay(r, e, now)
	i := slices.IndexFunc(blocks, func(b Block) bool { return b.Standing == StandingBack })
	if i < 0 {
		return Block{}, false
	}
	return blocks[i], true
}

// standDown puts traffic back before a policy's window that says so.
func (e local) standDown(r *Record, b Block, now time.Time) {
	by := Actor{Reason: "standing: back in policy " + b.ID}
	r.placeGoingBack(e.Execution, by, now)
	e.Rollout.State, e.Rollout.FailureReason = StateCancelling, by.Reason
	r.event(e.Execution, now, Event{Type: "rollout.cancelling", Message: by.Reason})
}

// failAt fails the rollout at the job it is at.
func (e local) failAt(r *Record, phase *Phase, cause FailureCause, message string, now time.Time) {
	id := JobDeploy
	if job, ok := currentJob(phase); ok {
		id = job.ID
	}
	e.failed(r, phase.ID, id, cause, message, now)
}

// startPhase starts phase i where nothing but time was missing.
func (e local) startPhase(r *Record, a around, phase *Phase, i int, now time.Time) bool {
	if i > 0 && e.Rollout.Phases[i-1].State == PhaseSucceeded {
		if e.Spec.WaitAfter(e.Rollout.Phases[i-1].ID) == nil || now.Before(e.phaseDue(i)) {
			return false
		}
		if _, held := a.hold(r, e.Execution, now); held {
			return false
		}
	}
	e.beginPhase(r, phase, now)
	return true
}

// settlePhase ends a deploy job without effects left and a job whose checks of
// scope stage are over, and a phase without jobs left.
func (e local) settlePhase(r *Record, a around, phase *Phase, now time.Time) bool {
	job, ok := currentJob(phase)
	switch {
	case !ok:
		phase.State = PhaseSucceeded
		e.Times.set(phase.ID, now)
		r.event(e.Execution, now, Event{Type: "phase.succeeded", Phase: phase.ID, Action: e.Rollout.phaseAction(phase.ID)})
		return true
	case job.ID == JobDeploy && e.nextEffect(phase.ID) == "":
		e.succeedJob(r, phase, job, now)
		return true
	case len(e.Spec.GatesIn(phase.ID).Stage(job.ID)) > 0:
		return e.settleStageChecks(r, a, phase, job, now)
	default:
		return false
	}
}

func (e local) next(r *Record, a around, due Due, now time.Time) Due {
	phase, i, ok := e.Rollout.current()
	if !ok {
		return due.wait(Waiting{Kind: WaitOperator, Cause: CauseNothing})
	}
	due.Phase = phase.ID
	if phase.State == PhasePending {
		return due.wait(e.waitForPhase(r, a, i, now))
	}
	job, ok := currentJob(phase)
	if !ok {
		return due.wait(Waiting{Kind: WaitOperator, Cause: CauseNothing, Phase: phase.ID})
	}
	due.Job = job.ID
	if job.ID == JobDeploy {
		due.Kind = e.nextEffect(phase.ID)
		return a.effect(r, e.Execution, due, now)
	}
	return e.nextCheck(r, a, due, now)
}

// waitForPhase says what phase i waits for; [Settle] has started it if nothing.
func (e local) waitForPhase(r *Record, a around, i int, now time.Time) Waiting {
	phase := e.Rollout.Phases[i].ID
	w, held := a.hold(r, e.Execution, now)
	switch {
	case i > 0 && e.Spec.WaitAfter(e.Rollout.Phases[i-1].ID) != nil && (!held || now.Before(e.phaseDue(i))):
		return Waiting{Kind: WaitBake, Until: e.phaseDue(i), Phase: phase}
	case held:
		w.Phase = phase
		return w
	default:
		return Waiting{Kind: WaitPerson, Until: e.Deadline(), Deadline: true, Phase: phase}
	}
}

// nextCheck decides about a job that runs checks: predeploy first what is the
// whole stage's, the others first what is the target's own.
func (e local) nextCheck(r *Record, a around, due Due, now time.Time) Due {
	if e.Undecided.is(due.Phase, due.Job) {
		return due.wait(Waiting{Kind: WaitOperator, Cause: CauseUndecided, Phase: due.Phase, Job: due.Job, Message: e.Undecided.Message})
	}
	if due.Job == JobAnalysis && !analysisOf(e.Execution, due.Phase).goOn(now) {
		return due.wait(Waiting{Kind: WaitBake, Until: analysisOf(e.Execution, due.Phase).next(now), Phase: due.Phase, Job: due.Job})
	}
	if due.Job == JobPredeploy {
		if w, held := a.hold(r, e.Execution, now); held {
			return due.wait(w)
		}
	}
	own := len(e.Spec.GatesIn(due.Phase).Stage(due.Job)) == 0 || !e.Times.ownPassed(due.Phase, due.Job)
	if own && due.Job != JobPredeploy {
		due.Action = ActionCheck
		return due
	}
	if stage, pending := a.stageCheck(r, e.Execution, due); pending {
		return stage
	}
	due.Action = ActionCheck
	return due
}

func (e local) took(Rollout) {}

// succeeded has nothing to do: [Settle] ends the job when no effect is left.
func (e local) succeeded(*Record, *Step, driver.Result, time.Time) {}

// failed fails a job: its phase fails, what comes later is aborted, and a canary
// puts its traffic back where the plan says so. During a cancellation the
// rollout still ends CANCELLED.
func (e local) failed(r *Record, phase, job string, cause FailureCause, message string, now time.Time) {
	message = stoppedBy(e.Execution, phase, job) + message
	if p, ok := e.Rollout.Phase(phase); ok {
		if j, ok := p.Job(job); ok {
			ends := ""
			if j.State == JobInProgress { // else its run before is what JobRun names
				ends = j.JobRun
			}
			j.State = JobFailed
			r.event(e.Execution, now, Event{Type: "job.failed", Phase: phase, Job: job, Action: ends, Message: message})
		}
		e.endPhase(r, p, PhaseFailed, message, now)
	}
	e.abort(r, now)
	if e.Rollout.State == StateCancelling {
		return
	}
	e.Rollout.FailureReason, e.Rollout.DeployFailureCause = message, cause
	if e.Spec.Restore && e.needsRestoring(r) {
		e.Asked = e.Steps.putsBack(phase, job)
		r.placeGoingBack(e.Execution, Actor{RunURL: e.Spec.RunURL, Reason: message}, now)
	}
}

// askedFailed ends the rollout where traffic could not be put back: that was
// already the answer to a failure, or to a cancellation.
func (e local) askedFailed(r *Record, kind driver.Kind, cause FailureCause, message string, now time.Time) {
	if kind == driver.Terminate {
		e.Terminated = ""
	}
	switch {
	case kind == driver.Rollback:
		message = "traffic could not be put back: " + message
	case slices.Contains(clearing(), kind):
		message = "what stands for testers could not be taken away: " + message
	default:
		return // a word on the platform's work was refused: that is as it was
	}
	if e.Rollout.FailureReason != "" {
		message = e.Rollout.FailureReason + "; and " + message
	}
	e.Rollout.FailureReason, e.Rollout.DeployFailureCause = message, cause
	e.abort(r, now)
	e.finish(r, StateFailed, now)
}

func (e local) abort(r *Record, now time.Time) {
	for i := range e.Rollout.Phases {
		p := &e.Rollout.Phases[i]
		if p.State == PhasePending || p.State == PhaseInProgress {
			e.endPhase(r, p, PhaseAborted, "", now)
		}
	}
}

func (e local) startJob(r *Record, phase, job string, now time.Time) {
	_, j, ok := e.Rollout.job(phase, job)
	if !ok || j.State != JobPending {
		return
	}
	key := phase + "/" + job
	if e.Runs == nil {
		e.Runs = map[string]int{}
	}
	e.Runs[key]++
	delete(e.Times, ownKey(phase, job))
	checks{e.Execution, phase, job}.forget()
	j.State = JobInProgress
	j.JobRun = fmt.Sprintf("%s/%s-%s-%d", e.Rollout.Name, phase, job, e.Runs[key])
	r.event(e.Execution, now, Event{Type: "job.started", Phase: phase, Job: job, Temporary: true, Action: j.JobRun})
}

// takesWord reports whether the platform waits for a word on an effect of ours.
func (e local) takesWord(r *Record) bool {
	step, open := e.Steps.Open()
	return open && step.waiting(r.Target) == waitingApproval
}

func (e local) advance(r *Record, phase *Phase, by Actor, now time.Time) error {
	r.event(e.Execution, now, Event{Type: "phase.advanced", Phase: phase.ID, Actor: by.Login})
	e.beginPhase(r, phase, now)
	return nil
}

func (e local) cancel(r *Record, by Actor, now time.Time) error {
	step, asks := e.Steps.asking()
	if asks {
		e.underWay(r, step, now).decided()
	}
	if e.Waits() {
		e.abort(r, now)
		e.finish(r, StateCancelled, now)
		return nil
	}
	e.Rollout.State, e.Rollout.DeployEndTime, e.Rollout.DeployFailureCause = StateCancelling, time.Time{}, ""
	if e.takesWord(r) {
		e.Asked = []Request{{Kind: driver.Reject, Actor: by.Login}}
		return nil
	}
	e.Asked, e.Left = nil, false // what is to be put back is found again when nothing is under way
	return nil
}

func (e local) makeWay(r *Record, w way, now time.Time) {
	if step, asks := e.Steps.asking(); asks {
		e.underWay(r, step, now).decided()
	}
	e.YieldsTo = w.by
	if e.Rollout.FailureReason == "" {
		e.Rollout.FailureReason = w.why
	}
	e.Asked = nil
	if _, open := e.Steps.Open(); !open {
		e.abort(r, now)
		e.finish(r, StateCancelled, now)
		return
	}
	if e.Rollout.State != StateCancelling {
		e.Rollout.State = StateCancelling
		r.event(e.Execution, now, Event{Type: "rollout.cancelling", Actor: w.actor, Message: w.why})
	}
	if e.takesWord(r) {
		e.Asked = []Request{{Kind: driver.Reject, Actor: w.actor}}
	}
}

func (e local) baseline() (Goal, bool) {
	if len(e.Baseline) == 0 || string(e.Baseline) == "null" {
		return Goal{}, false
	}
	return Goal{Release: e.Previous, Baseline: json.RawMessage(slices.Clone(e.Baseline)), Rollout: e.Rollout.Name}, true
}

// settleCancelling puts traffic back where the canary stands and ends the
// rollout when no effect is under way any more.
func (e local) settleCancelling(r *Record, now time.Time) bool {
	if !e.needsClearing(r) {
		e.abort(r, now)
		e.finish(r, StateCancelled, now)
		return true
	}
	if len(e.Asked) > 0 {
		return false
	}
	phase := PhaseStable
	if p, _, ok := e.Rollout.current(); ok {
		phase = p.ID
	}
	e.Asked = e.Steps.putsBack(phase, JobDeploy)
	return true
}
