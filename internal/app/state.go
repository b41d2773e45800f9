package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"sluice/internal/ledger"
	"sluice/internal/outside"
	"sluice/internal/store"
	"sluice/internal/store/limit"
	"sluice/internal/store/open"
	"sluice/internal/view"
	"sluice/pipeline"
	"sluice/rollout"
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

// store opens the pipeline's state.
func (inv *invocation) store(p *pipeline.Pipeline) (store.Store, error) {
	return inv.openStore(p, "--store", inv.flags.storeName(p))
}

// openStore opens a store by its name in the pipeline file, or as flag has it.
// It makes no connection yet.
func (inv *invocation) openStore(p *pipeline.Pipeline, flag, where string) (store.Store, error) {
	if err := pipeline.CheckStore(where); err != nil {
		return nil, usage(fmt.Errorf("%s: %w", flag, err))
	}
	s, err := open.Open(inv.spec(p, where))
	var wrong *open.Error
	if errors.As(err, &wrong) {
		return nil, usage(err)
	}
	if err == nil && inv.Store != nil {
		s = inv.Store(s)
	}
	return s, err
}

// spec is how the pipeline's state is opened in a store.
func (inv *invocation) spec(p *pipeline.Pipeline, where string) open.Spec {
	return open.Spec{
		Store: where, Branch: p.State.Branch, Endpoint: p.State.Endpoint.Value, Refs: p.State.Refs,
		Shard: inv.flags.shard, Join: ledger.Both,
		Process: inv.process, Transport: inv.transport(), Runner: inv.runner, Getenv: inv.env.Own, Describe: inv.describeSave, Warn: inv.runner.Warning,
	}
}

// describeSave is what a saved record says happened last, for a store that
// keeps a log of its saves.
func (inv *invocation) describeSave(entry store.Entry) string {
	if entry.Key.Kind != store.KindTarget {
		return ""
	}
	r, err := rollout.Decode[rollout.Record](entry.Data)
	if err != nil {
		return ""
	}
	for _, e := range slices.Backward(r.Events) {
		if text := view.Event(e); text != "" {
			return outside.Line(inv.runner.Redact(text))
		}
	}
	return ""
}

// showState prints records as they are stored.
func (inv *invocation) showState(ctx context.Context, p *pipeline.Pipeline) error {
	opened, err := inv.store(p)
	if err != nil {
		return err
	}
	state := limit.New(opened, inv.within)
	targets, err := inv.flags.selected(p)
	if err != nil {
		return err
	}
	keys := make([]store.Key, len(targets))
	for i, t := range targets {
		keys[i] = store.Key{Pipeline: p.Name.Value, Target: t.Name.Value}
	}
	entries, err := state.Load(ctx, keys...)
	if err != nil {
		return err
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
			return &store.UnreadableError{Key: entry.Key, Op: "read", Err: err, Remedy: "restore the record"}
		}
		fmt.Fprintf(&text, "%s, generation %d:\n%s\n", entry.Key, entry.Generation, pretty.Bytes())
	}
	inv.result = &result{text: text.String(), extra: map[string]any{"records": records}}
	return nil
}

func (inv *invocation) state() *cobra.Command {
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
			return inv.showState(cmd.Context(), p)
		},
	}
	inv.flags.selection(show.Flags())
	state.AddCommand(show, inv.migrate(), inv.importState(), inv.acceptState())
	return state
}
