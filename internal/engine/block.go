package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"sluice/internal/executor"
	"sluice/internal/ledger"
	"sluice/internal/planner"
	"sluice/internal/view"
	"sluice/pipeline"
	"sluice/rollout"
	"sluice/stages/driver"
)

// Blocking asks for a block of places.
type Blocking struct {
	Targets  []*pipeline.Target
	Scope    rollout.Scope
	BothWays bool
}

// Lock stops going forward on targets, beside a live run too: the run counts it
// before its next effect. Errors: [planner.RefusedError], those of the ledger.
func (e *Engine) Lock(ctx context.Context, b Blocking) (view.Outcome, error) {
	block := rollout.Block{
		ID: rollout.LockID(uuid.NewString()[:8]), Kind: rollout.BlockLock, Scope: b.Scope, Whom: rollout.Everybody, BothWays: b.BothWays,
		By: e.config.Actor.Login, RunURL: e.config.Actor.RunURL, Reason: e.config.Actor.Reason,
	}
	return e.beside(ctx, b.Targets, func(r *rollout.Record) error {
		for _, have := range r.Blocks {
			if have.Kind == rollout.BlockLock && have.ID != block.ID && have.BothWays == block.BothWays {
				return &rollout.RefusedError{Command: "lock", Target: r.Target, Reason: rollout.ReasonAlready, Blocks: []rollout.Block{have}, Actor: have.By}
			}
		}
		return rollout.Apply(r, rollout.AddBlock{Block: block}, e.config.Work.Now())
	})
}

// Unlock ends the locks of targets. Somebody else's takes a reason.
func (e *Engine) Unlock(ctx context.Context, targets []*pipeline.Target) (view.Outcome, error) {
	return e.unblock(ctx, targets, "unlock", func(b rollout.Block) bool { return b.Kind == rollout.BlockLock })
}

// Unblock ends a block by its id wherever it stands; with id "" the blocks of
// going back from a release, or from any.
func (e *Engine) Unblock(ctx context.Context, targets []*pipeline.Target, id, release string) (view.Outcome, error) {
	return e.unblock(ctx, targets, "unblock", func(b rollout.Block) bool {
		if id != "" {
			return b.ID == id
		}
		gone := b.Kind == rollout.BlockWentBack || b.Kind == rollout.BlockRestored
		return gone && (release == "" || b.From == release)
	})
}

// Unabandon lets a release that was abandoned go on. Errors as [Engine.Unlock].
func (e *Engine) Unabandon(ctx context.Context, targets []*pipeline.Target, release string) (view.Outcome, error) {
	return e.unblock(ctx, targets, "unabandon", func(b rollout.Block) bool {
		return b.Kind == rollout.BlockAbandon && driver.Release{ID: b.Release}.Called(release)
	})
}

// known finds a release by what a person calls it: among those that the records
// and the platforms know of, else by its id on the platforms. Errors:
// [planner.RefusedError] where nobody knows it, or several are called so; those of
// the ledger.
func (e *Engine) known(ctx context.Context, targets []*pipeline.Target, called string) (driver.Release, error) {
	state, err := e.records.load(ctx, names(targets)...)
	if err != nil {
		return driver.Release{}, err
	}
	found := map[string]driver.Release{}
	add := func(r driver.Release) {
		if r.Called(called) {
			found[r.ID] = r
		}
	}
	for _, r := range state.Records {
		for _, x := range r.Rollouts {
			add(x.Spec.Release)
			add(x.Previous)
		}
	}
	for _, reading := range readings(ctx, e.config.Platform, targets) {
		add(reading.Live.Release)
		for _, s := range reading.Live.Shares {
			add(s.Release)
		}
	}
	for _, t := range targets {
		if len(found) > 0 {
			break
		}
		if r, err := e.config.Platform.Resolve(ctx, t.Driver(), called); err == nil {
			add(r)
		}
	}
	if len(found) == 1 {
		return found[slices.Collect(maps.Keys(found))[0]], ctx.Err()
	}
	if len(found) == 0 {
		return driver.Release{}, planner.Refuse("no platform and no rollout knows a release "+called, "`sluice status` and `sluice history` name releases")
	}
	return driver.Release{}, planner.Refuse("several releases are called "+called+": "+strings.Join(slices.Sorted(maps.Keys(found)), ", "), "name one by its id")
}

// Abandon stops one release on targets: those of the scope that is named. Errors
// as [Engine.Lock], and where nobody knows the release.
func (e *Engine) Abandon(ctx context.Context, targets []*pipeline.Target, scope rollout.Scope, release string) (view.Outcome, error) {
	found, err := e.known(ctx, targets, release)
	if err != nil {
		return view.Outcome{}, err
	}
	release = found.ID
	block := rollout.Block{
		ID: rollout.AbandonID(uuid.NewString()[:8]), Kind: rollout.BlockAbandon, Scope: scope, Release: release,
		Whom: rollout.Everybody, By: e.config.Actor.Login, RunURL: e.config.Actor.RunURL, Reason: e.config.Actor.Reason,
	}
	return e.beside(ctx, targets, func(r *rollout.Record) error {
		for _, have := range r.Blocks {
			if have.Kind == rollout.BlockAbandon && have.Release == release {
				return nil
			}
		}
		return rollout.Apply(r, rollout.AddBlock{Block: block}, e.config.Work.Now())
	})
}

// blocksOn names the blocks that stand on targets; "" where none does.
func blocksOn(state *ledger.State, targets []*pipeline.Target, now time.Time) string {
	var ids []string
	for _, t := range targets {
		r := state.Records[t.Name.Value]
		if r == nil {
			continue
		}
		for _, b := range r.Blocks {
			if b.Holds(now) && !slices.Contains(ids, b.ID) {
				ids = append(ids, b.ID)
			}
		}
	}
	if len(ids) == 0 {
		return ""
	}
	return "; what stands is " + strings.Join(ids, ", ")
}

// unblock ends the blocks that are meant. Where none stands it is refused.
func (e *Engine) unblock(ctx context.Context, targets []*pipeline.Target, command string, meant func(rollout.Block) bool) (view.Outcome, error) {
	state, err := e.records.load(ctx, names(targets)...)
	if err != nil {
		return view.Outcome{}, err
	}
	var holds []*pipeline.Target
	for _, t := range targets {
		if r := state.Records[t.Name.Value]; r != nil && stands(r, meant) {
			holds = append(holds, t)
		}
	}
	if len(holds) == 0 {
		return view.Outcome{}, planner.Refuse(fmt.Sprintf("there is no such block to %s%s", command, blocksOn(state, targets, e.config.Work.Now())), "`sluice status` shows what blocks")
	}
	for _, t := range targets {
		if !slices.Contains(holds, t) {
			e.config.Notify(executor.Notice{Kind: executor.NoticeNote, Target: t.Name.Value, Text: "has no block to " + command + ", and is left as it is"})
		}
	}
	return e.beside(ctx, holds, func(r *rollout.Record) error {
		for _, b := range append([]rollout.Block(nil), r.Blocks...) {
			if !meant(b) {
				continue
			}
			if err := rollout.Apply(r, rollout.EndBlock{ID: b.ID, By: e.config.Actor}, e.config.Work.Now()); err != nil {
				return err
			}
		}
		return nil
	})
}

func stands(r *rollout.Record, meant func(rollout.Block) bool) bool {
	for _, b := range r.Blocks {
		if meant(b) {
			return true
		}
	}
	return false
}

// beside changes blocks of records, whoever holds them.
func (e *Engine) beside(ctx context.Context, targets []*pipeline.Target, change func(*rollout.Record) error) (view.Outcome, error) {
	state, err := e.records.loadToChange(ctx, names(targets)...)
	if err != nil {
		return view.Outcome{}, err
	}
	fresh := func(target string) rollout.Record {
		if r := state.Records[target]; r != nil {
			return r.Clone() // with what holds for it too
		}
		return e.records.fresh(target)
	}
	saved, err := e.config.Ledger.SaveBeside(ctx, names(targets), fresh, change)
	var refused *rollout.RefusedError
	if errors.As(err, &refused) {
		return view.Outcome{}, &planner.RefusedError{Refusals: []planner.Refusal{{Target: refused.Target, Reason: refused}}}
	}
	if err != nil {
		return view.Outcome{}, err
	}
	plan, result := planner.Plan{}, executor.Result{}
	for _, t := range targets {
		plan.Moves = append(plan.Moves, planner.Move{Target: t.Name.Value})
		result.Rows = append(result.Rows, executor.RowResult{Target: t.Name.Value, Record: saved[t.Name.Value]})
	}
	return e.runner.view().Result(&ledger.State{Records: saved}, plan, result), nil
}
