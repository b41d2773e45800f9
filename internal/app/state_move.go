package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"sluice/internal/old/rollout"
	"sluice/internal/store"
	"sluice/internal/store/limit"
	"sluice/pipeline"
)

// migrate moves all records of a pipeline to another store.
func (inv *invocation) migrate() *cobra.Command {
	cmd := &cobra.Command{
		Use: "migrate --to STORE", Short: "Copy all records to another store, and verify them there",
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := inv.one(cmd.Context())
			if err != nil {
				return err
			}
			if inv.flags.to == "" {
				return usage(errors.New("say where to with --to: git, s3://bucket/prefix, file:DIR or artifact"))
			}
			from, err := inv.store(p)
			if err != nil {
				return err
			}
			to, err := inv.openStore(p, "--to", inv.flags.to)
			if err != nil {
				return err
			}
			if err := inv.mayChange(cmd.Context(), p); err != nil {
				return err
			}
			if err := inv.mayChangeIn(cmd.Context(), p, inv.flags.to); err != nil {
				return err
			}
			return inv.copyState(cmd.Context(), p, limit.New(from, inv.within), limit.New(to, inv.within))
		},
	}
	cmd.Flags().StringVar(&inv.flags.to, "to", "", "the `store` to copy to")
	return cmd
}

// copyState copies every record, held by nobody, into a store that has no other
// of them yet, and reads them back. What an earlier attempt copied stays.
func (inv *invocation) copyState(ctx context.Context, p *pipeline.Pipeline, from, to store.Store) error {
	if from.Facts().Name == to.Facts().Name {
		return usage(fmt.Errorf("the state is in %s already", to.Facts().Name))
	}
	keys, err := from.List(ctx, p.Name.Value, store.KindTarget)
	if err != nil {
		return err
	}
	if len(keys) == 0 {
		inv.result = &result{text: "there is no state of " + p.Name.Value + " in " + from.Facts().Name}
		return nil
	}
	records, err := from.Load(ctx, keys...)
	if err != nil {
		return err
	}
	copies, err := inv.redactedRecords(records)
	if err != nil {
		return err
	}
	missing, err := inv.mayMove(ctx, copies, to, keys)
	if err != nil {
		return err
	}
	inv.stores = append(inv.stores, to)
	if _, err := to.Commit(ctx, missing...); err != nil {
		return fmt.Errorf("%w; go on using %s, and say the same again to copy what is missing", err, from.Facts().Name)
	}
	if err := verify(ctx, move{from: from, to: to, keys: keys, records: records, copies: copies}); err != nil {
		return err
	}
	inv.result = &result{
		text:  fmt.Sprintf("%d records copied from %s to %s and read back; set state.store to %s now, the old ones are left as they are", len(records), from.Facts().Name, to.Facts().Name, to.Facts().Name),
		extra: map[string]any{"records": len(records), "from": from.Facts().Name, "to": to.Facts().Name},
	}
	return nil
}

// mayMove refuses to copy what a live run holds, and to write over other
// records. It returns what is to be written.
func (inv *invocation) mayMove(ctx context.Context, records []store.Entry, to store.Store, keys []store.Key) ([]store.Entry, error) {
	for _, r := range records {
		if err := inv.freeRecord(ctx, r); err != nil {
			return nil, err
		}
	}
	there, err := to.Load(ctx, keys...)
	if err != nil {
		return nil, err
	}
	var missing []store.Entry
	for i, entry := range there {
		switch {
		case entry.Version == "":
			copied := records[i]
			copied.Version = ""
			missing = append(missing, copied)
		case !same(entry, records[i]):
			return nil, fmt.Errorf("%s has another record of %s already (generation %d); nothing was copied", to.Facts().Name, entry.Key, entry.Generation)
		}
	}
	return missing, nil
}

// redactedRecords are records as they may be written: without credentials that an
// older version let into them.
func (inv *invocation) redactedRecords(records []store.Entry) ([]store.Entry, error) {
	clean := slices.Clone(records)
	for i, r := range clean {
		data, err := rollout.Redact(r.Data, inv.runner.Redact)
		if err != nil {
			return nil, &store.UnreadableError{Key: r.Key, Op: "read", Err: err, Remedy: "nothing was copied"}
		}
		clean[i].Data = data
	}
	return clean, nil
}

// move is what is copied: records as they were read, and as they were written.
type move struct {
	from, to        store.Store
	keys            []store.Key
	records, copies []store.Entry
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
		if !same(o, m.records[i]) {
			changed.Keys = append(changed.Keys, o.Key)
		}
	}
	if len(changed.Keys) > 0 {
		return fmt.Errorf("%w; go on using %s, remove the copies from %s, and migrate again while no run is under way", changed, from.Facts().Name, to.Facts().Name)
	}
	return nil
}

// same reports whether two stores hold the same save of a record.
func same(a, b store.Entry) bool { return a.Generation == b.Generation && bytes.Equal(a.Data, b.Data) }

// importState adopts what runs on the platforms today as a first state.
func (inv *invocation) importState() *cobra.Command {
	cmd := &cobra.Command{
		Use: "import", Short: "Adopt what runs on the platforms today as a first state",
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			p, err := inv.one(ctx)
			if err != nil {
				return err
			}
			if err := inv.mayChange(ctx, p); err != nil {
				return err
			}
			e, err := inv.engine(p)
			if err != nil {
				return err
			}
			targets, err := inv.selected(p)
			if err != nil {
				return err
			}
			s, err := e.Import(ctx, targets, inv.flags.acceptDrift)
			if err != nil {
				return err
			}
			inv.result = &result{pipeline: p, outcome: s.Outcome, text: statusText(s.Targets), extra: map[string]any{"targets": s.Targets}}
			return nil
		},
	}
	inv.flags.selection(cmd.Flags())
	cmd.Flags().BoolVar(&inv.flags.acceptDrift, "accept-drift", false, "take over what runs where the state says something else")
	return cmd
}
