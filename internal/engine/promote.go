package engine

import (
	"context"

	"sluice/internal/ledger"
	"sluice/internal/planner"
	"sluice/internal/view"
	"sluice/pipeline"
	"sluice/rollout"
	"sluice/stages/driver"
)

// Promotion asks for a promotion to a stage.
type Promotion struct {
	Stage       *pipeline.Stage
	From        *pipeline.Stage // nil means the stage before
	Targets     []*pipeline.Target
	Release     string // "" what the source runs
	Of          string // bring what this promotion brought, component by component
	AllowOlder  bool
	SkipStages  bool
	AcceptDrift bool
	Replace     bool
	Options     driver.Options
	// StartingPhase is the phase that the rollouts begin at; "" the first.
	StartingPhase string
	Rule          *rollout.Rule // of automation, that makes it; nil for none
	// Shard says that Targets are this job's share of a promotion that other
	// jobs of the run share. Nil for a whole one.
	Shard *Shard
}

// Shard is one job's share of a promotion.
type Shard struct {
	Promotion string   // the id that all shards agree on; "" where they cannot
	Members   []string // the names of all targets of the promotion
	Run       string   // the workflow run whose jobs they are; "" outside Actions
	Count     int      // how many there are
}

// Promote promotes releases to a stage. Errors: [planner.RefusedError] (nothing
// was done), those of the ledger, and the end of ctx; the outcome counts beside
// the latter two.
func (e *Engine) Promote(ctx context.Context, req Promotion) (view.Outcome, error) {
	if err := e.records.takeNames(ctx, names(req.Targets)); err != nil {
		return view.Outcome{}, err
	}
	state, plan, err := e.planOf(ctx, req, true)
	if err != nil {
		return view.Outcome{}, err
	}
	return e.runner.carryOut(ctx, state, plan)
}

// Plan finds out what [Engine.Promote] would do, and changes nothing. What refuses
// stands in it. Errors are those of the ledger, and the end of ctx.
func (e *Engine) Plan(ctx context.Context, req Promotion) (view.Plan, error) {
	state, plan, err := e.planOf(ctx, req, false)
	if err != nil {
		return view.Plan{}, err
	}
	return e.toldPlan(ctx, state, plan), nil
}

// planOf plans a promotion; a release that is to be made is made if really.
func (e *Engine) planOf(ctx context.Context, req Promotion, really bool) (*ledger.State, planner.Plan, error) {
	if req.Release == driver.New {
		return e.planNew(ctx, req, really)
	}
	return e.planPromotion(ctx, req)
}

func (e *Engine) planPromotion(ctx context.Context, req Promotion) (*ledger.State, planner.Plan, error) {
	wanted := e.wanted(req)
	err := e.reviews.readFor(ctx, req.Targets)
	if err != nil {
		return nil, planner.Plan{}, err
	}
	if wanted.Releases, err = e.brought(ctx, req.Of); err != nil {
		return nil, planner.Plan{}, err
	}
	state, err := e.loadFor(ctx, wanted)
	if err != nil {
		return nil, planner.Plan{}, err
	}
	if err := e.config.Ledger.LoadPromotions(ctx, state, wanted.ID); err != nil {
		return nil, planner.Plan{}, err
	}
	plan, err := e.planner.Promote(ctx, state, wanted)
	return state, plan, err
}

// loadFor loads what a promotion is planned from.
func (e *Engine) loadFor(ctx context.Context, wanted planner.Promotion) (*ledger.State, error) {
	return e.records.loadFrom(ctx, e.planner.Reads(wanted), names(wanted.Targets)...)
}

// wanted is the promotion as the planner takes it.
func (e *Engine) wanted(req Promotion) planner.Promotion {
	wanted := planner.Promotion{
		Stage: req.Stage, From: req.From, Targets: req.Targets, Release: req.Release, AllowOlder: req.AllowOlder,
		SkipStages: req.SkipStages, AcceptDrift: req.AcceptDrift, Replace: req.Replace, Options: req.Options, Rule: req.Rule, StartingPhase: req.StartingPhase,
	}
	wanted.ID = e.planner.PromotionID(rollout.CommandPromote, req.Stage.Name.Value, req.Targets)
	if s := req.Shard; s != nil {
		wanted.Members, wanted.Shards = s.Members, &rollout.Shards{Run: s.Run, Count: s.Count}
		if s.Promotion != "" {
			wanted.ID = s.Promotion
		}
		if !e.config.Ledger.Facts().Swap {
			wanted.ID, wanted.Members = planner.ShareID(wanted.ID, req.Targets), nil
		}
	}
	return wanted
}
