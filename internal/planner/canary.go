package planner

import (
	"context"
	"fmt"
	"slices"

	"sluice/internal/ledger"
	"sluice/pipeline"
	"sluice/rollout"
	"sluice/stages/driver"
)

// CanaryPromotion asks to promote the canary that stands on a target now,
// whoever put it there.
type CanaryPromotion struct {
	ID      string
	Target  *pipeline.Target
	Disable bool // then remove the canary
	Options driver.Options
}

// PromoteCanary plans to make the canary that stands on a target what runs there
// for all traffic. The error is ctx's alone.
func (p *Planner) PromoteCanary(ctx context.Context, state *ledger.State, req CanaryPromotion) (Plan, error) {
	plan := Plan{Command: rollout.CommandPromoteCanary}
	if known := state.Promotions[req.ID]; known != nil {
		plan.Promotion, plan.Again = known.Clone(), true
		p.goOn(&plan, state, known, req.Target, false)
		return plan, nil
	}
	req.Disable = req.Disable && leavesSettings(req.Target)
	d := &draft{target: req.Target, record: p.declared.record(state, req.Target)}
	d.spec = p.declared.spec(req.Target, rollout.CommandPromoteCanary, req.Options)
	d.spec.Promotion, d.spec.Phases = req.ID, []rollout.PhaseSpec{rollout.StablePhase(req.Disable)}
	if h := d.testers(); h != nil {
		d.spec.ClearTesters(*h)
	}
	d.refusals = append(d.refusals, p.declared.cannotRun(d.spec)...)
	d.reviews, _ = p.reviews(d.target)
	p.besideCanary(d)
	if d.resumes == "" {
		if d.open() {
			p.mayCreateUnnamed(ctx, d)
		}
		p.reader.preflight(ctx, []*draft{d})
	}
	if d.unchanged && req.Disable {
		p.disableAlone(ctx, d)
	}
	if d.resumes == "" && d.open() && !d.unchanged {
		p.admission.mayCreate(d) // its release is known now
	}
	p.reader.comesNewer(ctx, []*draft{d})
	if d.silent != nil {
		d.pending = d.silent // what stands is the platform's to tell
	}
	id := req.ID
	if d.resumes != "" {
		id = "" // it goes on with the promotion that is
	}
	plan.Promotion = p.declared.entry(id, rollout.CommandPromoteCanary, req.Target.Stage, []string{d.name()})
	plan.add(d)
	return plan, ctx.Err()
}

// mayCreateUnnamed refuses what a block stops before anything is asked. Which release
// the canary runs only the platform tells: it is asked all the same where one was
// abandoned here, so that all that has to be ended is named at once.
func (p *Planner) mayCreateUnnamed(ctx context.Context, d *draft) {
	p.admission.mayCreate(d)
	if d.open() || !slices.ContainsFunc(d.record.Blocks, func(b rollout.Block) bool { return b.Kind == rollout.BlockAbandon }) {
		return
	}
	canary := p.reader.canary(ctx, d)
	if canary.ID == "" {
		return
	}
	d.refusals = nil
	d.setRelease(canary)
	p.admission.mayCreate(d)
	d.setRelease(driver.Release{})
}

// besideCanary refuses beside a rollout of ours, and goes on with one of the same.
func (p *Planner) besideCanary(d *draft) {
	active, ok := d.record.Active()
	switch {
	case !ok:
	case active.Spec.Command == rollout.CommandPromoteCanary && active.Rollout.State != rollout.StateCancelling:
		d.resumes, d.release = active.Rollout.Name, active.Spec.Release
	default:
		d.refuse(fmt.Sprintf("a rollout of ours is at work there: %s is %s", active.Rollout.Name, active.Rollout.State),
			p.admission.goesOn(d, active.Rollout.Name))
	}
}

// CanaryRemoval asks to take the canary away that stands on a target, whoever made
// it.
type CanaryRemoval struct {
	ID      string
	Target  *pipeline.Target
	Options driver.Options
}

// DisableCanary plans to take away the canary that stands on a target; what is at
// work there is cancelled first. Where none stands the target is unchanged. The error
// is ctx's alone.
func (p *Planner) DisableCanary(ctx context.Context, state *ledger.State, req CanaryRemoval) (Plan, error) {
	plan := Plan{Command: rollout.CommandDisableCanary}
	if known := state.Promotions[req.ID]; known != nil {
		plan.Promotion, plan.Again = known.Clone(), true
		p.goOn(&plan, state, known, req.Target, false)
		return plan, nil
	}
	d := &draft{target: req.Target, record: p.declared.record(state, req.Target), accepts: true}
	d.spec = p.declared.spec(req.Target, rollout.CommandDisableCanary, req.Options)
	d.spec.Promotion, d.spec.Approval = req.ID, nil
	d.spec.Phases = []rollout.PhaseSpec{{ID: rollout.PhaseStable, Effects: []driver.Kind{driver.Disable}}}
	d.spec.Header = d.testers()
	p.reader.preflight(ctx, []*draft{d})
	p.reader.testersLeft(ctx, d)
	p.takeAway(ctx, d)
	plan.Promotion = p.declared.entry(req.ID, rollout.CommandDisableCanary, req.Target.Stage, []string{d.name()})
	plan.Promotion.OnFailure = rollout.OnFailureContinue
	plan.add(d)
	return plan, ctx.Err()
}

// takeAway plans to take the canary of a draft away, with what it runs.
func (p *Planner) takeAway(ctx context.Context, d *draft) {
	active, ok := d.record.Active()
	switch {
	case !d.open():
		return
	case d.silent != nil:
		d.pending = d.silent // what stands is the platform's to tell
		return
	case ok && !active.Waits():
		d.unchanged = false // what is at work ends, whatever it has come to
	case d.unchanged:
		return
	}
	away := rollout.DisableCanary{Spec: d.spec, By: p.Actor, Canary: p.reader.canary(ctx, d)}
	_, err := p.admission.trial(d.record, away)
	q := rollout.Question{Intention: rollout.ToDisableCanary, Person: p.Actor.Person, Overrides: d.spec.Overrides}
	if err := p.admission.refusedBy(d.record, q, err); err != nil {
		d.undoNothing(Back{}, err)
		return
	}
	d.away = &away
}

// disableAlone plans to remove a canary that is what runs already.
func (p *Planner) disableAlone(ctx context.Context, d *draft) {
	release := d.release
	d.unchanged, d.prepared, d.findings = false, nil, nil
	d.spec.Phases = []rollout.PhaseSpec{{ID: rollout.PhaseStable, Effects: []driver.Kind{driver.Disable}}}
	p.reader.preflight(ctx, []*draft{d})
	if d.release.ID == "" {
		d.setRelease(release)
	}
}
