package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"sluice/internal/engine"
	"sluice/internal/ledger"
	"sluice/internal/report"
	"sluice/internal/store"
	"sluice/internal/store/limit"
	"sluice/rollout"
)

// migrateCommand moves all records of a pipeline to another store.
func migrateCommand(inv *invocation) *cobra.Command {
	cmd := &cobra.Command{
		Use: "migrate --to-store STORE", Short: "Copy all records to another store, and verify them there",
		Example: `  sluice state migrate --store git --to-store s3://releases/shop`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := inv.one(cmd.Context())
			if err != nil {
				return err
			}
			if inv.flags.toStore == "" {
				return usage(errors.New("say where to with --to-store: git, s3://bucket/prefix, file:DIR or artifact"))
			}
			from, err := inv.stores.open(p)
			if err != nil {
				return err
			}
			to, err := inv.stores.openAs(p, "--to-store", inv.flags.toStore)
			if err != nil {
				return err
			}
			if err := inv.mayChange(cmd.Context(), p, inv.flags.storeName(p)); err != nil {
				return err
			}
			if err := inv.mayChange(cmd.Context(), p, inv.flags.toStore); err != nil {
				return err
			}
			target := limit.New(to, inv.Clock, inv.within)
			c := copying{redact: inv.runner.Redact, now: inv.Clock.Now, over: inv.github.over, before: func() { inv.stores.opened = append(inv.stores.opened, target) }}
			r, err := c.state(cmd.Context(), p.Name.Value, limit.New(from, inv.Clock, inv.within), target)
			if err != nil {
				return err
			}
			inv.result = r
			return nil
		},
	}
	cmd.Flags().StringVar(&inv.flags.toStore, "to-store", "", "the `store` to copy to")
	cmd.Flags().StringVar(&inv.flags.toStore, "to", "", "an older name of --to-store")
	_ = cmd.Flags().MarkHidden("to") // there is such a flag
	return cmd
}

// copying is what copying a state takes beside the two stores.
type copying struct {
	redact func(string) string
	now    func() time.Time
	over   func(context.Context, rollout.Run) (ledger.Fate, error)
	before func() // the first entry is written
}

// state copies every entry, held by nobody, into a store that has no other
// of them yet, and reads them back. What an earlier attempt copied stays.
func (c copying) state(ctx context.Context, pipeline string, from, to store.Store) (*result, error) {
	if from.Facts().Name == to.Facts().Name {
		return nil, usage(fmt.Errorf("the state is in %s already", to.Facts().Name))
	}
	whole, err := ledger.ReadWhole(ctx, from, pipeline)
	if err != nil {
		return nil, err
	}
	if len(whole.Entries) == 0 {
		return &result{text: "there is no state of " + pipeline + " in " + from.Facts().Name}, nil
	}
	copies, err := whole.Redacted(c.redact)
	if err != nil {
		return nil, err
	}
	if err := whole.Held(ctx, func(r rollout.Run) bool { return r.Holds(c.now()) }, c.over); err != nil {
		return nil, err
	}
	keys := keysOf(copies)
	missing, err := mayMove(ctx, copies, to, keys)
	if err != nil {
		return nil, err
	}
	c.before()
	if _, err := to.Commit(ctx, missing...); err != nil {
		return nil, fmt.Errorf("%w; go on using %s, and say the same again to copy what is missing", err, from.Facts().Name)
	}
	if err := verify(ctx, move{from: from, to: to, keys: keys, entries: whole.Entries, copies: copies}); err != nil {
		return nil, err
	}
	return &result{
		text: fmt.Sprintf("%d records copied from %s to %s with what belongs to them, %d entries in all, and read back; set state.store to %s now, the old ones are left as they are",
			whole.Targets, from.Facts().Name, to.Facts().Name, len(copies), to.Facts().Name),
		extra: map[string]any{"records": whole.Targets, "entries": len(copies), "from": from.Facts().Name, "to": to.Facts().Name},
	}, nil
}

func keysOf(entries []store.Entry) []store.Key {
	keys := make([]store.Key, len(entries))
	for i, e := range entries {
		keys[i] = e.Key
	}
	return keys
}

// mayMove refuses to write over other entries. It returns what is to be written.
func mayMove(ctx context.Context, entries []store.Entry, to store.Store, keys []store.Key) ([]store.Entry, error) {
	there, err := to.Load(ctx, keys...)
	if err != nil {
		return nil, err
	}
	var missing []store.Entry
	for i, entry := range there {
		switch {
		case entry.Version == "":
			copied := entries[i]
			copied.Version = ""
			missing = append(missing, copied)
		case !same(entry, entries[i]):
			return nil, fmt.Errorf("%s has another record of %s already (generation %d); nothing was copied", to.Facts().Name, entry.Key, entry.Generation)
		}
	}
	return missing, nil
}

// move is what is copied: entries as they were read, and as they were written.
type move struct {
	from, to        store.Store
	keys            []store.Key
	entries, copies []store.Entry
}

// verify reads the copies back, and the originals once more: what a run saved
// meanwhile would be missing in the copies.
func verify(ctx context.Context, m move) error {
	from, to := m.from, m.to
	there, err := to.Load(ctx, m.keys...)
	if err != nil {
		return err
	}
	for i, c := range there {
		if !same(c, m.copies[i]) {
			return &store.UnreadableError{Key: c.Key, Op: "write", Err: errors.New("what was read back is not what was written"), Remedy: "go on using " + from.Facts().Name}
		}
	}
	originals, err := from.Load(ctx, m.keys...)
	if err != nil {
		return err
	}
	changed := &store.ConflictError{}
	for i, o := range originals {
		if !same(o, m.entries[i]) {
			changed.Keys = append(changed.Keys, o.Key)
		}
	}
	if len(changed.Keys) > 0 {
		return fmt.Errorf("%w; go on using %s, remove the copies from %s, and migrate again while no run is under way", changed, from.Facts().Name, to.Facts().Name)
	}
	return nil
}

// same reports whether two stores hold the same save of an entry.
func same(a, b store.Entry) bool { return a.Generation == b.Generation && bytes.Equal(a.Data, b.Data) }

// importCommand is the name of the command that starts a state anew.
const importCommand = "state import"

// importStateCommand adopts what runs on the platforms today as a first state.
func importStateCommand(inv *invocation) *cobra.Command {
	cmd := &cobra.Command{
		Use: "import", Short: "Adopt what runs on the platforms today as a first state",
		Long: `Import asks the platforms what runs on each target and writes it down as the first
state. With --after-manual it adopts what runs after people went on by hand, with the
vendor's own commands, while Sluice or GitHub could not: rollouts that are not over are
closed as CANCELLED, and the history says who closed them and why. It has no effect on
the platforms.`,
		Example: `  sluice state import
  sluice state import --target api --after-manual --reason "GitHub was down; Berta finished it with aws"`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			how := engine.Adoption{AcceptDrift: inv.flags.acceptDrift, AfterManual: inv.flags.afterManual}
			if how.AfterManual && inv.flags.reason == "" {
				return usage(errors.New("--after-manual needs --reason: the history tells who closed what is open, and why"))
			}
			p, err := inv.one(ctx)
			if err != nil {
				return err
			}
			if err := inv.mayChange(ctx, p, inv.flags.storeName(p)); err != nil {
				return err
			}
			targets, err := inv.flags.selected(p)
			if err != nil {
				return err
			}
			var s engine.Status
			err = inv.use(ctx, p, func(e *engine.Engine) (err error) {
				s, err = e.Import(ctx, targets, how)
				return err
			})
			if err != nil {
				return err
			}
			inv.result = &result{pipeline: p, outcome: s.Outcome, text: report.Status(shown(inv, s.Targets), true, inv.Clock.Now()), extra: map[string]any{"targets": s.Targets}}
			return nil
		},
	}
	inv.flags.selection(cmd.Flags())
	cmd.Flags().BoolVar(&inv.flags.afterManual, "after-manual", false, "adopt what stands after a repair by hand, and close the rollouts that are not over")
	cmd.Flags().StringVar(&inv.flags.reason, "reason", "", "`why`; it is recorded")
	cmd.Flags().BoolVar(&inv.flags.acceptDrift, "accept-drift", false, "take over what runs where the state says something else")
	return cmd
}
