package app

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"sluice/internal/old/engine"
	"sluice/internal/old/rollout"
	"sluice/pipeline"
)

func (inv *invocation) lock() *cobra.Command {
	return inv.latch(&cobra.Command{
		Use: "lock", Short: "Stop the line: no rollout starts an effect on these targets",
		Long: `Lock stops the line for targets: promotions there are refused and rollouts under
way start no further effect, until a person unlocks them. What a failure brings
about, such as traffic put back, still happens.`,
		Example: `  sluice lock --stage production --reason 'incident 12'`,
	}, "locked", (*engine.Engine).Lock)
}

func (inv *invocation) unlock() *cobra.Command {
	return inv.latch(&cobra.Command{
		Use: "unlock", Short: "Let rollouts go on with locked targets",
		Example: `  sluice unlock --stage production --reason 'incident 12 is over'`,
	}, "unlocked", (*engine.Engine).Unlock)
}

// latch completes a command that changes records alone. Its Use is its name.
func (inv *invocation) latch(cmd *cobra.Command, done string, do func(*engine.Engine, context.Context, []*pipeline.Target, string) (rollout.Outcome, error)) *cobra.Command {
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return inv.note(cmd.Context(), done, func(ctx context.Context, e *engine.Engine, p *pipeline.Pipeline) (rollout.Outcome, error) {
			targets, err := inv.named(p)
			if err != nil {
				return rollout.Outcome{}, err
			}
			return do(e, ctx, targets, inv.flags.reason)
		})
	}
	inv.flags.selection(cmd.Flags())
	inv.flags.why(cmd.Flags())
	return cmd
}

func (inv *invocation) abandon() *cobra.Command {
	cmd := &cobra.Command{
		Use: "abandon --release RELEASE", Short: "Stop a release: it is promoted no further",
		Long: `Abandon marks a release on targets, all of the pipeline's without a choice. It is
promoted no further, to them or from them; what runs stays as it is.`,
		Example: `  sluice abandon --release v42 --reason 'leaks memory'`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return inv.note(cmd.Context(), "abandoned "+inv.flags.release, inv.runAbandon)
		},
	}
	inv.flags.selection(cmd.Flags())
	cmd.Flags().StringVar(&inv.flags.release, "release", "", "the release to abandon")
	inv.flags.why(cmd.Flags())
	return cmd
}

func (inv *invocation) runAbandon(ctx context.Context, e *engine.Engine, p *pipeline.Pipeline) (rollout.Outcome, error) {
	if inv.flags.release == "" {
		return rollout.Outcome{}, usage(errors.New("abandon wants --release"))
	}
	targets, err := inv.selected(p)
	if err != nil {
		return rollout.Outcome{}, err
	}
	return e.Abandon(ctx, targets, inv.flags.release, inv.flags.reason)
}

// note runs a command that changes records alone: it succeeded when they are
// saved, whatever became of the rollouts that they tell about.
func (inv *invocation) note(ctx context.Context, done string, do work) error {
	p, err := inv.one(ctx)
	if err != nil {
		return err
	}
	out, err := inv.do(ctx, p, do)
	if err != nil {
		return err
	}
	out.Status, out.Promotion = rollout.StatusSucceeded, ""
	inv.result = &result{pipeline: p, outcome: out, text: notedText(inv.command, done, inv.flags.reason, out), summary: true}
	return nil
}

func notedText(command, done, reason string, out rollout.Outcome) string {
	var b strings.Builder
	for _, t := range out.Targets {
		fmt.Fprintf(&b, "%s/%s: %s", t.Stage, t.Target, done)
		if reason != "" {
			b.WriteString(": " + reason)
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "%s: %s\n", command, out.Status)
	return b.String()
}
