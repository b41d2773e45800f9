package rollout

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"sluice/stages/driver"
)

// Intend records an effect that is about to be sent.
func (e *Execution) Intend(r *Record, due Due, call driver.Call, before, after json.RawMessage, now time.Time) {
	e.rememberBaseline(before)
	var members []string
	if len(call.Changes) > 1 {
		members = call.Names()
		call.Changes = changesOf(call, r.Target)
	}
	e.addStep(r, due, Step{Call: call, Members: members, State: StepIntended, Before: before, After: after}, now)
	r.event(e, now, Event{Type: "effect.intended", Phase: due.Phase, Job: due.Job, Temporary: true, Action: call.Key, Message: string(due.Kind)})
}

// rememberBaseline keeps what stood before the rollout's first effect. A
// rollback has it from the rollout that it undoes.
func (e *Execution) rememberBaseline(before json.RawMessage) {
	acted := slices.ContainsFunc(e.Steps, Step.acted)
	if e.Spec.Remote || acted || e.Rollout.RollbackOfRollout != "" {
		return
	}
	e.Baseline = jsontext.Value(before)
}

// addStep adds an effect and puts its job to work. What was asked for outside
// the order of jobs starts no job; the step answers the request.
func (e *Execution) addStep(r *Record, due Due, s Step, now time.Time) *Step {
	s.Phase, s.Job, s.Attempt, s.Time = due.Phase, due.Job, e.Attempts[due.Phase], now.UTC()
	if due.Asked {
		s.Asked = e.takeAsked(due)
	} else {
		e.startJob(r, due.Phase, due.Job, now)
	}
	e.Steps = append(e.Steps, s)
	return &e.Steps[len(e.Steps)-1]
}

// takeAsked takes the request that is due from those still to be sent.
func (e *Execution) takeAsked(due Due) *Request {
	i := slices.IndexFunc(e.Asked, func(q Request) bool { return q.Kind == due.Kind && q.Phase == due.Phase })
	if i < 0 {
		return &Request{Kind: due.Kind, Phase: due.Phase, Job: due.Job}
	}
	q := e.Asked[i]
	e.Asked = slices.Delete(e.Asked, i, i+1)
	return &q
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

// Begun records what the platform answered to an effect, or said of it since:
// it works on it, or is done. A key of an effect that needs no answer any more
// changes nothing.
func (e *Execution) Begun(r *Record, key string, op driver.Operation, now time.Time) {
	step, ok := e.openStep(key)
	if !ok {
		return
	}
	result, ours := op.Results[r.Target]
	if step.State != StepBegun || step.waiting(r.Target) != "" && result.Waiting == "" {
		step.Time = now.UTC() // from here on the platform is at work
	}
	op.Results = nil
	if ours {
		op.Results = map[string]driver.Result{r.Target: stored(result)}
	}
	step.State, step.Operation, step.Looked = StepBegun, &op, 0
	e.mirror(result)
	r.takeEvents(e, result.Events)
	switch result.Outcome {
	case driver.Succeeded:
		e.done(r, step, result, now)
	case driver.Failed:
		e.failStep(r, step, causeOf(result.Errors), problemsText(result.Errors), now)
	}
}

// stored is what the record keeps of a result: what is kept elsewhere in the
// record is not kept twice.
func stored(result driver.Result) driver.Result {
	result.After, result.Rollout, result.Events, result.Log = nil, nil, nil, ""
	return result
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
		e.Restored, e.Left = false, false
	case driver.Deploy, driver.Stable:
		e.Restored = false
		r.setRelease(result.Release)
	case driver.Rollback:
		e.Restored = true
		r.setRelease(result.Release)
		e.pinRollback(result.Release)
	}
	r.event(e, now, Event{Type: "effect.succeeded", Phase: step.Phase, Job: step.Job, Action: step.Call.Key, Message: string(step.Call.Kind), Info: readBack(step, result)})
	if e.Spec.Remote {
		e.remoteDone(r, step.Call.Kind, now)
	}
}

// readBack is what an effect came to, for the history: the release that was
// read back and, of a canary, its share of the traffic.
func readBack(step *Step, result driver.Result) map[string]string {
	info := map[string]string{}
	if result.Release.ID != "" {
		info["release"] = result.Release.ID
	}
	if len(step.Call.Changes) == 1 && step.Call.Changes[0].Percent != "" {
		info["percent"] = step.Call.Changes[0].Percent
	}
	return info
}

// pinRollback names the release a rollback went back to, where only the
// platform knew what had run before.
func (e *Execution) pinRollback(release driver.Release) {
	if e.Spec.Command == commandRollback && e.Spec.Release.ID == "" {
		e.Spec.Release = release
	}
}

// setRelease records what was read back as what runs on the target. For what is
// queued it is now what ran before.
func (r *Record) setRelease(release driver.Release) {
	if release.ID == "" {
		return
	}
	r.Release = &release
	for i := range r.Rollouts {
		if e := &r.Rollouts[i]; e.waiting() {
			e.Previous = release.ID
		}
	}
}
