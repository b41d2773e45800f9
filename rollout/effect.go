package rollout

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	v2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"sluice/stages/driver"
)

// Change is what the next effect of kind should make true of e's target.
func (e *Execution) Change(due Due) driver.Change {
	c := driver.Change{
		Target: e.Spec.Target, Source: e.Spec.Source, Release: e.Spec.Release,
		Phase: due.Phase, Job: due.Job, Options: e.Spec.Options,
		Baseline: json.RawMessage(e.Baseline),
	}
	if due.Kind == driver.Weight {
		c.Percent, c.Variables, c.UseStageCache = e.percent(due.Phase), e.Spec.Variables, e.Spec.UseStageCache
	}
	if last, ok := e.Last(); ok && !e.Accepted {
		c.Expected = last.After
	}
	c.Options.Resolved = e.Accepted
	if e.Spec.Remote && len(e.Steps) > 0 {
		c.Remote, _ = v2.Marshal(e.Rollout)
	}
	return c
}

// CallKey is the key of the next effect: the same for every attempt to send it,
// another one when a person has it applied again.
func (e *Execution) CallKey(due Due) string {
	sent := 0
	for _, s := range e.Steps {
		if s.Phase == due.Phase && s.Call.Kind == due.Kind {
			sent++
		}
	}
	return fmt.Sprintf("%s/%s/%s/%d", e.Rollout.Name, due.Phase, due.Kind, sent+1)
}

// Intend records an effect that is about to be sent.
func (e *Execution) Intend(r *Record, due Due, call driver.Call, before, after json.RawMessage, now time.Time) {
	if len(e.Baseline) == 0 && !e.Spec.Remote {
		e.Baseline = jsontext.Value(before)
	}
	e.startJob(r, due.Phase, due.Job, now)
	var members []string
	if len(call.Changes) > 1 {
		members = call.Names()
		call.Changes = changesOf(call, r.Target)
	}
	e.Steps = append(e.Steps, Step{
		Call: call, Members: members, Phase: due.Phase, Job: due.Job, Attempt: e.Attempts[due.Phase],
		State: StepIntended, Before: before, After: after, Time: now.UTC(),
	})
	r.event(e, now, Event{Type: "effect.intended", Phase: due.Phase, Job: due.Job, Temporary: true, Action: call.Key, Message: string(due.Kind)})
}

// changesOf keeps one target's change of a batch.
func changesOf(call driver.Call, target string) []driver.Change {
	return slices.DeleteFunc(slices.Clone(call.Changes), func(c driver.Change) bool { return c.Target.Name != target })
}

// Unchanged records an effect of which the platform says that nothing is left to do.
func (e *Execution) Unchanged(r *Record, due Due, call driver.Call, stands json.RawMessage, now time.Time) {
	e.Intend(r, due, call, stands, stands, now)
	step := &e.Steps[len(e.Steps)-1]
	step.Message = "nothing was left to do"
	e.done(r, step, driver.Result{Outcome: driver.Succeeded, Release: e.Spec.Release, After: stands}, now)
}

// startJob puts a job to work.
func (e *Execution) startJob(r *Record, phase, job string, now time.Time) {
	p, ok := e.Rollout.Phase(phase)
	if !ok {
		return
	}
	j, ok := p.Job(job)
	if !ok || j.State != JobPending {
		return
	}
	j.State = JobInProgress
	j.JobRun = fmt.Sprintf("%s/%s-%s-%d", e.Rollout.Name, phase, job, e.Attempts[phase]+1)
	r.event(e, now, Event{Type: "job.started", Phase: phase, Job: job, Temporary: true, Action: j.JobRun})
}

// Begun records that the platform works on the step.
func (e *Execution) Begun(r *Record, key string, op driver.Operation, now time.Time) {
	step, ok := e.step(key)
	if !ok {
		return
	}
	if step.State != StepBegun {
		step.Time = now.UTC()
	}
	step.State, step.Operation, step.Looked = StepBegun, &op, 0
	result, ok := op.Results[r.Target]
	if !ok {
		return
	}
	op.Results = map[string]driver.Result{r.Target: stored(result)}
	e.mirror(result)
	r.takeEvents(e, result.Events)
	switch result.Outcome {
	case driver.Succeeded:
		e.done(r, step, result, now)
	case driver.Failed:
		e.failStep(r, step, result, now)
	}
}

// stored is what the record keeps of a result: what is kept elsewhere in the
// record is not kept twice.
func stored(result driver.Result) driver.Result {
	result.After, result.Rollout, result.Events, result.Log = nil, nil, nil, ""
	return result
}

// takeEvents merges the platform's own history into ours, once.
func (r *Record) takeEvents(e *Execution, events []driver.Event) {
	for _, event := range events {
		id := e.Rollout.Name + "/platform/" + event.ID
		if slices.ContainsFunc(r.Events, func(have Event) bool { return have.Info["platformEvent"] == id }) {
			continue
		}
		r.AddEvent(Event{
			Type: event.Type, Time: event.Time.UTC(), Message: event.Message, Temporary: event.Temporary,
			Rollout: e.Rollout.Name, Info: map[string]string{"platformEvent": id},
		})
	}
}

// mirror takes over the platform's own rollout, keeping the links that only we know.
func (e *Execution) mirror(result driver.Result) {
	if len(result.Rollout) == 0 {
		return
	}
	var remote Rollout
	if err := v2.Unmarshal(result.Rollout, &remote); err != nil {
		return
	}
	if remote.TargetID == "" {
		remote.TargetID = e.Rollout.TargetID
	}
	remote.Annotations = withAnnotation(remote.Annotations, "sluice/platform-name", remote.Name)
	remote.Name = e.Rollout.Name
	e.Rollout = remote
}

// Differs reports whether the platform's rollout is not what is mirrored.
func (e *Execution) Differs(remote json.RawMessage) bool {
	var r Rollout
	if err := v2.Unmarshal(remote, &r); err != nil {
		return false
	}
	return r.State != e.Rollout.State || r.Etag != e.Rollout.Etag || len(r.Phases) != len(e.Rollout.Phases)
}

func withAnnotation(m map[string]string, key, value string) map[string]string {
	if m == nil {
		m = map[string]string{}
	}
	m[key] = value
	return m
}

// done records that an effect was read back.
func (e *Execution) done(r *Record, step *Step, result driver.Result, now time.Time) {
	step.State = StepDone
	if len(result.After) > 0 {
		step.After = result.After
	}
	e.Accepted = false
	switch step.Call.Kind {
	case driver.Weight:
		e.Restored = false
	case driver.Deploy, driver.Stable:
		e.Restored = false
		r.setRelease(result.Release)
	case driver.Rollback:
		e.Restored = true
		r.setRelease(result.Release)
	case driver.RetryJob, driver.IgnoreJob:
		e.followAgain()
	}
	e.dropAsked(step.Call.Kind, step.Phase)
	r.event(e, now, Event{Type: "effect.succeeded", Phase: step.Phase, Job: step.Job, Action: step.Call.Key, Message: string(step.Call.Kind)})
}

// followAgain takes up following the platform's own rollout after a command
// made it go on.
func (e *Execution) followAgain() {
	for i := range e.Steps {
		if s := &e.Steps[i]; s.State == StepFailed && s.Operation != nil && s.Call.Kind == driver.Deploy {
			s.State = StepBegun
			e.Rollout.FailureReason, e.Rollout.DeployFailureCause = "", ""
		}
	}
}

func (r *Record) setRelease(release driver.Release) {
	if release.ID != "" {
		r.Release = &release
	}
}

// failStep records that the platform said no after it had begun.
func (e *Execution) failStep(r *Record, step *Step, result driver.Result, now time.Time) {
	messages := make([]string, 0, len(result.Errors))
	for _, p := range result.Errors {
		messages = append(messages, p.String())
	}
	step.State, step.Message = StepFailed, strings.Join(messages, "; ")
	if step.Message == "" {
		step.Message = "the platform reports a failure without a reason"
	}
	e.effectFailed(r, Due{Phase: step.Phase, Job: step.Job, Kind: step.Call.Kind}, step.Message, now)
}

// effectFailed fails the job an effect belongs to. An effect outside the order
// of jobs was already the answer to a failure, or to a cancellation: its own
// failure is added to that and nothing more is tried.
func (e *Execution) effectFailed(r *Record, due Due, message string, now time.Time) {
	asked := slices.ContainsFunc(e.Asked, func(q Request) bool { return q.Kind == due.Kind && q.Phase == due.Phase })
	if !asked {
		e.FailJob(r, due.Phase, due.Job, ExecutionFailed, message, now)
		return
	}
	e.dropAsked(due.Kind, due.Phase)
	if e.Spec.Remote {
		return
	}
	message = "traffic could not be put back: " + message
	if e.Rollout.FailureReason != "" {
		message = e.Rollout.FailureReason + "; and " + message
	}
	e.Rollout.FailureReason, e.Rollout.DeployFailureCause = message, ExecutionFailed
	e.abortRest()
	e.finish(r, StateFailed, now)
}

func (e *Execution) dropAsked(kind driver.Kind, phase string) {
	e.Asked = slices.DeleteFunc(e.Asked, func(q Request) bool { return q.Kind == kind && q.Phase == phase })
}

// FailEffect records that an effect was refused before or by the platform
// without taking place. key may name no step: then nothing was sent.
func (e *Execution) FailEffect(r *Record, due Due, key, message string, now time.Time) {
	if step, ok := e.step(key); ok {
		step.State, step.Message = StepFailed, message
		r.event(e, now, Event{Type: "effect.failed", Phase: due.Phase, Job: due.Job, Action: key, Message: message})
	}
	e.effectFailed(r, due, message, now)
}

// Withdraw records that an intended effect was provably never sent and never will be.
func (e *Execution) Withdraw(r *Record, key, why string, now time.Time) {
	if step, ok := e.step(key); ok {
		step.State, step.Message = StepWithdrawn, why
		r.event(e, now, Event{Type: "effect.withdrawn", Phase: step.Phase, Job: step.Job, Action: key, Message: why})
	}
}

// Intended dates the intent of an effect anew, before it is sent once more.
func (e *Execution) Intended(key string, at time.Time) {
	if step, ok := e.step(key); ok {
		step.Call.Intended = at.UTC()
	}
}

// LookedUp counts an undecided look at an intended effect.
func (e *Execution) LookedUp(key string) {
	if step, ok := e.step(key); ok {
		step.Looked++
	}
}

// Ask stops at an effect that cannot be decided: a person must.
func (e *Execution) Ask(r *Record, due Due, key string, found json.RawMessage, message string, now time.Time) {
	step, ok := e.step(key)
	if !ok {
		e.startJob(r, due.Phase, due.Job, now)
		e.Steps = append(e.Steps, Step{
			Call:  driver.Call{Key: key, Kind: due.Kind, Changes: []driver.Change{e.Change(due)}},
			Phase: due.Phase, Job: due.Job, Attempt: e.Attempts[due.Phase], Time: now.UTC(),
		})
		step = &e.Steps[len(e.Steps)-1]
		step.Before = step.Call.Changes[0].Expected
	}
	step.State, step.Found, step.Message = StepAsking, found, message
	r.event(e, now, Event{Type: "effect.asking", Phase: due.Phase, Job: due.Job, Action: key, Message: message})
}

func (e *Execution) step(key string) (*Step, bool) {
	for i := range e.Steps {
		if e.Steps[i].Call.Key == key && e.Steps[i].State != StepWithdrawn {
			return &e.Steps[i], true
		}
	}
	return nil, false
}
