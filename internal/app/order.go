package app

import (
	"context"

	"github.com/spf13/cobra"

	"sluice/internal/old/engine"
	"sluice/internal/old/rollout"
	"sluice/pipeline"
)

func (inv *invocation) approve() *cobra.Command {
	cmd := &cobra.Command{
		Use: engine.CommandApprove, Short: "Approve rollouts that wait for approval, and go on with them",
		Long: `Approve counts your word for rollouts in PENDING_APPROVAL, prints the releases it
approves, and goes on with what is approved. Your word counts where GitHub says
who you are (a run that you started by workflow_dispatch or repository_dispatch,
or a comment of yours, if you may write to the repository) and the approvers that
were pinned when the promotion began name you.`,
		Example: `  sluice approve --target api --comment 'looks good'
  sluice approve --stage production`,
	}
	return inv.order(cmd)
}

func (inv *invocation) reject() *cobra.Command {
	return inv.order(&cobra.Command{
		Use: engine.CommandReject, Short: "Reject rollouts that wait for approval",
		Example: `  sluice reject --target api --comment 'not on a Friday'`,
	})
}

func (inv *invocation) advance() *cobra.Command {
	cmd := inv.order(&cobra.Command{
		Use: engine.CommandAdvance, Short: "Start the next phase of a rollout",
		Long:    "Advance starts the next phase of a rollout that is IN_PROGRESS, whether it bakes\nor waits for a person.",
		Example: `  sluice advance --target api`,
	})
	inv.flags.ofPhase(cmd.Flags())
	return cmd
}

func (inv *invocation) cancel() *cobra.Command {
	return inv.order(&cobra.Command{
		Use: engine.CommandCancel, Short: "Cancel a rollout; a canary that stands is removed",
		Long: `Cancel ends a rollout that is not over. A canary that stands is taken away; a
release that has all traffic stays. Rollback goes back to what ran before.`,
		Example: `  sluice cancel --target api`,
	})
}

func (inv *invocation) retryJob() *cobra.Command {
	cmd := inv.order(&cobra.Command{
		Use: engine.CommandRetryJob, Short: "Run a failed job again, or repeat an effect that asks",
		Long: `Retry-job runs a failed job again and goes on from there; where traffic was put
back, its phase is applied again first. Where Sluice stopped and asks, because it
cannot know what an effect did, retry-job repeats the effect.`,
		Example: `  sluice retry-job --target api
  sluice retry-job --target api --phase canary-10 --job verify`,
	})
	inv.flags.ofPhase(cmd.Flags())
	inv.flags.ofJob(cmd.Flags())
	return cmd
}

func (inv *invocation) ignoreJob() *cobra.Command {
	cmd := inv.order(&cobra.Command{
		Use: engine.CommandIgnoreJob, Short: "Go on past a failed job, or accept what stands where an effect asks",
		Example: `  sluice ignore-job --target api`,
	})
	inv.flags.ofPhase(cmd.Flags())
	inv.flags.ofJob(cmd.Flags())
	return cmd
}

// order completes a command to rollouts that exist. Its Use is its name.
func (inv *invocation) order(cmd *cobra.Command) *cobra.Command {
	name := cmd.Use
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return inv.move(cmd.Context(), func(ctx context.Context, e *engine.Engine, p *pipeline.Pipeline) (rollout.Outcome, error) {
			targets, err := inv.selected(p)
			if err != nil {
				return rollout.Outcome{}, err
			}
			if err := inv.mayVote(ctx, name); err != nil {
				return rollout.Outcome{}, err
			}
			f := inv.flags
			return e.Command(ctx, engine.Order{Command: name, Targets: targets, Promotion: f.promotion, Phase: f.phase, Job: f.job, Comment: f.comment})
		})
	}
	s := cmd.Flags()
	inv.flags.selection(s)
	inv.flags.ofPromotion(s)
	s.StringVar(&inv.flags.comment, "comment", "", "why; it is recorded")
	s.Var(list{&inv.flags.overridePolicy}, "override-policy", "override these policies; needs --reason")
	inv.flags.why(s)
	return cmd
}

func (inv *invocation) rollback() *cobra.Command {
	cmd := &cobra.Command{
		Use: "rollback", Short: "Put targets back to what they ran before their newest rollout",
		Long: `Rollback puts targets back to what their platform ran before the newest rollout's
first effect, recorded then: the release and its variables, without bakes. It
needs no approval unless the stage says approval.rollback.`,
		Example: `  sluice rollback --target api --reason 'errors since 14:02'
  sluice rollback --stage production`,
		RunE: func(cmd *cobra.Command, _ []string) error { return inv.move(cmd.Context(), inv.runRollback) },
	}
	inv.flags.selection(cmd.Flags())
	inv.flags.ofPromotion(cmd.Flags())
	inv.flags.why(cmd.Flags())
	inv.flags.options(cmd.Flags())
	return cmd
}

func (inv *invocation) runRollback(ctx context.Context, e *engine.Engine, p *pipeline.Pipeline) (rollout.Outcome, error) {
	targets, err := inv.named(p)
	if err != nil {
		return rollout.Outcome{}, err
	}
	options, err := inv.options()
	if err != nil {
		return rollout.Outcome{}, err
	}
	return e.Rollback(ctx, engine.Back{Targets: targets, Promotion: inv.flags.promotion, Reason: inv.flags.reason, Options: options})
}

func (inv *invocation) reconcile() *cobra.Command {
	cmd := &cobra.Command{
		Use: "reconcile", Short: "Take up whatever is due",
		Long: `Reconcile takes up whatever is due on any target: bakes that are over, windows
that opened, operations that ended, work that an interrupted run left. Run it by
a schedule or a dispatch; what is not due it leaves alone, and nothing is done
twice.`,
		Example: `  sluice reconcile
  sluice reconcile --file shop.yaml --file search.yaml`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return inv.each(cmd.Context(), func(ctx context.Context, e *engine.Engine, p *pipeline.Pipeline) (rollout.Outcome, error) {
				targets, err := inv.selectedIn(p)
				if err != nil || len(targets) == 0 {
					return rollout.Outcome{}, err
				}
				return e.Reconcile(ctx, targets)
			})
		},
	}
	inv.flags.selection(cmd.Flags())
	return cmd
}
