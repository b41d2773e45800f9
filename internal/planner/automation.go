package planner

import (
	"fmt"
	"slices"
	"time"

	"sluice/internal/ledger"
	"sluice/pipeline"
	"sluice/rollout"
	"sluice/stages/driver"
)

// automaton is who acts by a rule. It is no person: whatever stops automation stops
// it, and its word is no approval.
func automaton(rule rollout.Rule, runURL string) rollout.Actor {
	return rollout.Actor{Login: "automation", RunURL: runURL, Reason: "rule " + rule.Name}
}

// Rules are the file's automation, and what it does on a state.
type Rules struct{ planner *Planner }

// Rules are those of the planner's file.
func (p *Planner) Rules() Rules { return Rules{p} }

// of are the file's of a kind, by the names that their runs are recorded under.
func (a Rules) of(kind string) []rollout.Rule {
	var list []rollout.Rule
	for _, declared := range a.planner.Pipeline.Automation {
		if rule, ok := ruleOf(declared); ok && rule.Kind == kind {
			rule.Name = fmt.Sprintf("%s-%d", kind, len(list)+1)
			list = append(list, rule)
		}
	}
	return list
}

// ruleOf is a rule of the file as a run of it is recorded.
func ruleOf(a *pipeline.Automation) (rollout.Rule, bool) {
	switch {
	case a.Promote != nil:
		r := a.Promote
		return rollout.Rule{Kind: rollout.AutomationPromote, Stage: r.From, After: rollout.Duration(r.After), Cron: r.Cron, Zone: r.Zone.String()}, true
	case a.Advance != nil:
		r := a.Advance
		return rollout.Rule{Kind: rollout.AutomationAdvance, Stage: r.Stage, Phases: r.Phases, After: rollout.Duration(r.After)}, true
	case a.Repair != nil:
		r := a.Repair
		rule := rollout.Rule{Kind: rollout.AutomationRepair, Stage: r.Stage, Phases: r.Phases, Jobs: r.Jobs}
		if r.Attempts > 0 {
			rule.Retry = &rollout.RetryRule{Attempts: r.Attempts, Wait: rollout.Duration(r.Wait), Exponential: r.Exponential}
		}
		if r.Back {
			rule.Back = &rollout.BackRule{UnlessPending: r.UnlessPending}
		}
		return rule, true
	default:
		return rollout.Rule{}, false
	}
}

// due is what the rules do on a target now.
func (a Rules) due(r *rollout.Record) []rollout.Transition {
	now := a.planner.Work.Now()
	for _, rule := range a.of(rollout.AutomationRepair) {
		step, ok := r.RepairDue(rule)
		if rule.Stage != r.Stage || !ok || step.At.After(now) || a.stopped(r, rollout.ToRetryJob, step) {
			continue
		}
		return []rollout.Transition{rollout.Repair{Rule: rule, By: automaton(rule, a.planner.Actor.RunURL)}}
	}
	for _, rule := range a.of(rollout.AutomationAdvance) {
		_, at, ok := r.AdvanceDue(rule)
		if rule.Stage != r.Stage || !ok || at.After(now) || a.stopped(r, rollout.ToAdvance, rollout.RepairStep{}) {
			continue
		}
		return []rollout.Transition{rollout.AutoAdvance{Rule: rule, By: automaton(rule, a.planner.Actor.RunURL)}}
	}
	return nil
}

// stopped reports whether a block or a policy stops a rule. A repair passes the block
// that the restoring left which it repairs; going back passes what stops going
// forward.
func (a Rules) stopped(r *rollout.Record, intention rollout.Intention, step rollout.RepairStep) bool {
	q := asks(r, intention, step)
	return len(r.Blocks.Stopping(q, a.planner.Work.Now()))+len(a.planner.admission.byPolicy(r, q)) > 0
}

// asks is what blocks are asked about a rule's step on a record.
func asks(r *rollout.Record, intention rollout.Intention, step rollout.RepairStep) rollout.Question {
	q := rollout.Question{Intention: intention}
	if e, ok := r.Newest(); ok && intention != rollout.ToPromote { // that brings another one
		q.Release = e.Spec.Release.ID
	}
	if step.Back {
		q.Intention = rollout.ToRollBack
	}
	if step.Rollout != "" {
		q.Overrides = []string{rollout.RestoredBlock(step.Rollout)}
	}
	return q
}

// AutoPromotion is a promotion that a rule makes.
type AutoPromotion struct {
	Rule    rollout.Rule
	Stage   *pipeline.Stage
	Targets []*pipeline.Target
	Actor   rollout.Actor
}

// Promotions are the promotions that rules make now: to the targets of the stages
// after the rule's whose release succeeded on every stage before long enough ago, where
// that release never was. What went back there is never promoted again by a rule. state holds the records
// of all targets.
func (a Rules) Promotions(state *ledger.State) []AutoPromotion {
	var all []AutoPromotion
	for i, rule := range a.of(rollout.AutomationPromote) {
		from, err := a.planner.Pipeline.Stage(rule.Stage)
		if err != nil {
			continue // the file's checks have said so
		}
		for _, stage := range a.planner.Pipeline.Next(from) {
			one := AutoPromotion{Rule: rule, Stage: stage, Actor: automaton(rule, a.planner.Actor.RunURL)}
			for _, t := range stage.Targets {
				if at, ok := a.promotesAt(state, a.promoteRule(i), t); ok && !at.After(a.planner.Work.Now()) {
					one.Targets = append(one.Targets, t)
				}
			}
			if len(one.Targets) > 0 {
				all = append(all, one)
			}
		}
	}
	return all
}

// promoteRule is the i-th promote rule of the file.
func (a Rules) promoteRule(i int) *pipeline.AutoPromote {
	for _, declared := range a.planner.Pipeline.Automation {
		if declared.Promote == nil {
			continue
		}
		if i == 0 {
			return declared.Promote
		}
		i--
	}
	return nil
}

// promotesAt is when a rule promotes to a target; false where it does not.
func (a Rules) promotesAt(state *ledger.State, rule *pipeline.AutoPromote, t *pipeline.Target) (time.Time, bool) {
	source, err := a.planner.Pipeline.Source(t)
	if err != nil || source == nil {
		return time.Time{}, false
	}
	release, since, ok := proven(state.Records[source.Name.Value])
	if !ok {
		return time.Time{}, false
	}
	for _, other := range a.planner.Pipeline.Beside(t, source) {
		too, at, ok := proven(state.Records[other.Name.Value])
		if !ok || !too.Same(release) {
			return time.Time{}, false
		}
		if at.After(since) {
			since = at
		}
	}
	if r := state.Records[t.Name.Value]; r != nil && was(r, release.ID) {
		return time.Time{}, false
	}
	return rule.Due(since)
}

// Next is when a rule of the file does something next, as things stand; false where
// none does. state holds the records of all targets. What a block stops is none of it.
func (a Rules) Next(state *ledger.State) (next time.Time, ok bool) {
	note := func(at time.Time, due bool) {
		if due && (!ok || at.Before(next)) {
			next, ok = at, true
		}
	}
	for t := range a.planner.Pipeline.All() {
		r := state.Records[t.Name.Value]
		if r == nil {
			continue
		}
		for _, rule := range a.of(rollout.AutomationRepair) {
			if step, due := r.RepairDue(rule); due && rule.Stage == r.Stage {
				note(a.freeAt(r, rollout.ToRetryJob, step, step.At))
			}
		}
		for _, rule := range a.of(rollout.AutomationAdvance) {
			if _, at, due := r.AdvanceDue(rule); due && rule.Stage == r.Stage {
				note(a.freeAt(r, rollout.ToAdvance, rollout.RepairStep{}, at))
			}
		}
	}
	a.nextPromotions(state, note)
	return next, ok
}

// nextPromotions notes when each rule would promote to each target of its next stages.
func (a Rules) nextPromotions(state *ledger.State, note func(time.Time, bool)) {
	for i, rule := range a.of(rollout.AutomationPromote) {
		from, err := a.planner.Pipeline.Stage(rule.Stage)
		if err != nil {
			continue // the file's checks have said so
		}
		for _, stage := range a.planner.Pipeline.Next(from) {
			for _, t := range stage.Targets {
				if at, due := a.promotesAt(state, a.promoteRule(i), t); due {
					r := a.planner.declared.record(state, t)
					note(a.freeAt(r, rollout.ToPromote, rollout.RepairStep{}, at))
				}
			}
		}
	}
}

// freeAt is when no block and no policy stops a rule that is due at a time; false where
// nobody can say.
func (a Rules) freeAt(r *rollout.Record, intention rollout.Intention, step rollout.RepairStep, at time.Time) (time.Time, bool) {
	q := asks(r, intention, step)
	blocks := r.Blocks.Stopping(q, at)
	if a.planner.Setting.Outside != nil {
		blocks = append(blocks, a.planner.Setting.Outside(r, q, at)...)
	}
	for _, b := range blocks {
		if b.Until.IsZero() {
			return at, false
		}
		if b.Until.After(at) {
			at = b.Until
		}
	}
	return at, true
}

// proven is what our newest rollout on a target brought there, and since when it was
// over; false where it did not succeed, or nothing is there to tell.
func proven(r *rollout.Record) (release driver.Release, since time.Time, ok bool) {
	if r == nil {
		return driver.Release{}, time.Time{}, false
	}
	e, ok := r.Newest()
	if !ok || e.Rollout.State != rollout.StateSucceeded || e.Spec.Command == rollout.CommandRollback || len(e.Rollout.RolledBackByRollouts) > 0 {
		return driver.Release{}, time.Time{}, false
	}
	return e.Spec.Release, e.Rollout.DeployEndTime, true
}

// was reports whether a release runs on a target, or ever was brought there.
func was(r *rollout.Record, release string) bool {
	return r.Release != nil && r.Release.Is(release) ||
		slices.ContainsFunc(r.Rollouts, func(e rollout.Execution) bool { return e.Spec.Release.Is(release) }) ||
		slices.ContainsFunc(r.Past, func(past rollout.Past) bool { return past.Release == release || past.Origin == release }) ||
		slices.ContainsFunc(r.Blocks, func(b rollout.Block) bool { return b.Release == release && b.Holds(time.Time{}) })
}
