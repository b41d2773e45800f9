package rollout

import (
	"slices"
	"strings"
	"time"
)

// retryWindow is how long after its end a higher attempt of a run takes a failed
// rollout up again.
const retryWindow = 24 * time.Hour

func (t RetryJob) apply(r *Record, now time.Time) error {
	e, p, j, err := failedJob(r, ToRetryJob, t.Rollout, t.Phase, t.Job, t.By, now)
	if err != nil {
		return err
	}
	return retryJob(e, r, p, j, t.By, now)
}

func retryJob(e *Execution, r *Record, p *Phase, j *Job, by Actor, now time.Time) error {
	release := e.Spec.Release.ID
	if err := e.owner().retry(r, p, j, by, now); err != nil {
		return err
	}
	e.Terminated = ""
	r.endRestored(release, by, now)
	e.takeUp(by, now)
	return nil
}

func (t Retry) apply(r *Record, now time.Time) error {
	e, err := r.rolloutFor("retry", t.Rollout)
	if err != nil {
		return err
	}
	switch ended := e.Rollout.DeployEndTime; {
	case e.Retried >= t.Attempt:
		return e.refuse("retry", ReasonAlready)
	case !e.Expired.IsZero():
		refused := e.refuse("retry", ReasonExpired)
		refused.Until = e.Expired
		return refused
	case e.Rollout.State != StateFailed:
		return e.refuse("retry", ReasonNotFailed, StateFailed)
	case now.Sub(ended) > retryWindow:
		refused := e.refuse("retry", ReasonTooLate)
		refused.Until = ended.Add(retryWindow)
		return refused
	}
	e, p, j, err := failedJob(r, ToRetryJob, e.Rollout.Name, "", "", t.By, now)
	if err != nil {
		return err
	}
	if err := retryJob(e, r, p, j, t.By, now); err != nil {
		return err
	}
	e.Retried = t.Attempt
	return nil
}

func (t IgnoreJob) apply(r *Record, now time.Time) error {
	e, p, j, err := failedJob(r, ToIgnoreJob, t.Rollout, t.Phase, t.Job, t.By, now)
	if err != nil {
		return err
	}
	release := e.Spec.Release.ID
	if err := e.owner().ignore(r, p, j, t.By, now); err != nil {
		return err
	}
	e.Terminated = ""
	r.endRestored(release, t.By, now)
	e.takeUp(t.By, now)
	return nil
}

func (e local) retry(r *Record, p *Phase, j *Job, by Actor, now time.Time) error {
	r.event(e.Execution, now, Event{Type: "job.retried", Phase: p.ID, Job: j.ID, Action: j.openRun(), Actor: by.Login})
	if step, asks := e.Steps.asking(); asks {
		e.underWay(r, step, now).decided()
		if step.Asked != nil {
			e.Asked = slices.Insert(e.Asked, 0, *step.Asked)
			return nil
		}
	}
	e.Accepted = e.Accepted || e.Restored || j.ID == JobDeploy
	j.State = JobPending
	checks{e.Execution, p.ID, j.ID}.forget()
	if j.ID == JobAnalysis {
		analysisOf(e.Execution, p.ID).beginAnew()
	}
	reapply(e.Execution, p)
	reopen(e.Execution, r, p, now)
	return nil
}

// ignore goes on past a job. Where traffic was put back the effects of the phase
// are applied again first: the rest of it needs them.
func (e local) ignore(r *Record, p *Phase, j *Job, by Actor, now time.Time) error {
	r.event(e.Execution, now, Event{Type: "job.ignored", Phase: p.ID, Job: j.ID, Action: j.openRun(), Actor: by.Login})
	if step, asks := e.Steps.asking(); asks {
		e.underWay(r, step, now).decided()
		if step.Asked != nil || e.Rollout.State == StateCancelling {
			e.Left = e.Left || !step.Call.Kind.IsCommand()
			return nil
		}
	}
	e.Accepted = true
	if e.Undecided.is(p.ID, j.ID) {
		e.Undecided = nil // what was measured stays
	}
	j.State = JobIgnored
	if j.ID != JobDeploy {
		reapply(e.Execution, p)
	}
	reopen(e.Execution, r, p, now)
	return nil
}

// openRun is the run of a job that is under way; "" where none is.
func (j *Job) openRun() string {
	if j.State == JobInProgress {
		return j.JobRun
	}
	return ""
}

// reapply has the effects of a phase sent again where traffic was put back, and
// what looked at them look again.
func reapply(e *Execution, p *Phase) {
	if !e.Restored {
		return
	}
	if e.Attempts == nil {
		e.Attempts = map[string]int{}
	}
	e.Attempts[p.ID]++
	for _, j := range p.Jobs() {
		if (j.ID == JobDeploy || j.ID == JobVerify) && j.State == JobSucceeded {
			j.State = JobPending
		}
	}
}

// reopen takes a rollout up again at a phase.
func reopen(e *Execution, r *Record, p *Phase, now time.Time) {
	setJobs(p, JobPending, JobAborted)
	e.Rollout.revive()
	e.Times.set(timeStarted, now) // the person gives it its time once more
	e.Asked, e.YieldsTo = nil, ""
	if p.State == PhaseInProgress {
		return
	}
	e.Rollout.State = StateInProgress
	e.Rollout.FailureReason, e.Rollout.DeployFailureCause, e.Rollout.DeployEndTime = "", "", time.Time{}
	r.event(e, now, Event{Type: "rollout.reopened"})
	e.beginPhase(r, p, now)
}

// failedJob finds the job a person means: the one whose effect asks, else one
// that is FAILED.
func failedJob(r *Record, intention Intention, rollout, phase, job string, by Actor, now time.Time) (*Execution, *Phase, *Job, error) {
	command := string(intention)
	e, err := r.rolloutFor(command, rollout)
	if err != nil {
		return nil, nil, nil, err
	}
	if err := mayTakeUp(e, r, intention, by, now); err != nil {
		return nil, nil, nil, err
	}
	if step, asks := e.Steps.asking(); asks {
		p, j, err := askingJob(e, step, command, phase, job)
		return e, p, j, err
	}
	if p, j, ok := undecidedJob(e, phase, job); ok {
		return e, p, j, nil
	}
	p, j, err := e.onlyJob(command, JobFailed, ReasonNoJob, phase, job)
	return e, p, j, err
}

// askingJob is the job whose effect asks. An effect of a platform's own
// rollout has no job of ours: it stands for itself.
func askingJob(e *Execution, step *Step, command, phase, job string) (*Phase, *Job, error) {
	p, j, ok := e.Rollout.job(step.Phase, step.Job)
	if !ok {
		p, j = &Phase{ID: step.Phase}, &Job{ID: step.Job}
	}
	if !meant(p, j, phase, job) {
		err := e.refuse(command, ReasonNoJob).ofJob(phase, job)
		err.Names = []string{strings.Trim(p.ID+"/"+j.ID, "/")}
		return nil, nil, err
	}
	return p, j, nil
}

// mayTakeUp says whether a rollout can go on past a failure or a question.
func mayTakeUp(e *Execution, r *Record, intention Intention, by Actor, now time.Time) error {
	command := string(intention)
	step, open := e.Steps.Open()
	if open && step.State == StepAsking {
		if e.Rollout.State == StateCancelling && step.Asked == nil && intention == ToRetryJob {
			return e.refuse(command, ReasonCancelling)
		}
		if step.Asked != nil || e.Rollout.State == StateCancelling {
			return nil // it is about going back, or about leaving what stands
		}
		return r.Blocks.mayGoOn(e, intention, by, now)
	}
	if states := []State{StateFailed, StateInProgress, StateHalted}; !slices.Contains(states, e.Rollout.State) {
		return e.refuse(command, ReasonState, states[:2]...)
	}
	if open && !e.Spec.Remote {
		return e.refuse(command, ReasonUnderWay)
	}
	if err := refuseNewer(e, r, command); err != nil {
		return err
	}
	return r.Blocks.mayGoOn(e, intention, by, now)
}

// undecidedJob is the job that a person decides about; false where there is none,
// or they mean another.
func undecidedJob(e *Execution, phase, job string) (*Phase, *Job, bool) {
	if e.Undecided == nil {
		return nil, nil, false
	}
	p, j, ok := e.Rollout.job(e.Undecided.Phase, e.Undecided.Job)
	return p, j, ok && meant(p, j, phase, job)
}

func meant(p *Phase, j *Job, phase, job string) bool {
	return (phase == "" || p.ID == phase) && (job == "" || j.ID == job)
}

// onlyJob is the one job that is in a state and meant; none is the reason where there is
// no such job.
func (e *Execution) onlyJob(command string, state JobState, none Reason, phase, job string) (*Phase, *Job, error) {
	var names []string
	var foundPhase *Phase
	var found *Job
	for i := range e.Rollout.Phases {
		p := &e.Rollout.Phases[i]
		for _, j := range p.Jobs() {
			if j.State == state && meant(p, j, phase, job) {
				names = append(names, p.ID+"/"+j.ID)
				foundPhase, found = p, j
			}
		}
	}
	switch len(names) {
	case 1:
		return foundPhase, found, nil
	case 0:
		return nil, nil, e.refuse(command, none).ofJob(phase, job)
	default:
		err := e.refuse(command, ReasonJobs).ofJob(phase, job)
		err.Names = names
		return nil, nil, err
	}
}
