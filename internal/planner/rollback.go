package planner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"sluice/internal/ledger"
	"sluice/pipeline"
	"sluice/rollout"
	"sluice/stages/driver"
)

// Back asks to go back.
type Back struct {
	ID        string // of the promotion that the rollbacks make up
	Targets   []*pipeline.Target
	Of        string // the promotion to go back from; "" whatever changed each target last
	Release   string // "" each target's baseline; else one that ran there before and was good
	Options   driver.Options
	Histories map[string]*rollout.History // by target: of all where Release is named, else of those that went back last ([WentBack])
}

// GoBack plans a rollback. Each target does what it can: one with nothing to
// undo is unchanged, one that is refused refuses nobody else. The plan is
// refused where nothing is left.
func (p *Planner) GoBack(ctx context.Context, state *ledger.State, req Back) (Plan, error) {
	stage := req.Targets[0].Stage
	plan := Plan{Command: rollout.CommandRollback}
	if known := state.Promotions[req.ID]; known != nil {
		plan.Promotion, plan.Again = known.Clone(), true
		for _, t := range req.Targets {
			p.goOn(&plan, state, known, t, false)
		}
		return plan, nil
	}
	drafts := make([]*draft, len(req.Targets))
	for i, t := range req.Targets {
		drafts[i] = &draft{target: t, record: p.declared.record(state, t)}
	}
	p.reader.sideBySide(ctx, drafts, func(ctx context.Context, d *draft) { p.goBack(ctx, req, d) })
	plan.takeBackwards(drafts)
	var members []string
	for _, m := range plan.Moves {
		if len(m.Do) > 0 {
			members = append(members, m.Target)
		}
	}
	id := req.ID
	if len(members) == 0 {
		id = "" // it only goes on with what goes back already
	}
	plan.Promotion = p.declared.entry(id, rollout.CommandRollback, stage, members)
	plan.Promotion.OnFailure = rollout.OnFailureContinue
	return plan, ctx.Err()
}

// goBack plans one target's way back.
func (p *Planner) goBack(ctx context.Context, req Back, d *draft) {
	d.spec = p.declared.spec(d.target, rollout.CommandRollback, req.Options)
	d.spec.Promotion, d.spec.Controlled = req.ID, len(req.Targets) > 1
	if a := d.target.Stage.Approval; a == nil || !a.Rollback {
		d.spec.Approval = nil
	}
	back := rollout.GoBack{Of: req.Of, Promotion: req.ID, Spec: &d.spec, By: p.Actor}
	if req.Release != "" {
		if back.Goal = d.goal(req); back.Goal == nil {
			return
		}
	}
	trial, err := p.admission.trial(d.record, back)
	q := rollout.Question{Intention: rollout.ToRollBack, Person: p.Actor.Person, Overrides: d.spec.Overrides}
	if err := p.admission.refusedBy(d.record, q, err); err != nil {
		d.undoNothing(req, err)
		return
	}
	d.back = &back
	p.reader.lookBack(ctx, d, &trial)
}

// goal finds the one that a person names: by its id, else by its name or the
// beginning of its id, where only one is called so. Nil where there is none: then
// the draft is refused.
func (d *draft) goal(req Back) *rollout.Goal {
	var called []rollout.Goal
	for _, g := range d.record.Goals(req.Histories[d.name()]) {
		if g.Release.ID == req.Release {
			called = []rollout.Goal{g}
			break
		}
		if g.Release.Called(req.Release) {
			called = append(called, g)
		}
	}
	switch len(called) {
	case 1:
		called[0].Baseline = bytes.Clone(called[0].Baseline) // the record's own
		return &called[0]
	case 0:
		d.refuse(fmt.Sprintf("release %s never ran here and was good, so it is nothing to go back to", req.Release),
			fmt.Sprintf("`sluice promote --to %s --release %s` brings it", d.target.Stage.Name.Value, req.Release))
	default:
		d.refuse(fmt.Sprintf("several releases that ran here are called %s: %s", req.Release, releaseNames(called)), "name one by its id")
	}
	return nil
}

func releaseNames(goals []rollout.Goal) string {
	list := make([]string, len(goals))
	for i, g := range goals {
		list[i] = g.Release.ID
		if g.Release.Name != "" {
			list[i] += " (" + g.Release.Name + ")"
		}
	}
	return strings.Join(list, ", ")
}

// undoNothing takes over why a target does not go back.
func (d *draft) undoNothing(req Back, err error) {
	var refused *rollout.RefusedError
	if !errors.As(err, &refused) || !refused.Unchanged() {
		d.refusals = append(d.refusals, refusalOf(d.name(), err))
		return
	}
	if back, ok := d.record.Rollout(refused.Other); ok && refused.Reason == rollout.ReasonGoingBack && d.record.Lease == "" {
		d.resumes, d.release = back.Rollout.Name, back.Spec.Release
		return // it is on its way, and not there
	}
	d.unchanged = true
	note := driver.Finding{Target: d.name(), Severity: driver.Note, Message: refused.Error()}
	if release, ok := further(d.record, req.Histories[d.name()]); ok && refused.Reason == rollout.ReasonThere {
		note.Remedy = fmt.Sprintf("`sluice rollback --target %s --release %s` goes further back", d.name(), release)
	}
	d.findings = append(d.findings, note)
}

// WentBack are the targets whose newest rollout took them back and is over: who wants
// to go back there again is told how to go further, which their histories know.
func (p *Planner) WentBack(state *ledger.State, targets []*pipeline.Target) []string {
	var list []string
	for _, t := range targets {
		if last, ok := p.declared.record(state, t).Newest(); ok && last.Over() && last.Rollout.RollbackOfRollout != "" {
			list = append(list, t.Name.Value)
		}
	}
	return list
}

// further is the release that ran on a target before the one that its last
// rollback brought back; false where the record knows none.
func further(r *rollout.Record, h *rollout.History) (string, bool) {
	last, ok := r.Newest()
	if !ok {
		return "", false
	}
	now, past := last.Spec.Release.ID, false
	for _, g := range r.Goals(h) {
		blocked := slices.ContainsFunc(r.Blocks, func(b rollout.Block) bool { return b.Release == g.Release.ID })
		if past && !blocked && g.Release.ID != now {
			return g.Release.ID, true
		}
		past = past || g.Release.ID == now
	}
	return "", false
}

// takeBackwards takes drafts over, each by itself.
func (plan *Plan) takeBackwards(drafts []*draft) {
	var refused []Refusal
	can := false
	for _, d := range drafts {
		m := Move{
			Target: d.name(), First: d.prepared, ReadAt: d.readAt,
			Unchanged: d.unchanged, Refused: d.refusals, Shows: d.shows(),
		}
		if d.back != nil && len(d.refusals) == 0 {
			m.Do = []rollout.Transition{*d.back}
		}
		can = can || len(d.refusals) == 0
		refused = append(refused, d.refusals...)
		plan.Moves = append(plan.Moves, m)
		plan.Findings = append(plan.Findings, d.findings...)
	}
	if !can {
		plan.Refusals = refused
	}
}
