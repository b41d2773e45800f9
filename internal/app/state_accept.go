package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"sluice/internal/planner"
	"sluice/internal/store/open"
	"sluice/pipeline"
)

// acceptStateCommand goes on after the state was lost.
func acceptStateCommand(inv *invocation) *cobra.Command {
	cmd := &cobra.Command{
		Use: "accept COMMIT --reason TEXT", Short: "Go on from one of two states: after the state branch was moved or deleted, or after two runs saved side by side",
		Long: `Accept says from which of two commits to go on after somebody moved or deleted the
state branch: from what the branch shows now, or from the newest state that was
saved. Every command that reads the state names both, and does nothing until then
(exit 6). A new commit goes on top of both, so that nothing is thrown away.

With the artifact store it says which run's save counts, where two runs saved the
same target side by side: the commands that read that target name both (exit 5).`,
		Example: `  sluice state accept 3f1c2ab --reason "restored after a force-push"`,
		Args:    words(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := inv.one(cmd.Context())
			if err != nil {
				return err
			}
			return accept(cmd.Context(), inv, p, args[0])
		},
	}
	cmd.Flags().StringVar(&inv.flags.reason, "reason", "", "`why`; it is kept in the branch's log")
	return cmd
}

func accept(ctx context.Context, inv *invocation, p *pipeline.Pipeline, commit string) error {
	if inv.flags.reason == "" {
		return usage(errors.New("say why with --reason: it is kept in the branch's log"))
	}
	if err := inv.mayChange(ctx, p, inv.flags.storeName(p)); err != nil {
		return err
	}
	saving, done := inv.within(ctx, true)
	defer done()
	accepted, err := open.Accept(saving, inv.stores.spec(p, inv.flags.storeName(p)), p.Name.Value, commit, inv.runner.Redact(inv.flags.reason))
	var wrong *open.Error
	switch {
	case errors.As(err, &wrong):
		return usage(err)
	case open.IsRefusal(err):
		return planner.Refuse("nothing was changed: "+err.Error(), "see `sluice status`")
	case err != nil:
		return err
	}
	inv.result = &result{
		text:  fmt.Sprintf("the state goes on from %s; %s says so", accepted.From, accepted.Now),
		extra: map[string]any{"from": accepted.From, "now": accepted.Now},
	}
	return nil
}
