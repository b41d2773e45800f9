package rollout

import (
	"fmt"
	"time"

	"sluice/stages/driver"
)

// Action is what the engine is to do next for a target.
type Action string

// The actions.
const (
	ActionIdle    Action = "idle"    // nothing: no rollout is unfinished
	ActionWait    Action = "wait"    // for a time, a person or another rollout
	ActionEffect  Action = "effect"  // prepare, save and send an effect
	ActionConfirm Action = "confirm" // look up what an unanswered effect did
	ActionFollow  Action = "follow"  // poll an operation
	ActionCheck   Action = "check"   // run the checks of a job
)

// WaitKind says what is waited for.
type WaitKind string

// What can be waited for.
const (
	WaitApproval  WaitKind = "approval"
	WaitBake      WaitKind = "bake"
	WaitPolicy    WaitKind = "policy"
	WaitLock      WaitKind = "lock"
	WaitQueue     WaitKind = "queue"
	WaitOperation WaitKind = "operation"
	WaitPerson    WaitKind = "person"
	WaitOperator  WaitKind = "operator"
)

// Waiting is what a target waits for, until when, for whom, and what continues it.
type Waiting struct {
	Kind    WaitKind  `json:"kind"`
	Until   time.Time `json:"until,omitzero"`
	By      string    `json:"by,omitzero"`
	Command string    `json:"command,omitzero"`
}

// Due is what is to be done next.
type Due struct {
	Action  Action
	Rollout string
	Phase   string
	Job     string
	Kind    driver.Kind // ActionEffect
	Asked   bool        // ActionEffect: outside the order of jobs
	Waiting Waiting     // ActionWait
}

// View is what a decision needs to know beyond the target's own record.
type View struct {
	// Halted names a target of the same promotion whose failure stops this one
	// (onFailure: halt); "" where none does.
	Halted string
}

// analysisInterval is how often the checks of an analysis run while it bakes.
const analysisInterval = time.Minute

// Next says what is due for r. It reads only; [Settle] first makes the
// transitions that need nothing but time.
func Next(r *Record, now time.Time, view View) Due {
	e, ok := r.Active()
	if !ok {
		return Due{Action: ActionIdle}
	}
	due := Due{Rollout: e.Rollout.Name}
	if step, open := e.OpenStep(); open && !(e.Spec.Remote && step.State == StepBegun && len(e.Asked) > 0) {
		return answer(r, step, due)
	}
	if len(e.Asked) > 0 {
		return effect(r, due, e.Asked[0].Phase, e.Asked[0].Job, e.Asked[0].Kind, true)
	}
	switch e.Rollout.State {
	case StatePendingApproval:
		return waitApproval(e, due)
	case StateInProgress:
		return e.inProgress(r, now, view, due)
	default:
		return due.wait(Waiting{Kind: WaitOperator, By: "unknown state " + string(e.Rollout.State)})
	}
}

func (d Due) wait(w Waiting) Due {
	d.Action, d.Waiting = ActionWait, w
	return d
}

// answer decides about an effect that has no final answer yet.
func answer(r *Record, step *Step, due Due) Due {
	due.Phase, due.Job, due.Kind = step.Phase, step.Job, step.Call.Kind
	switch step.State {
	case StepIntended:
		due.Action = ActionConfirm
	case StepBegun:
		due.Action = ActionFollow
	default:
		return due.wait(Waiting{Kind: WaitOperator, By: step.Message, Command: command("retry-job", r.Target) + "` or `" + command("ignore-job", r.Target)})
	}
	return due
}

// effect lets an effect go out unless a person stopped the line.
func effect(r *Record, due Due, phase, job string, kind driver.Kind, asked bool) Due {
	due.Phase, due.Job, due.Kind, due.Asked = phase, job, kind, asked
	if r.Lock != nil && r.Lock.Person && !asked {
		return due.wait(Waiting{Kind: WaitLock, By: r.Lock.Actor, Command: command("unlock", r.Target)})
	}
	due.Action = ActionEffect
	return due
}

func waitApproval(e *Execution, due Due) Due {
	return due.wait(Waiting{
		Kind: WaitApproval, Until: e.approvalDeadline(), By: e.approversText(),
		Command: command("approve", e.Spec.Target.Name),
	})
}

// command is a command line that a person can use as it stands.
func command(name, target string) string { return "sluice " + name + " --target " + target }

// inProgress finds the current phase and what it wants.
func (e *Execution) inProgress(r *Record, now time.Time, view View, due Due) Due {
	if e.Spec.Remote {
		return effect(r, due, "", JobDeploy, driver.Deploy, false)
	}
	phase, i, ok := e.current()
	if !ok {
		return due.wait(Waiting{Kind: WaitOperator, By: "no phase is left"})
	}
	due.Phase = phase.ID
	if view.Halted != "" {
		return due.wait(Waiting{
			Kind: WaitOperator, By: view.Halted + " failed and the stage halts",
			Command: command("retry-job", view.Halted) + "` or `" + command("ignore-job", view.Halted),
		})
	}
	if phase.State == PhasePending {
		return e.waitForPhase(i, due)
	}
	job, ok := currentJob(phase)
	if !ok {
		return due.wait(Waiting{Kind: WaitOperator, By: "phase " + phase.ID + " has no job left"})
	}
	if job.ID == JobDeploy {
		return effect(r, due, phase.ID, JobDeploy, e.nextEffect(phase.ID), false)
	}
	return e.check(r, phase.ID, job.ID, now, due)
}

// check decides about a job that runs checks.
func (e *Execution) check(r *Record, phase, job string, now time.Time, due Due) Due {
	due.Job = job
	if job == JobAnalysis && !e.analysisDue(phase, now) {
		return due.wait(Waiting{Kind: WaitBake, Until: e.analysisEnd(phase), Command: "sluice reconcile"})
	}
	if r.Lock != nil && r.Lock.Person && job == JobPredeploy {
		return due.wait(Waiting{Kind: WaitLock, By: r.Lock.Actor, Command: command("unlock", r.Target)})
	}
	due.Action = ActionCheck
	return due
}

// waitForPhase says what phase i waits for; [Settle] has started it if nothing.
func (e *Execution) waitForPhase(i int, due Due) Due {
	if e.Spec.Wait != nil {
		return due.wait(Waiting{Kind: WaitBake, Until: e.phaseDue(i), Command: "sluice reconcile"})
	}
	return due.wait(Waiting{Kind: WaitPerson, Command: command("advance", e.Spec.Target.Name)})
}

// current is the first phase that is not over.
func (e *Execution) current() (*Phase, int, bool) {
	for i := range e.Rollout.Phases {
		switch e.Rollout.Phases[i].State {
		case PhaseSucceeded, PhaseSkipped:
		default:
			return &e.Rollout.Phases[i], i, true
		}
	}
	return nil, 0, false
}

// currentJob is the first job of a phase that is not over.
func currentJob(p *Phase) (*Job, bool) {
	for _, j := range p.Jobs() {
		if !j.State.over() {
			return j, true
		}
	}
	return nil, false
}

// phaseSpec is the plan of a phase.
func (e *Execution) phaseSpec(id string) PhaseSpec {
	for _, p := range e.Spec.Phases {
		if p.ID == id {
			return p
		}
	}
	return PhaseSpec{}
}

// nextEffect is the first effect of the phase's deploy job that is not done in
// this attempt; "" where all are.
func (e *Execution) nextEffect(phase string) driver.Kind {
	for _, kind := range e.phaseSpec(phase).Effects {
		if e.doneIn(phase, kind) {
			continue
		}
		if kind == driver.Stable && e.Restored {
			return driver.Weight // traffic was put back: the canary must stand again first
		}
		return kind
	}
	return ""
}

// doneIn reports whether an effect of the phase is done in its present attempt.
func (e *Execution) doneIn(phase string, kind driver.Kind) bool {
	for _, s := range e.Steps {
		if s.Phase == phase && s.Call.Kind == kind && s.Attempt == e.Attempts[phase] && s.State == StepDone {
			return true
		}
	}
	return false
}

// percent is the share of traffic an effect in this phase gives: the phase's
// own, or for a canary that must stand again the last one before.
func (e *Execution) percent(phase string) string {
	percent := ""
	for _, p := range e.Spec.Phases {
		if p.Percent != "" {
			percent = p.Percent
		}
		if p.ID == phase {
			break
		}
	}
	return percent
}

// phaseDue is when phase i may start by itself.
func (e *Execution) phaseDue(i int) time.Time {
	prior := e.Rollout.Phases[i-1]
	if prior.DeploymentJobs != nil && prior.DeploymentJobs.AnalysisJob != nil {
		return e.Times[prior.ID] // the analysis was the bake
	}
	return e.Times[prior.ID].Add(e.Spec.Wait.Std())
}

func (e *Execution) analysisEnd(phase string) time.Time {
	start := e.Times[phase+"/"+JobAnalysis]
	if e.Spec.Wait == nil {
		return start
	}
	return start.Add(e.Spec.Wait.Std())
}

// analysisDue reports whether the checks of an analysis are to run now: at its
// beginning, every so often while it bakes, and at its end.
func (e *Execution) analysisDue(phase string, now time.Time) bool {
	last, ran := e.Times[phase+"/"+JobAnalysis+"/run"]
	if !ran {
		return true
	}
	end := e.analysisEnd(phase)
	if !now.Before(end) {
		return last.Before(end)
	}
	return now.Sub(last) >= analysisInterval
}

// Deadline is when the rollout is failed for having taken too long; zero
// before it started.
func (e *Execution) Deadline() time.Time {
	if e.Rollout.DeployStartTime.IsZero() {
		return time.Time{}
	}
	return e.deadline()
}

func (e *Execution) approvalDeadline() time.Time {
	if e.Spec.Approval == nil || e.Spec.Approval.Timeout == 0 {
		return time.Time{}
	}
	return e.Rollout.CreateTime.Add(e.Spec.Approval.Timeout.Std())
}

func (e *Execution) approversText() string {
	a := e.Spec.Approval
	if a == nil {
		return ""
	}
	who := "anybody"
	if len(a.Approvers) > 0 {
		who = fmt.Sprintf("%v", a.Approvers)
		who = who[1 : len(who)-1]
	}
	if a.Quorum > 1 {
		who = fmt.Sprintf("%d of %s", a.Quorum, who)
	}
	return who
}
