package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"sluice/internal/store"
	"sluice/internal/store/limit"
	"sluice/pipeline"
)

// storeName says where the pipeline's state is kept: what --store says, else the
// sandbox's own, else what the file says.
func (f *flags) storeName(p *pipeline.Pipeline) string {
	switch {
	case f.store != "":
		return f.store
	case f.sandbox:
		return "file:" + sandboxDir + "/state"
	default:
		return p.State.Store.Value
	}
}

// showState prints records as they are stored.
func showState(ctx context.Context, state store.Store, p *pipeline.Pipeline, targets []*pipeline.Target) (*result, error) {
	keys := make([]store.Key, len(targets))
	for i, t := range targets {
		keys[i] = store.Key{Pipeline: p.Name.Value, Target: t.Name.Value}
	}
	entries, err := state.Load(ctx, keys...)
	if err != nil {
		return nil, err
	}
	records := []json.RawMessage{}
	var text strings.Builder
	for _, entry := range entries {
		if entry.Version == "" {
			fmt.Fprintf(&text, "%s: never written\n", entry.Key)
			continue
		}
		records = append(records, entry.Data)
		var pretty bytes.Buffer
		if err := json.Indent(&pretty, entry.Data, "", "  "); err != nil {
			return nil, &store.UnreadableError{Key: entry.Key, Op: "read", Err: err, Remedy: "restore the record"}
		}
		fmt.Fprintf(&text, "%s, generation %d:\n%s\n", entry.Key, entry.Generation, pretty.Bytes())
	}
	return &result{text: text.String(), extra: map[string]any{"records": records}}, nil
}

func stateCommand(inv *invocation) *cobra.Command {
	state := &cobra.Command{
		Use: "state", Short: "Look at state, move it, adopt what runs today, go on after it was lost",
		RunE: func(*cobra.Command, []string) error {
			return usage(errors.New("say which: state show, state migrate, state import or state accept"))
		},
	}
	show := &cobra.Command{
		Use: "show", Short: "Print the records of targets",
		Example: `  sluice state show --target api
  sluice state show --stage production --output json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := inv.one(cmd.Context())
			if err != nil {
				return err
			}
			opened, err := inv.stores.open(p)
			if err != nil {
				return err
			}
			targets, err := inv.flags.selected(p)
			if err != nil {
				return err
			}
			r, err := showState(cmd.Context(), limit.New(opened, inv.Clock, inv.within), p, targets)
			if err != nil {
				return err
			}
			inv.result = r
			return nil
		},
	}
	inv.flags.selection(show.Flags())
	state.AddCommand(show, migrateCommand(inv), importStateCommand(inv), acceptStateCommand(inv))
	return state
}
