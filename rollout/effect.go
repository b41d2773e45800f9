package rollout

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"sluice/stages/driver"
)

func (t Intend) apply(r *Record, now time.Time) error {
	e, err := r.rolloutFor("send an effect of", t.Due.Rollout)
	if err != nil {
		return err
	}
	if step, open := e.Steps.Open(); open && !e.Asked.before(step) {
		return e.refuse("send an effect of", ReasonUnderWay)
	}
	if e.Rollout.State.Final() && !t.Due.Asked {
		return e.refuse("send an effect of", ReasonState, StateInProgress)
	}
	t.intend(r, e, now)
	return nil
}

// intend records an effect that is about to be sent.
func (t Intend) intend(r *Record, e *Execution, now time.Time) *Step {
	if !e.Steps.Acted() && !e.Spec.goesBack() {
		t.rememberBefore(r, e)
	}
	call, shared := t.Call, len(t.Call.Changes) > 1
	if shared {
		call.Changes = changesOf(call, r.Target)
	}
	step := e.addStep(r, t.Due, Step{Call: call, Shared: shared, State: StepIntended, Before: t.Before, After: t.After}, now)
	r.event(e, now, Event{Type: "effect.intended", Phase: t.Due.Phase, Job: t.Due.Job, Temporary: true, Action: call.Key, Message: string(t.Due.Kind)})
	return step
}

// rememberBefore keeps what stood before the rollout's first effect: a rollback
// has it from the rollout that it undoes, one that took over from the one before,
// and one that begins over a canary which a rollout left from that rollout: what is
// to be gone back to was good, and the canary was not.
func (t Intend) rememberBefore(r *Record, e *Execution) {
	if e.Accepted && len(e.Baseline) > 0 {
		return
	}
	if old, ok := leftStanding(r, e, t.Before); ok {
		e.Baseline, e.Previous = slices.Clone(old.Baseline), old.Previous
		return
	}
	if !e.Spec.Remote {
		e.Baseline = jsontext.Value(slices.Clone(t.Before))
	}
	if t.Runs.ID != "" {
		e.Previous = t.Runs
	}
}

// leftStanding is the rollout before e whose canary stands, as that left it. One that
// somebody changed since, or accepted, is what is wanted there.
func leftStanding(r *Record, e *Execution, stands json.RawMessage) (*Execution, bool) {
	for i := range slices.Backward(r.Rollouts[:r.index(e.Rollout.Name)]) {
		old := &r.Rollouts[i]
		if !old.Steps.Acted() {
			continue
		}
		left := slices.IndexFunc(old.Steps, func(s Step) bool { return s.acted() && sameJSON(s.After, stands) })
		return old, left >= 0 && old.Over() && old.Steps.canaryStands() && !old.Left && len(old.Baseline) > 0
	}
	return nil, false
}

func sameJSON(a, b json.RawMessage) bool {
	x, y := jsontext.Value(slices.Clone(a)), jsontext.Value(slices.Clone(b))
	return x.Canonicalize() == nil && y.Canonicalize() == nil && slices.Equal(x, y)
}

// addStep adds an effect and puts its job to work. What was asked for outside
// the order of jobs starts no job; the step answers the request.
func (e *Execution) addStep(r *Record, due Due, s Step, now time.Time) *Step {
	s.Phase, s.Job, s.Attempt, s.Time = due.Phase, due.Job, e.Attempts[due.Phase], now.UTC()
	if due.Asked {
		s.Asked = e.Asked.take(due)
	} else {
		e.owner().startJob(r, due.Phase, due.Job, now)
	}
	e.endStop(now)
	e.Steps = append(e.Steps, s)
	return &e.Steps[len(e.Steps)-1]
}

// changesOf is one target's change of a batch, in room for no other: the records of a
// large batch would hold its square.
func changesOf(call driver.Call, target string) []driver.Change {
	for i, c := range call.Changes {
		if c.Target.Name == target {
			return slices.Clone(call.Changes[i : i+1])
		}
	}
	return nil
}

func (t Unchanged) apply(r *Record, now time.Time) error {
	e, err := r.rolloutFor("send an effect of", t.Due.Rollout)
	if err != nil {
		return err
	}
	step := Intend{Due: t.Due, Call: t.Call, Before: t.Stands, After: t.Stands}.intend(r, e, now)
	step.Message = "nothing was left to do"
	e.done(r, step, driver.Result{Outcome: driver.Succeeded, Release: e.Spec.Release, After: t.Stands}, now)
	return nil
}

func (t Answer) apply(r *Record, now time.Time) error {
	e, step, ok := r.openCall(t.Key)
	if !ok {
		return nil
	}
	op := t.Operation
	result, ours := op.Results[r.Target]
	var theirs *Rollout
	if len(result.Rollout) > 0 {
		told, err := decodePlatform(result.Rollout)
		if err != nil {
			refused := e.refuse("follow", ReasonUndecodable)
			refused.Message = err.Error()
			return refused
		}
		theirs = &told
	}
	waited := step.waiting(r.Target)
	if step.State != StepBegun || waited != "" && result.Waiting == "" {
		step.Time = now.UTC() // from here on the platform is at work
	}
	op.Results = nil
	if ours {
		op.Results = map[string]driver.Result{r.Target: stored(result)}
	}
	step.State, step.Operation, step.Looked = StepBegun, &op, 0
	noteAwaited(e, result.Waiting == waitingApproval, now)
	if theirs != nil {
		e.owner().took(*theirs)
	}
	notePhases(e, now)
	r.takeEvents(e, result.Events)
	switch result.Outcome {
	case driver.Succeeded:
		e.done(r, step, result, now)
	case driver.Failed:
		w := e.underWay(r, step, now)
		w.noteAsBefore(result)
		w.fail(causeOf(result.Errors), problemsText(result.Errors))
	}
	return nil
}

// noteAwaited has the rollout's time stand still while the platform waits for an
// approval; an answer ends what else stopped it.
func noteAwaited(e *Execution, approval bool, now time.Time) {
	switch {
	case approval:
		e.setStop(Stop{Cause: StopApproval, Since: now.UTC()})
	case e.Stop != nil && e.Stop.Cause != StopBlock:
		e.endStop(now)
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
	case driver.Weight, driver.Host, driver.Route:
		e.Restored, e.Left = false, false
	case driver.Deploy, driver.Stable:
		e.Restored = false
		r.setRelease(result.Release)
	case driver.Rollback:
		e.Restored = true
		r.setRelease(result.Release)
		pinRollback(e, result.Release)
	}
	r.event(e, now, Event{Type: "effect.succeeded", Phase: step.Phase, Job: step.Job, Action: step.Call.Key, Message: string(step.Call.Kind), Info: readBack(step, result)})
	e.owner().succeeded(r, step, result, now)
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
func pinRollback(e *Execution, release driver.Release) {
	if e.Spec.Command == CommandRollback && e.Spec.Release.ID == "" {
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
		if e := &r.Rollouts[i]; e.Waits() && !e.Spec.goesBack() {
			e.Previous = release
		}
	}
}

// rolloutFor finds the rollout that a transition is about: by name, else the one
// at work, else the newest.
func (r *Record) rolloutFor(command, name string) (*Execution, error) {
	e, ok := r.Rollout(name)
	if name == "" {
		if e, ok = r.Active(); !ok {
			e, ok = r.Newest()
		}
	}
	if !ok {
		return nil, &RefusedError{Command: command, Target: r.Target, Rollout: name, Reason: ReasonNoRollout}
	}
	return e, nil
}

// openCall finds the effect with a call's key that still needs an answer.
func (r *Record) openCall(key string) (*Execution, *Step, bool) {
	for i := range r.Rollouts {
		if step, ok := r.Rollouts[i].Steps.of(key); ok {
			return &r.Rollouts[i], step, true
		}
	}
	return nil, nil, false
}

// Change is what the effect that is due should make true of e's target.
func (e *Execution) Change(due Due) driver.Change {
	c := driver.Change{
		Target: e.Spec.Target, Source: e.Spec.Source, Release: e.Spec.Release,
		Phase: due.Phase, Job: due.Job, Options: e.Spec.Options,
		Baseline: json.RawMessage(e.Baseline), Remote: e.Platform(), Header: e.Spec.Header,
	}
	if due.Kind == driver.Host {
		c.Variables = e.Spec.VariablesIn(PhaseTesters)
	}
	if due.Kind == driver.Weight {
		share := e.share(due.Phase)
		c.Percent, c.Variables, c.UseStageCache = share.Percent, e.Spec.VariablesIn(share.ID), e.Spec.UseStageCache
	}
	if last, ok := e.Steps.last(); ok && !e.Accepted {
		c.Expected = last.After
	}
	c.Options.Resolved = e.Accepted
	return c
}

// CallKey is the key of the effect that is due: the same for every attempt to
// send it, another one when a person has it applied again.
func (e *Execution) CallKey(due Due) string {
	sent := 0
	for _, s := range e.Steps {
		if s.Phase == due.Phase && s.Call.Kind == due.Kind {
			sent++
		}
	}
	return fmt.Sprintf("%s/%s/%s/%d", e.Rollout.Name, due.Phase, due.Kind, sent+1)
}
