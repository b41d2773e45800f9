package engine

import (
	"context"
	"fmt"
	"slices"
	"sort"

	"sluice/internal/planner"
	"sluice/internal/view"
	"sluice/pipeline"
)

// Events are what happened on targets, oldest first: what a filter lets through.
// Errors are those of the ledger.
func (e *Engine) Events(ctx context.Context, targets []*pipeline.Target, wanted view.EventFilter) ([]view.PastEvent, error) {
	kept, err := e.records.past(ctx, targets)
	if err != nil {
		return nil, err
	}
	told := []view.PastEvent{}
	for _, p := range kept {
		told = append(told, view.Events(p.target.Stage.Name.Value, p.target.Name.Value, p.events, p.rollouts)...)
	}
	sort.SliceStable(told, func(i, j int) bool { return told[i].Time.Before(told[j].Time) })
	return wanted.Of(told), nil
}

// History are the rollouts of targets, oldest first. Errors are those of the
// ledger.
func (e *Engine) History(ctx context.Context, targets []*pipeline.Target) ([]view.PastRollout, error) {
	kept, err := e.records.past(ctx, targets)
	if err != nil {
		return nil, err
	}
	told := []view.PastRollout{}
	for _, p := range kept {
		for i := range p.rollouts {
			told = append(told, view.Past(&p.rollouts[i]))
		}
	}
	sort.SliceStable(told, func(i, j int) bool { return told[i].Created.Before(told[j].Created) })
	return told, nil
}

// Get is all that is known of one rollout, by its name here or on its platform.
// Errors: [planner.RefusedError] where there is none, or several; those of the
// ledger.
func (e *Engine) Get(ctx context.Context, targets []*pipeline.Target, name string) (view.Detail, error) {
	kept, err := e.records.past(ctx, targets)
	if err != nil {
		return view.Detail{}, err
	}
	var found []view.Detail
	var known []string
	for _, p := range kept {
		for i := range p.rollouts {
			x := &p.rollouts[i]
			known = append(known, x.Rollout.Name)
			if !view.IsCalled(x, name) {
				continue
			}
			detail, err := view.DetailOf(x, view.Events(p.target.Stage.Name.Value, p.target.Name.Value, p.events, p.rollouts))
			if err != nil {
				return view.Detail{}, err
			}
			found = append(found, detail)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return view.Detail{}, noRollout(name, known)
	default:
		return view.Detail{}, planner.Refuse(fmt.Sprintf("%d rollouts are called %s", len(found), name), "say --target too")
	}
}

func noRollout(name string, known []string) error {
	remedy := "`sluice history` lists them"
	if near := pipeline.Nearest(name, known); near != "" {
		remedy = fmt.Sprintf("did you mean %s? %s", near, remedy)
	}
	return planner.Refuse("there is no rollout "+name, remedy)
}

// Known are the names that the state has, for whoever completes a command line.
type Known struct{ Releases, Rollouts, Blocks, Promotions []string }

// Known lists the names that the state of targets has, each once. Errors are those
// of the ledger.
func (e *Engine) Known(ctx context.Context, targets []*pipeline.Target) (Known, error) {
	state, err := e.records.load(ctx, names(targets)...)
	if err != nil {
		return Known{}, err
	}
	var k Known
	for _, t := range targets {
		r := state.Records[t.Name.Value]
		if r == nil {
			continue
		}
		for _, b := range r.Blocks {
			k.Blocks = append(k.Blocks, b.ID)
		}
		for _, x := range r.Rollouts {
			k.Rollouts, k.Promotions = append(k.Rollouts, x.Rollout.Name), append(k.Promotions, x.Spec.Promotion)
			k.Releases = append(k.Releases, x.Spec.Release.ID)
			if x.Previous.ID != "" {
				k.Releases = append(k.Releases, x.Previous.ID)
			}
		}
	}
	for _, list := range []*[]string{&k.Releases, &k.Rollouts, &k.Blocks, &k.Promotions} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	return k, nil
}
