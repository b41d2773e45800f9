package app

import (
	"cmp"
	"context"
	"errors"

	"github.com/spf13/cobra"

	"sluice/internal/engine"
	"sluice/internal/planner"
	"sluice/internal/view"
	"sluice/pipeline"
)

func approveCommand(inv *invocation) *cobra.Command {
	cmd := &cobra.Command{
		Use: planner.CommandApprove, Short: "Approve rollouts that wait for approval, and go on with them",
		Long: `Approve counts your word for rollouts in PENDING_APPROVAL, prints the releases it
approves, and goes on with what is approved. Your word counts where GitHub says
who you are (a run that you started by workflow_dispatch or repository_dispatch,
or a comment of yours, if you may write to the repository) and the pipeline file
names you among the approvers, or names nobody any more and the promotion began
with you among them.`,
		Example: `  sluice approve --target api --comment 'looks good'
  sluice approve --stage production`,
	}
	cmd = order(inv, cmd)
	cmd.Flags().BoolVar(&inv.flags.emergency, "emergency", false, "approve as a maintainer who is no approver; needs --reason, and an approver's acknowledgement later")
	return cmd
}

func rejectCommand(inv *invocation) *cobra.Command {
	return order(inv, &cobra.Command{
		Use: planner.CommandReject, Short: "Reject rollouts that wait for approval",
		Example: `  sluice reject --target api --comment 'not on a Friday'`,
	})
}

func advanceCommand(inv *invocation) *cobra.Command {
	cmd := order(inv, &cobra.Command{
		Use: planner.CommandAdvance, Short: "Start the next phase of a rollout",
		Long: "Advance starts the next phase of a rollout that is IN_PROGRESS, whether it bakes\nor waits for a person.",
		Example: `  sluice advance --target api
  sluice advance --target api --to stable`,
	})
	inv.flags.ofPhase(cmd.Flags())
	cmd.Flags().StringVar(&inv.flags.jump, "to", "", "a later `phase` than the next; those between are skipped")
	cmd.MarkFlagsMutuallyExclusive("phase", "to")
	return cmd
}

func cancelCommand(inv *invocation) *cobra.Command {
	return order(inv, &cobra.Command{
		Use: planner.CommandCancel, Short: "Cancel a rollout; a canary that stands is removed",
		Long: `Cancel ends a rollout that is not over. A canary that stands is taken away; a
release that has all traffic stays. Rollback goes back to what ran before.`,
		Example: `  sluice cancel --target api`,
	})
}

func retryJobCommand(inv *invocation) *cobra.Command {
	cmd := order(inv, &cobra.Command{
		Use: planner.CommandRetryJob, Short: "Run a failed job again, or repeat an effect that asks",
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

func ignoreJobCommand(inv *invocation) *cobra.Command {
	cmd := order(inv, &cobra.Command{
		Use: planner.CommandIgnoreJob, Short: "Go on past a failed job, or accept what stands where an effect asks",
		Example: `  sluice ignore-job --target api`,
	})
	inv.flags.ofPhase(cmd.Flags())
	inv.flags.ofJob(cmd.Flags())
	return cmd
}

func terminateCommand(inv *invocation) *cobra.Command {
	cmd := &cobra.Command{
		Use: planner.CommandTerminate, Short: "End one job that is at work: a check, or work that the platform can stop",
		Long: `Terminate ends one job of a rollout that is IN_PROGRESS, and nothing else: a check
that hangs, an analysis, or work of the platform that it can stop. The job fails, and
with it the rollout: traffic goes back where the pipeline says so, no rule of
automation repairs it, and retry-job, ignore-job or rollback decides what is next. A
run that is at work on the target ends the job itself within half a minute. What a
platform cannot stop is refused.`,
		Example: `  sluice terminate --target api --reason 'the check hangs'
  sluice terminate --target api --phase canary-10 --job verify`,
	}
	cmd = order(inv, cmd)
	inv.flags.ofPhase(cmd.Flags())
	inv.flags.ofJob(cmd.Flags())
	return cmd
}

// order completes a command to rollouts that exist. Its Use is its name.
func order(inv *invocation, cmd *cobra.Command) *cobra.Command {
	name := cmd.Use
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return give(cmd.Context(), inv, name) }
	cmd.Use += " [TARGET|STAGE]"
	takes(cmd, placeWords, -1)
	s := cmd.Flags()
	inv.flags.selection(s)
	inv.flags.ofPromotion(s)
	s.StringVar(&inv.flags.comment, "comment", "", "why; it is recorded")
	inv.flags.passing(s)
	inv.flags.why(s)
	return cmd
}

// give gives a command to rollouts that exist.
func give(ctx context.Context, inv *invocation, name string) error {
	return inv.move(ctx, func(ctx context.Context, e *engine.Engine, p *pipeline.Pipeline) (view.Outcome, error) {
		targets, err := inv.flags.selected(p)
		if err != nil {
			return view.Outcome{}, err
		}
		if err := mayComment(inv.runner, name, targets); err != nil {
			return view.Outcome{}, err
		}
		if err := inv.github.mayVote(ctx, name); err != nil {
			return view.Outcome{}, err
		}
		if err := inv.github.mayInEmergency(ctx, &inv.flags); err != nil {
			return view.Outcome{}, err
		}
		f := inv.flags
		return e.Command(ctx, engine.Order{
			Command: name, Targets: targets, Promotion: f.promotion, Phase: cmp.Or(f.jump, f.phase), Jump: f.jump != "", Job: f.job,
			Comment: f.comment, Emergency: f.emergency, Release: inv.said.release, Said: inv.said.at,
		})
	})
}

func rollbackCommand(inv *invocation) *cobra.Command {
	cmd := &cobra.Command{
		Use: "rollback [TARGET|STAGE]", Short: "Put targets back to what they ran before their newest rollout",
		Long: `Rollback puts targets back to what their platform ran before the newest rollout's
first effect, recorded then: the release and its variables, without bakes. With
--release they go back to one that ran there before and was good. It needs no
approval unless the stage says approval.rollback. A run at work on a target is
told to let go, and waited for (--lease-wait). What was gone back from does not
come again by itself: a newer release that a person promotes, or unblock, ends
that.`,
		Example: `  sluice rollback --target api --reason 'errors since 14:02'
  sluice rollback --stage production
  sluice rollback --target api --release v41 --reason 'v42 and v43 leak'`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return inv.move(cmd.Context(), inv.flags.doing(runRollback))
		},
	}
	takes(cmd, placeWords, -1)
	inv.flags.selection(cmd.Flags())
	inv.flags.ofPromotion(cmd.Flags())
	cmd.Flags().StringVar(&inv.flags.release, "release", "", "the release to go back to (default what ran before)")
	inv.flags.why(cmd.Flags())
	inv.flags.options(cmd.Flags())
	return cmd
}

func runRollback(ctx context.Context, f *flags, e *engine.Engine, p *pipeline.Pipeline) (view.Outcome, error) {
	req, err := f.toGoBack(p)
	if err != nil {
		return view.Outcome{}, err
	}
	return e.Rollback(ctx, req)
}

// toGoBack reads what the flags of rollback ask for.
func (f *flags) toGoBack(p *pipeline.Pipeline) (engine.Back, error) {
	targets, err := f.named(p)
	if err != nil {
		return engine.Back{}, err
	}
	options, err := f.ofRollouts()
	return engine.Back{Targets: targets, Promotion: f.promotion, Release: f.release, Options: options}, err
}

func skipCommand(inv *invocation) *cobra.Command {
	cmd := &cobra.Command{
		Use: "skip [TARGET] --reason WHY", Short: "Leave targets out of their promotion: the others go on without them",
		Long: `Skip leaves targets out of the promotion that they are in, or were in last: its
next wave does not wait for them, and their failure halts the others no more. What
runs on them stays as it is.`,
		Example: `  sluice skip --target api-7 --reason 'its region is down'`,
		RunE:    func(cmd *cobra.Command, _ []string) error { return inv.move(cmd.Context(), inv.flags.doing(runSkip)) },
	}
	takes(cmd, "target", -1)
	cmd.Flags().Var(list{&inv.flags.targets}, "target", "the targets to leave out")
	inv.flags.ofPromotion(cmd.Flags())
	inv.flags.why(cmd.Flags())
	return cmd
}

func runSkip(ctx context.Context, f *flags, e *engine.Engine, p *pipeline.Pipeline) (view.Outcome, error) {
	if len(f.targets) == 0 || f.reason == "" {
		return view.Outcome{}, usage(errors.New("skip wants --target and --reason: why is recorded"))
	}
	targets, err := f.selected(p)
	if err != nil {
		return view.Outcome{}, err
	}
	return e.Skip(ctx, targets, f.promotion)
}

func reconcileCommand(inv *invocation) *cobra.Command {
	cmd := &cobra.Command{
		Use: "reconcile [STAGE|TARGET]", Short: "Take up whatever is due",
		Long: `Reconcile takes up whatever is due on any target: bakes that are over, windows
that opened, operations that ended, work that an interrupted run left. Run it by
a schedule or a dispatch; what is not due it leaves alone, and nothing is done
twice.`,
		Example: `  sluice reconcile
  sluice reconcile --file shop.yaml --file search.yaml`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return inv.each(cmd.Context(), func(ctx context.Context, e *engine.Engine, p *pipeline.Pipeline) (view.Outcome, error) {
				targets, err := inv.flags.selectedIn(p)
				if err != nil || len(targets) == 0 {
					return view.Outcome{}, err
				}
				return e.Reconcile(ctx, targets)
			})
		},
	}
	takes(cmd, placeWords, -1)
	inv.flags.selection(cmd.Flags())
	return cmd
}
