package view

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"sluice/internal/executor"
	"sluice/internal/planner"
	"sluice/rollout"
)

// done is what an invocation did on a target.
type done struct {
	plan  planner.Plan
	move  planner.Move
	row   executor.RowResult
	err   error // why it went no further
	whole error // what kept the invocation from doing its work
}

// why is what kept the plan from being made on the target.
func (d done) why() error {
	if d.err != nil {
		return d.err
	}
	return d.whole
}

// done tells of a target that an invocation worked on.
func (t *telling) done(d done) Target {
	name, r := d.row.Target, t.state.Records[d.row.Target]
	switch {
	case len(d.move.Refused) > 0:
		return t.leftOut(d, r)
	case d.row.Unchanged && !goingBack(r):
		o := t.target(name, r, nil, seen{})
		o.Unchanged = true
		if release := d.move.Shows.Release; release.ID != "" {
			o.Release, o.ReleaseName = release.ID, release.Name
		}
		return o
	case d.move.Pending != nil && !d.rolls(r):
		return t.unplanned(d, r)
	case d.why() != nil && d.missing(r):
		o := t.target(name, r, nil, seen{})
		o.Status, o.ErrorMessage = rollout.PromotionFailed, d.why().Error()
		return o
	}
	e := d.execution(r)
	o := t.target(name, r, e, seen{waiting: d.row.Waiting, err: d.err, left: d.row.Left, settled: d.why() == nil})
	o.Withdrawn = withdrew(d.plan.Command, e)
	if d.err != nil && o.Status == rollout.PromotionPending {
		o.refused = isRefusal(d.err)
	}
	return o
}

// goingBack reports whether a rollback is at work on a target: where nothing was
// to be done, it is on its way and not there.
func goingBack(r *rollout.Record) bool {
	if r == nil {
		return false
	}
	e, ok := r.Active()
	return ok && e.Rollout.RollbackOfRollout != ""
}

// rolls reports whether the target has a rollout of the plan, or the plan makes
// none and a rollout is at work.
func (d done) rolls(r *rollout.Record) bool {
	if r == nil {
		return false
	}
	if d.plan.Promotion.ID != "" {
		_, ok := part(r, d.plan.Promotion.ID)
		return ok
	}
	return r.Unfinished()
}

// missing reports whether the plan was to make a rollout on the target and it was
// not made.
func (d done) missing(r *rollout.Record) bool {
	makes := slices.ContainsFunc(d.move.Do, makesRollout)
	return makes && !d.rolls(r) || r == nil
}

// makesRollout reports whether a transition begins a rollout.
func makesRollout(t rollout.Transition) bool {
	switch t.(type) {
	case rollout.Create, rollout.Replace, rollout.GoBack, rollout.DisableCanary:
		return true
	default:
		return false
	}
}

// execution is the rollout that is told: the one that a command was given to, the
// promotion's, what was withdrawn, else what is at work, else what ended last.
func (d done) execution(r *rollout.Record) *rollout.Execution {
	if r == nil {
		return nil
	}
	for _, t := range d.move.Do {
		if e, ok := r.Rollout(given(t)); ok {
			return e
		}
	}
	if e, ok := r.Rollout(d.move.Shows.Resumes); ok {
		return e
	}
	if e, ok := part(r, d.plan.Promotion.ID); ok {
		return e
	}
	if e, ok := withdrawn(r); ok && slices.ContainsFunc(d.move.Do, makesRollout) {
		return e
	}
	if e, ok := r.Ended(); ok && !r.Unfinished() {
		return e
	}
	return current(r)
}

// given is the rollout that a command names.
func given(t rollout.Transition) string {
	switch t := t.(type) {
	case rollout.Vote:
		return t.Rollout
	case rollout.Reviewed:
		return t.Rollout
	case rollout.Advance:
		return t.Rollout
	case rollout.Cancel:
		return t.Rollout
	case rollout.RetryJob:
		return t.Rollout
	case rollout.IgnoreJob:
		return t.Rollout
	case rollout.Terminate:
		return t.Rollout
	case rollout.Retry:
		return t.Rollout
	default:
		return ""
	}
}

// part is the newest rollout of a promotion, its rollbacks last.
func part(r *rollout.Record, promotion string) (*rollout.Execution, bool) {
	if promotion == "" {
		return nil, false
	}
	if e, ok := r.Of(promotion); ok {
		return e, true
	}
	for i := range slices.Backward(r.Rollouts) {
		if e := &r.Rollouts[i]; e.Spec.Promotion == promotion {
			return e, true
		}
	}
	return nil, false
}

// withdrawn is the rollout that going back withdrew last, where nothing came of
// the target since.
func withdrawn(r *rollout.Record) (*rollout.Execution, bool) {
	for _, event := range slices.Backward(r.Events) {
		if event.Type == "rollout.withdrawn" {
			return r.Rollout(event.Rollout)
		}
	}
	return nil, false
}

// withdrew reports whether a rollout ended as a command wanted, although its
// promotion did not succeed.
func withdrew(command string, e *rollout.Execution) bool {
	if e == nil || !e.Over() {
		return false
	}
	switch command {
	case string(rollout.ToTerminate):
		return e.Rollout.State == rollout.StateFailed
	case string(rollout.ToReject):
		return e.Rollout.State == rollout.StateApprovalRejected || e.Rollout.State == rollout.StateCancelled
	case string(rollout.ToCancel), rollout.CommandRollback, rollout.CommandDisableCanary:
		return e.Rollout.State == rollout.StateCancelled
	default:
		return false
	}
}

// unplanned tells of a target that could not be planned and may be later.
func (t *telling) unplanned(d done, r *rollout.Record) Target {
	o := t.target(d.row.Target, r, nil, seen{})
	w := t.again(d.plan.Command, o, *d.move.Pending)
	o.Status, o.WaitingFor = rollout.PromotionPending, &w
	return o
}

// leftOut tells of a target that was refused by itself.
func (t *telling) leftOut(d done, r *rollout.Record) Target {
	o := t.target(d.row.Target, r, nil, seen{})
	var lines []string
	for _, one := range d.move.Refused {
		for _, line := range Refusal(one) {
			lines = append(lines, strings.TrimPrefix(line, o.Target+": "))
		}
	}
	o.Status, o.ErrorMessage = rollout.PromotionFailed, strings.Join(lines, "; ")
	return o
}

// target tells what a record says of one of its rollouts; e is nil where there is
// none to be told.
func (t *telling) target(name string, r *rollout.Record, e *rollout.Execution, s seen) Target {
	o := Target{Target: name, Status: rollout.PromotionSucceeded}
	t.place(&o, r)
	if r == nil {
		return o
	}
	o.Generation, o.BlockedBy = r.Generation, t.blocks(r)
	if r.Release != nil {
		o.PlatformRelease = r.Release.Platform
	}
	if e == nil {
		if r.Release != nil {
			o.Release, o.ReleaseName = r.Release.ID, r.Release.Name
		}
		return o
	}
	o.Release, o.ReleaseName, o.Promotion = e.Spec.Release.ID, e.Spec.Release.Name, e.Spec.Promotion
	o.Rollout, o.State, o.Phase = e.Rollout.Name, e.Rollout.State, phaseNow(e)
	o.Previous, o.Digest, o.Commit, o.RunURL = e.Previous.ID, e.Spec.Release.Digest, e.Spec.Commit, e.Spec.RunURL
	o.acted, o.Flagged, o.Results, o.Queued = e.Steps.Acted(), e.Flagged(), results(e), queued(r, e)
	o.Measures, o.Automation = measures(e), automation(e)
	t.inPromotion(&o)
	o.Status, o.ErrorMessage = r.Share(e)
	if back := e.Rollout.RolledBackByRollouts; o.Status == rollout.PromotionSucceeded && len(back) > 0 {
		o.Status, o.ErrorMessage = rollout.PromotionFailed, "rolled back by "+back[len(back)-1]
	}
	t.addError(&o, s)
	if o.Status == rollout.PromotionFailed {
		t.afterFailure(&o, r, e)
	}
	if o.Status == rollout.PromotionPending {
		w := t.waiting(r, e, s)
		o.WaitingFor = &w
	}
	return o
}

// phaseNow is the phase of a rollout whose effect stands or is under way, such as
// canary-10 while it bakes; "" where the rollout is over or has none.
func phaseNow(e *rollout.Execution) string {
	at, stands := e.AtPhase(), ""
	for _, p := range e.Rollout.Phases {
		switch {
		case p.ID == at && p.State == rollout.PhasePending && stands != "":
			return stands
		case p.ID == at:
			return at
		case p.State == rollout.PhaseSucceeded:
			stands = p.ID
		}
	}
	return at
}

// place says where the target stands.
func (t *telling) place(o *Target, r *rollout.Record) {
	if r != nil {
		o.Stage, o.Platform = r.Stage, r.Platform
	}
	if declared := t.declared[o.Target]; declared != nil {
		o.Stage, o.Platform, o.Component = declared.Stage.Name.Value, declared.Platform.Platform, declared.Component.Value
		o.Console = console(declared)
	}
}

// inPromotion says what the promotion knows of the target.
func (t *telling) inPromotion(o *Target) {
	p := t.state.Promotions[o.Promotion]
	if p == nil {
		return
	}
	o.Skipped = slices.ContainsFunc(p.Skips, func(s rollout.Skip) bool { return s.Target == o.Target })
	o.Wave = t.waves(p)[o.Target]
}

// addError says why the invocation went no further, where what is waited for does
// not.
func (t *telling) addError(o *Target, s seen) {
	if s.err == nil || !isOurs(s.err) {
		return // a platform's trouble is what is waited for
	}
	if o.ErrorMessage != "" {
		o.ErrorMessage += "; "
	}
	o.ErrorMessage += s.err.Error()
}

// isOurs reports whether an error is about state, other runs, or what the command
// wanted, and not a platform's.
func isOurs(err error) bool {
	code := ExitOf(err)
	return code == ExitState || code == ExitConflict || code == ExitFailed || isRefusal(err)
}

// isRefusal reports whether what a command wanted did not fit a record.
func isRefusal(err error) bool {
	if _, ok := errors.AsType[*planner.RefusedError](err); ok {
		return true
	}
	_, ok := errors.AsType[*rollout.RefusedError](err)
	return ok
}

// results are what the platform said beside the outcome of its newest work.
func results(e *rollout.Execution) json.RawMessage {
	for _, s := range slices.Backward(e.Steps) {
		if s.Operation == nil {
			continue
		}
		if r := s.Operation.Results[e.Spec.Target.Name]; len(r.Data) > 0 {
			return r.Data
		}
	}
	return nil
}

// Leaves says what a rollout that is over leaves queued, and what begins it; "" where
// it leaves nothing.
func (t Target) Leaves() string {
	if len(t.Queued) == 0 || t.WaitingFor != nil {
		return ""
	}
	q := t.Queued[0]
	return "leaves " + q.Rollout + " of release " + q.Release + " queued until a person promotes or reconciles: `" + Command{Name: "reconcile", Target: t.Target}.String() + "`"
}

// queued are the rollouts behind the one that is told.
func queued(r *rollout.Record, e *rollout.Execution) []Queued {
	var list []Queued
	behind := ""
	if e.Over() {
		behind = e.Rollout.Name
	}
	for i := range r.Rollouts {
		x := &r.Rollouts[i]
		if x.Over() {
			continue
		}
		if behind != "" && x.Rollout.Name != e.Rollout.Name {
			list = append(list, Queued{
				Rollout: x.Rollout.Name, Release: x.Spec.Release.ID, Promotion: x.Spec.Promotion, State: x.Rollout.State, Behind: behind,
			})
		}
		behind = x.Rollout.Name
	}
	return list
}

// blocks are those that hold now.
func (t *telling) blocks(r *rollout.Record) []Block {
	var list []Block
	for _, b := range r.Blocks {
		if b.Holds(t.Now) {
			list = append(list, blockOf(b))
		}
	}
	if t.Setting.Outside == nil {
		return list
	}
	release := ""
	if e, ok := r.Active(); ok {
		release = e.Spec.Release.ID
	}
	q := rollout.Question{Intention: rollout.ToPromote, Release: release, Person: t.Setting.Person}
	for _, b := range t.Setting.Outside(r, q, t.Now) {
		list = append(list, blockOf(b))
	}
	return list
}

func blockOf(b rollout.Block) Block {
	return Block{
		ID: b.ID, Kind: b.Kind, Scope: b.Scope, Release: b.Release, Whom: b.Whom, BothWays: b.BothWays, Until: b.Until,
		By: b.By, Began: b.Began, Reason: b.Reason, RunURL: b.RunURL, At: b.At, Override: b.Override,
	}
}
