package app

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"sluice/internal/engine"
	"sluice/internal/view"
	"sluice/pipeline"
	"sluice/rollout"
)

func lockCommand(inv *invocation) *cobra.Command {
	cmd := blocking(inv, &cobra.Command{
		Use: "lock", Short: "Stop the line: no rollout starts an effect on these targets",
		Long: `Lock stops the line for targets: promotions there are refused and rollouts under
way start no further effect, until a person unlocks them. What goes back passes,
a person's rollback as well as traffic that is put back after a failure; with
--both-ways a rollback too is stopped, your own included.`,
		Example: `  sluice lock --stage production --reason 'incident 12'`,
	}, "locked", func(ctx context.Context, e *engine.Engine, targets []*pipeline.Target) (view.Outcome, error) {
		return e.Lock(ctx, engine.Blocking{Targets: targets, Scope: inv.flags.scope(), BothWays: inv.flags.bothWays})
	})
	cmd.Flags().BoolVar(&inv.flags.bothWays, "both-ways", false, "stop rollbacks too")
	return cmd
}

// scope is how much a block is placed on.
func (f *flags) scope() rollout.Scope {
	switch {
	case len(f.targets)+len(f.components) > 0:
		return rollout.ScopeTarget
	case f.stage != "":
		return rollout.ScopeStage
	default:
		return rollout.ScopePipeline
	}
}

func unlockCommand(inv *invocation) *cobra.Command {
	return blocking(inv, &cobra.Command{
		Use: "unlock", Short: "Let rollouts go on with locked targets",
		Long: `Unlock ends the locks of targets, and lists what goes on there then. Somebody
else's lock takes --reason.`,
		Example: `  sluice unlock --stage production --reason 'incident 12 is over'`,
	}, "unlocked", func(ctx context.Context, e *engine.Engine, targets []*pipeline.Target) (view.Outcome, error) {
		return e.Unlock(ctx, targets)
	})
}

// blocking completes a command that changes the blocks of targets that are
// named. Its Use is its name.
func blocking(inv *invocation, cmd *cobra.Command, done string, do func(context.Context, *engine.Engine, []*pipeline.Target) (view.Outcome, error)) *cobra.Command {
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return inv.note(cmd.Context(), done, func(ctx context.Context, e *engine.Engine, p *pipeline.Pipeline) (view.Outcome, error) {
			targets, err := inv.flags.named(p)
			if err != nil {
				return view.Outcome{}, err
			}
			return do(ctx, e, targets)
		})
	}
	cmd.Use += " [TARGET|STAGE]"
	takes(cmd, placeWords, -1)
	inv.flags.selection(cmd.Flags())
	inv.flags.why(cmd.Flags())
	return cmd
}

func unblockCommand(inv *invocation) *cobra.Command {
	cmd := &cobra.Command{
		Use: "unblock [BLOCK]", Short: "End what keeps targets from going forward",
		Long: `Unblock ends a block by the id that status shows, wherever it stands; without an
id, those that going back left on the targets that are named, with --release those
of that release. Somebody else's block takes --reason.`,
		Example: `  sluice unblock went-back-v42-to-api-0007 --reason 'fixed by configuration'
  sluice unblock --target api --release v42 --reason 'it was the database'`,
		Args: words(0, 1),
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return inv.note(cmd.Context(), "unblocked", func(ctx context.Context, e *engine.Engine, p *pipeline.Pipeline) (view.Outcome, error) {
			return runUnblock(ctx, &inv.flags, e, p, strings.Join(args, ""))
		})
	}
	inv.flags.selection(cmd.Flags())
	cmd.Flags().StringVar(&inv.flags.release, "release", "", "only the blocks of this release")
	inv.flags.why(cmd.Flags())
	return cmd
}

func runUnblock(ctx context.Context, f *flags, e *engine.Engine, p *pipeline.Pipeline, id string) (view.Outcome, error) {
	if id != "" && f.release != "" {
		return view.Outcome{}, usage(errors.New("a block's id names it: leave --release out"))
	}
	choose := f.named
	if id != "" {
		choose = f.selected
	}
	targets, err := choose(p)
	if err != nil {
		return view.Outcome{}, err
	}
	return e.Unblock(ctx, targets, id, f.release)
}

func abandonCommand(inv *invocation) *cobra.Command {
	cmd := &cobra.Command{
		Use: "abandon [RELEASE]", Short: "Stop a release: it is promoted no further",
		Long: `Abandon marks a release on targets, all of the pipeline's without a choice. It is
promoted no further, to them or from them; what runs stays as it is.`,
		Example: `  sluice abandon --release v42 --reason 'leaks memory'`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return inv.note(cmd.Context(), "abandoned "+inv.flags.release, inv.flags.doing(runAbandon))
		},
	}
	takes(cmd, "release", 1)
	inv.flags.selection(cmd.Flags())
	cmd.Flags().StringVar(&inv.flags.release, "release", "", "the release to abandon")
	inv.flags.why(cmd.Flags())
	return cmd
}

func unabandonCommand(inv *invocation) *cobra.Command {
	cmd := &cobra.Command{
		Use: "unabandon [RELEASE]", Short: "Let a release that was abandoned go on",
		Long: `Unabandon ends what abandon began, on all targets of the pipeline without a choice.
Somebody else's takes --reason.`,
		Example: `  sluice unabandon v42 --reason 'it was the database'`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return inv.note(cmd.Context(), "no longer abandoned: "+inv.flags.release, func(ctx context.Context, e *engine.Engine, p *pipeline.Pipeline) (view.Outcome, error) {
				if inv.flags.release == "" {
					return view.Outcome{}, usage(errors.New("unabandon wants --release"))
				}
				targets, err := inv.flags.selected(p)
				if err != nil {
					return view.Outcome{}, err
				}
				return e.Unabandon(ctx, targets, inv.flags.release)
			})
		},
	}
	takes(cmd, "release", 1)
	inv.flags.selection(cmd.Flags())
	cmd.Flags().StringVar(&inv.flags.release, "release", "", "the release that was abandoned")
	inv.flags.why(cmd.Flags())
	return cmd
}

func runAbandon(ctx context.Context, f *flags, e *engine.Engine, p *pipeline.Pipeline) (view.Outcome, error) {
	if f.release == "" {
		return view.Outcome{}, usage(errors.New("abandon wants --release"))
	}
	targets, err := f.selected(p)
	if err != nil {
		return view.Outcome{}, err
	}
	return e.Abandon(ctx, targets, f.scope(), f.release)
}

// note runs a command that changes records alone: it succeeded when they are
// saved, whatever became of the rollouts that they tell about.
func (inv *invocation) note(ctx context.Context, done string, do doing) error {
	p, err := inv.one(ctx)
	if err != nil {
		return err
	}
	out, err := inv.do(ctx, p, do)
	if err != nil {
		return err
	}
	out.Status, out.Promotion = view.Succeeded, ""
	inv.result = &result{pipeline: p, outcome: out, text: notedText(inv.command, done, inv.flags.reason, shown(inv, out)), summary: true}
	return nil
}

// notedText says what was done to each target, and what goes on there.
func notedText(command, done, reason string, out view.Outcome) string {
	var b strings.Builder
	for _, t := range out.Targets {
		fmt.Fprintf(&b, "%s/%s: %s", t.Stage, t.Target, done)
		if reason != "" {
			b.WriteString(": " + reason)
		}
		b.WriteString("\n")
		if t.WaitingFor != nil {
			fmt.Fprintf(&b, "  %s %s\n", t.Rollout, t.WaitingFor.Waits())
		}
	}
	fmt.Fprintf(&b, "%s: %s\n", command, out.Status)
	return b.String()
}
