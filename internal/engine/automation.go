package engine

import (
	"context"
	"errors"

	"sluice/internal/executor"
	"sluice/internal/planner"
	"sluice/internal/view"
	"sluice/pipeline"
)

// byRules makes the promotions that the file's rules make now, each as automation
// would, and tells them beside what there was to tell. What refuses one refuses no
// other, and is told.
func (e *Engine) byRules(ctx context.Context, targets []*pipeline.Target, out view.Outcome) (view.Outcome, error) {
	if !promotesByRule(e.config.Pipeline) {
		return out, nil
	}
	state, err := e.records.load(ctx, names(targets)...)
	if err != nil {
		return out, err
	}
	for _, p := range e.planner.Rules().Promotions(state) {
		made, err := New(asRule(e.config, p)).Promote(ctx, Promotion{Stage: p.Stage, Targets: p.Targets, Rule: &p.Rule})
		if refused, ok := errors.AsType[*planner.RefusedError](err); ok {
			e.config.Notify(executor.Notice{Kind: executor.NoticeNote, Text: "rule " + p.Rule.Name + " promotes nothing to " + p.Stage.Name.Value + ": " + refused.Error()})
			continue
		}
		out = view.Join(out, made)
		if err != nil {
			return out, err
		}
	}
	return out, nil
}

func promotesByRule(p *pipeline.Pipeline) bool {
	for _, a := range p.Automation {
		if a.Promote != nil {
			return true
		}
	}
	return false
}

// asRule is what an engine of the same invocation works with for a rule: it is no
// person, whoever began the invocation, and its promotion is another one than theirs.
func asRule(c Config, p planner.AutoPromotion) Config {
	c.Actor = p.Actor
	if c.Origin != "" {
		c.Origin += "/" + p.Rule.Name
	}
	return c
}
