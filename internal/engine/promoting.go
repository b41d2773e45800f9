package engine

import (
	"context"
	"fmt"

	"sluice/internal/executor"
	"sluice/internal/ledger"
	"sluice/internal/planner"
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

// promoting plans promotions, and says what they read.
type promoting struct {
	config  Config
	records records
	reviews *reviews
	planner *planner.Planner
}

// plan plans a promotion; a release that is to be made is made if really.
func (p promoting) plan(ctx context.Context, req Promotion, really bool) (*ledger.State, planner.Plan, error) {
	if req.Release == driver.New {
		return p.planNew(ctx, req, really)
	}
	return p.planKnown(ctx, req)
}

// planNew plans a promotion of a release that is still to be made. It is planned
// with the newest there is first: where that is refused nothing is made. Without
// really it stays at that, and says so. Where there is no release yet, there is
// nothing to plan with.
func (p promoting) planNew(ctx context.Context, req Promotion, really bool) (*ledger.State, planner.Plan, error) {
	req.Release = driver.Latest
	first := req.Targets[0].Driver()
	if !p.config.Platform.Facts(first.Platform).Makes {
		_, err := p.config.Platform.Make(ctx, first, "") // says where releases are made instead
		return nil, planner.Plan{}, err
	}
	_, err := p.config.Platform.Resolve(ctx, first, driver.Latest)
	known := err == nil || p.config.Platform.CodeOf(err) != driver.NotFound
	if known || !really {
		state, plan, err := p.planKnown(ctx, req)
		if err != nil || plan.Refused() {
			return state, plan, err
		}
		if !really {
			plan.Findings = append(plan.Findings, driver.Finding{Severity: driver.Note, Message: "a release of what stands would be made first; this is the plan of the newest there is"})
			return state, plan, nil
		}
	}
	description := describe(p.config)
	made, err := p.config.Platform.Make(ctx, first, description)
	if err != nil {
		return nil, planner.Plan{}, err
	}
	p.config.Notify(executor.Notice{Kind: executor.NoticeNote, Text: fmt.Sprintf("release %s: %s", made.ID, description)})
	req.Release = made.ID
	return p.planKnown(ctx, req)
}

// planKnown plans a promotion of a release that there is.
func (p promoting) planKnown(ctx context.Context, req Promotion) (*ledger.State, planner.Plan, error) {
	wanted := p.wanted(req)
	err := p.reviews.readFor(ctx, req.Targets)
	if err != nil {
		return nil, planner.Plan{}, err
	}
	if wanted.Releases, err = p.records.brought(ctx, req.Of); err != nil {
		return nil, planner.Plan{}, err
	}
	state, err := p.load(ctx, wanted)
	if err != nil {
		return nil, planner.Plan{}, err
	}
	if err := p.config.Ledger.LoadPromotions(ctx, state, wanted.ID); err != nil {
		return nil, planner.Plan{}, err
	}
	plan, err := p.planner.Promote(ctx, state, wanted)
	return state, plan, err
}

// load loads what a promotion is planned from.
func (p promoting) load(ctx context.Context, wanted planner.Promotion) (*ledger.State, error) {
	return p.records.loadFrom(ctx, p.planner.Reads(wanted), names(wanted.Targets)...)
}

// wanted is the promotion as the planner takes it.
func (p promoting) wanted(req Promotion) planner.Promotion {
	wanted := planner.Promotion{
		Stage: req.Stage, From: req.From, Targets: req.Targets, Release: req.Release, AllowOlder: req.AllowOlder,
		SkipStages: req.SkipStages, AcceptDrift: req.AcceptDrift, Replace: req.Replace, Options: req.Options, Rule: req.Rule, StartingPhase: req.StartingPhase,
	}
	wanted.ID = p.planner.PromotionID(rollout.CommandPromote, req.Stage.Name.Value, req.Targets)
	if s := req.Shard; s != nil {
		wanted.Members, wanted.Shards = s.Members, &rollout.Shards{Run: s.Run, Count: s.Count}
		if s.Promotion != "" {
			wanted.ID = s.Promotion
		}
		if !p.config.Ledger.Facts().Swap {
			wanted.ID, wanted.Members = planner.ShareID(wanted.ID, req.Targets), nil
		}
	}
	return wanted
}
