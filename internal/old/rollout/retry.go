package rollout

import (
	"slices"
	"strings"
	"time"

	"sluice/stages/driver"
)

// The commands as refusals name them.
const (
	retryJob  = "retry-job"
	ignoreJob = "ignore-job"
)

// RetryJob runs a failed job again, or repeats an effect that asks. Where
// traffic was put back the effects of the phase are applied again first, and
// looked at again. phase and job "" mean the only one that qualifies.
func (e *Execution) RetryJob(r *Record, phase, job, actor string, now time.Time) error {
	p, j, err := e.failedJob(r, retryJob, phase, job)
	if err != nil {
		return err
	}
	if e.Spec.Remote && !e.asks() {
		return e.ask(r, Request{Kind: driver.RetryJob, Phase: p.ID, Job: j.ID, Actor: actor}, now)
	}
	r.event(e, now, Event{Type: "job.retried", Phase: p.ID, Job: j.ID, Action: j.openRun(), Actor: actor})
	if step, asks := e.asking(); asks {
		e.decided(r, step, now)
		if step.Asked != nil {
			e.Asked = append(e.Asked, *step.Asked)
			return nil
		}
	}
	if e.Spec.Remote {
		return nil // the effect goes out again
	}
	e.Accepted = e.Accepted || e.Restored || j.ID == JobDeploy
	j.State = JobPending
	if j.ID == JobAnalysis {
		e.forgetAnalysis(p.ID)
	}
	e.reapply(p)
	e.reopen(r, p, now)
	return nil
}

// IgnoreJob lets the rollout go on past a failed job, or accepts what stands
// where an effect asks. Where traffic was put back the effects of the phase are
// applied again first: the rest of it needs them.
func (e *Execution) IgnoreJob(r *Record, phase, job, actor string, now time.Time) error {
	p, j, err := e.failedJob(r, ignoreJob, phase, job)
	if err != nil {
		return err
	}
	if e.Spec.Remote && !e.asks() {
		return e.ask(r, Request{Kind: driver.IgnoreJob, Phase: p.ID, Job: j.ID, Actor: actor}, now)
	}
	r.event(e, now, Event{Type: "job.ignored", Phase: p.ID, Job: j.ID, Action: j.openRun(), Actor: actor})
	if step, asks := e.asking(); asks {
		e.decided(r, step, now)
		if step.Asked != nil || e.Rollout.State == StateCancelling {
			e.Left = e.Left || !isCommand(step.Call.Kind)
			return nil
		}
	}
	if e.Spec.Remote {
		e.finish(r, StateSucceeded, now)
		return nil
	}
	e.Accepted = true
	j.State = JobIgnored
	if j.ID != JobDeploy {
		e.reapply(p)
	}
	e.reopen(r, p, now)
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
func (e *Execution) reapply(p *Phase) {
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
func (e *Execution) reopen(r *Record, p *Phase, now time.Time) {
	setJobs(p, JobPending, JobAborted)
	for i := range e.Rollout.Phases {
		later := &e.Rollout.Phases[i]
		if later.State == PhaseAborted {
			later.State = PhasePending
			setJobs(later, JobPending, JobAborted)
		}
	}
	e.setTime(timeStarted, now) // the person gives it its time once more
	e.Asked = nil
	if p.State == PhaseInProgress {
		return
	}
	e.Rollout.State = StateInProgress
	e.Rollout.FailureReason, e.Rollout.DeployFailureCause, e.Rollout.DeployEndTime = "", "", time.Time{}
	r.event(e, now, Event{Type: "rollout.reopened"})
	e.beginPhase(r, p, now)
}

// asks reports whether an effect waits for a person's decision.
func (e *Execution) asks() bool {
	_, asks := e.asking()
	return asks
}

// failedJob finds the job a person means: the one whose effect asks, else one
// that is FAILED.
func (e *Execution) failedJob(r *Record, command, phase, job string) (*Phase, *Job, error) {
	if err := e.mayTakeUp(r, command); err != nil {
		return nil, nil, err
	}
	if step, asks := e.asking(); asks {
		return e.askingJob(step, command, phase, job)
	}
	var names []string
	var foundPhase *Phase
	var found *Job
	for i := range e.Rollout.Phases {
		p := &e.Rollout.Phases[i]
		for _, j := range p.Jobs() {
			if j.State == JobFailed && meant(p, j, phase, job) {
				names = append(names, p.ID+"/"+j.ID)
				foundPhase, found = p, j
			}
		}
	}
	switch len(names) {
	case 0:
		return nil, nil, e.refuse(command, "no job"+of(phase, job)+" is FAILED or asks for a decision")
	case 1:
		return foundPhase, found, nil
	default:
		return nil, nil, e.refuse(command, "several jobs qualify: "+strings.Join(names, ", ")+"; name one with --phase and --job")
	}
}

// askingJob is the job whose effect asks. An effect of a platform's own
// rollout has no job of ours: it stands for itself.
func (e *Execution) askingJob(step *Step, command, phase, job string) (*Phase, *Job, error) {
	p, j, ok := e.job(step.Phase, step.Job)
	if !ok {
		p, j = &Phase{ID: step.Phase}, &Job{ID: step.Job}
	}
	if !meant(p, j, phase, job) {
		return nil, nil, e.refuse(command, "no job"+of(phase, job)+" is FAILED or asks for a decision; "+strings.Trim(p.ID+"/"+j.ID, "/")+" asks")
	}
	return p, j, nil
}

// mayTakeUp says whether a rollout can go on past a failure or a question.
func (e *Execution) mayTakeUp(r *Record, command string) error {
	step, open := e.OpenStep()
	if open && step.State == StepAsking {
		if e.Rollout.State == StateCancelling && step.Asked == nil && command == retryJob {
			return e.refuse(command, "`cancel` puts traffic back all the same, `ignore-job` accepts what stands")
		}
		return nil
	}
	if !slices.Contains([]State{StateFailed, StateInProgress, StateHalted}, e.Rollout.State) {
		return e.refuse(command, "only a failed job of a rollout that is FAILED or IN_PROGRESS can be retried or ignored")
	}
	if open && !e.Spec.Remote {
		return e.refuse(command, "an effect is under way; `sluice reconcile` goes on with it")
	}
	if r.IsAbandoned(e.Spec.Release.ID) {
		return e.refuse(command, "release "+e.Spec.Release.ID+" was abandoned")
	}
	return e.refuseNewer(r, command)
}

func meant(p *Phase, j *Job, phase, job string) bool {
	return (phase == "" || p.ID == phase) && (job == "" || j.ID == job)
}

func of(phase, job string) string {
	if phase == "" && job == "" {
		return ""
	}
	return " " + strings.Trim(phase+"/"+job, "/")
}
