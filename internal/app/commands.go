package app

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"

	"sluice/internal/engine"
	"sluice/pipeline"
	"sluice/rollout"
	"sluice/stages/driver"
)

// root is the tree of commands.
func (inv *invocation) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "sluice",
		Short:         "Moves releases through the stages of a declared pipeline, with no server of its own",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return usage(errors.New("say what to do, for instance `sluice promote --to STAGE`; `sluice help` lists the commands"))
		},
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			inv.command = cmd.Name()
			if err := inv.bind(cmd); err != nil {
				return err
			}
			return inv.flags.check()
		},
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage(err) })
	inv.flags.global(root.PersistentFlags())
	root.AddCommand(
		inv.validate(), inv.plan(), inv.promote(), inv.promoteCanary(), inv.status(),
		inv.order(engine.CommandApprove, "Approve rollouts that wait for approval, and go on with them"),
		inv.order(engine.CommandReject, "Reject rollouts that wait for approval"),
		inv.order(engine.CommandAdvance, "Start the next phase of a rollout"),
		inv.order(engine.CommandCancel, "Cancel a rollout; a canary that stands is removed"),
		inv.order(engine.CommandRetryJob, "Run a failed job again, or repeat an effect that asks"),
		inv.order(engine.CommandIgnoreJob, "Go on past a failed job, or accept what stands where an effect asks"),
		inv.rollback(), inv.abandon(), inv.lock(), inv.unlock(), inv.reconcile(),
		inv.events(), inv.collect(), inv.state(), inv.sandbox(), inv.version(),
	)
	for _, c := range root.Commands() {
		c.Args = noArgs(c.Args)
	}
	return root
}

// noArgs makes words that a command does not take a usage error.
func noArgs(have cobra.PositionalArgs) cobra.PositionalArgs {
	if have == nil {
		have = cobra.NoArgs
	}
	return func(cmd *cobra.Command, args []string) error { return usage(have(cmd, args)) }
}

func (inv *invocation) promote() *cobra.Command {
	cmd := &cobra.Command{
		Use: "promote --to STAGE", Short: "Promote releases to a stage",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return inv.move(cmd.Context(), func(ctx context.Context, e *engine.Engine, p *pipeline.Pipeline) (rollout.Outcome, error) {
				req, err := inv.promotion(p)
				if err != nil {
					return rollout.Outcome{}, err
				}
				if err := inv.takeShard(p, &req); err != nil {
					return rollout.Outcome{}, err
				}
				return e.Promote(ctx, req)
			})
		},
	}
	inv.flags.journey(cmd.Flags())
	cmd.Flags().StringVar(&inv.flags.shard, "shard", "", "this job's share of the targets, `i/N`, as plan --matrix dealt it")
	cmd.Flags().StringVar(&inv.flags.promotion, "promotion", "", "with --shard outside a workflow run: the promotion that the shards make up")
	return cmd
}

func (inv *invocation) promoteCanary() *cobra.Command {
	cmd := &cobra.Command{
		Use: "promote-canary --target TARGET", Short: "Promote the canary that stands on a target now",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return inv.move(cmd.Context(), func(ctx context.Context, e *engine.Engine, p *pipeline.Pipeline) (rollout.Outcome, error) {
				if len(inv.flags.targets) != 1 {
					return rollout.Outcome{}, usage(errors.New("promote-canary wants one --target"))
				}
				t, err := p.Target(inv.flags.targets[0])
				if err != nil {
					return rollout.Outcome{}, usage(err)
				}
				options, err := inv.options()
				if err != nil {
					return rollout.Outcome{}, err
				}
				return e.PromoteCanary(ctx, engine.CanaryPromotion{Target: t, Disable: inv.flags.disable, Reason: inv.flags.reason, Options: options})
			})
		},
	}
	cmd.Flags().Var(list{&inv.flags.targets}, "target", "the target whose canary is promoted")
	cmd.Flags().BoolVar(&inv.flags.disable, "disable", false, "remove the canary after that")
	inv.flags.why(cmd.Flags())
	inv.flags.options(cmd.Flags())
	return cmd
}

// order is a command to rollouts that exist.
func (inv *invocation) order(name, short string) *cobra.Command {
	cmd := &cobra.Command{
		Use: name, Short: short,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return inv.move(cmd.Context(), func(ctx context.Context, e *engine.Engine, p *pipeline.Pipeline) (rollout.Outcome, error) {
				targets, err := inv.selected(p)
				if err != nil {
					return rollout.Outcome{}, err
				}
				f := inv.flags
				return e.Command(ctx, engine.Order{Command: name, Targets: targets, Promotion: f.promotion, Phase: f.phase, Job: f.job, Comment: f.comment})
			})
		},
	}
	s := cmd.Flags()
	inv.flags.selection(s)
	s.StringVar(&inv.flags.promotion, "promotion", "", "the rollouts of this promotion")
	s.StringVar(&inv.flags.comment, "comment", "", "why; it is recorded")
	s.Var(list{&inv.flags.overridePolicy}, "override-policy", "override these policies; needs --reason")
	inv.flags.why(s)
	if name == engine.CommandAdvance || name == engine.CommandRetryJob || name == engine.CommandIgnoreJob {
		s.StringVar(&inv.flags.phase, "phase", "", "the phase (default the only one that qualifies)")
	}
	if name == engine.CommandRetryJob || name == engine.CommandIgnoreJob {
		s.StringVar(&inv.flags.job, "job", "", "the job (default the only one that qualifies)")
	}
	return cmd
}

func (inv *invocation) rollback() *cobra.Command {
	cmd := &cobra.Command{
		Use: "rollback", Short: "Put targets back to what they ran before their newest rollout",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return inv.move(cmd.Context(), func(ctx context.Context, e *engine.Engine, p *pipeline.Pipeline) (rollout.Outcome, error) {
				targets, err := inv.named(p)
				if err != nil {
					return rollout.Outcome{}, err
				}
				options, err := inv.options()
				if err != nil {
					return rollout.Outcome{}, err
				}
				return e.Rollback(ctx, engine.Back{Targets: targets, Promotion: inv.flags.promotion, Reason: inv.flags.reason, Options: options})
			})
		},
	}
	inv.flags.selection(cmd.Flags())
	cmd.Flags().StringVar(&inv.flags.promotion, "promotion", "", "the rollouts of this promotion")
	inv.flags.why(cmd.Flags())
	inv.flags.options(cmd.Flags())
	return cmd
}

func (inv *invocation) reconcile() *cobra.Command {
	cmd := &cobra.Command{
		Use: "reconcile", Short: "Take up whatever is due",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return inv.each(cmd.Context(), func(ctx context.Context, e *engine.Engine, p *pipeline.Pipeline) (rollout.Outcome, error) {
				targets, err := inv.selected(p)
				if err != nil {
					return rollout.Outcome{}, err
				}
				return e.Reconcile(ctx, targets)
			})
		},
	}
	inv.flags.selection(cmd.Flags())
	return cmd
}

func (inv *invocation) abandon() *cobra.Command {
	cmd := &cobra.Command{
		Use: "abandon --release RELEASE", Short: "Stop a release: it is promoted no further",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return inv.move(cmd.Context(), func(ctx context.Context, e *engine.Engine, p *pipeline.Pipeline) (rollout.Outcome, error) {
				if inv.flags.release == "" {
					return rollout.Outcome{}, usage(errors.New("abandon wants --release"))
				}
				targets, err := inv.selected(p)
				if err != nil {
					return rollout.Outcome{}, err
				}
				return e.Abandon(ctx, targets, inv.flags.release, inv.flags.reason)
			})
		},
	}
	inv.flags.selection(cmd.Flags())
	cmd.Flags().StringVar(&inv.flags.release, "release", "", "the release to abandon")
	inv.flags.why(cmd.Flags())
	return cmd
}

func (inv *invocation) lock() *cobra.Command {
	return inv.latch("lock", "Stop the line: no rollout starts an effect on these targets", (*engine.Engine).Lock)
}

func (inv *invocation) unlock() *cobra.Command {
	return inv.latch("unlock", "Let rollouts go on with locked targets", (*engine.Engine).Unlock)
}

func (inv *invocation) latch(name, short string, do func(*engine.Engine, context.Context, []*pipeline.Target, string) (rollout.Outcome, error)) *cobra.Command {
	cmd := &cobra.Command{
		Use: name, Short: short,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return inv.move(cmd.Context(), func(ctx context.Context, e *engine.Engine, p *pipeline.Pipeline) (rollout.Outcome, error) {
				targets, err := inv.named(p)
				if err != nil {
					return rollout.Outcome{}, err
				}
				return do(e, ctx, targets, inv.flags.reason)
			})
		},
	}
	inv.flags.selection(cmd.Flags())
	inv.flags.why(cmd.Flags())
	return cmd
}

// Version is what the linker sets at a release.
var Version = "" //nolint:gochecknoglobals // -X can set nothing else

func (inv *invocation) version() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version",
		RunE: func(*cobra.Command, []string) error {
			version := Version
			if info, ok := debug.ReadBuildInfo(); ok && version == "" {
				version = info.Main.Version
			}
			if version == "" {
				version = "(devel)"
			}
			inv.result = &result{text: "sluice " + version, extra: map[string]any{"version": version}}
			return nil
		},
	}
}

// options are a person's words for the rollouts of one promotion.
func (inv *invocation) options() (driver.Options, error) {
	labels, err := pairs("--label", inv.flags.labels)
	if err != nil {
		return driver.Options{}, err
	}
	annotations, err := pairs("--annotation", inv.flags.annotations)
	if err != nil {
		return driver.Options{}, err
	}
	return driver.Options{
		Description: inv.flags.description, Labels: labels, Annotations: annotations, OverridePolicies: inv.flags.overridePolicy,
	}, nil
}

// move runs a command on the one pipeline and keeps what came of it.
func (inv *invocation) move(ctx context.Context, do func(context.Context, *engine.Engine, *pipeline.Pipeline) (rollout.Outcome, error)) error {
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
	out, err := do(ctx, e, p)
	inv.result = &result{pipeline: p, outcome: out, moves: true}
	return err
}

// each runs a command on every pipeline and sums up what came of them. One
// pipeline's trouble does not keep the others from their turn.
func (inv *invocation) each(ctx context.Context, do func(context.Context, *engine.Engine, *pipeline.Pipeline) (rollout.Outcome, error)) error {
	pipelines, err := inv.load(ctx)
	if err != nil {
		return err
	}
	sum := &result{moves: true}
	if len(pipelines) == 1 {
		sum.pipeline = pipelines[0]
	}
	var failures []error
	for _, p := range pipelines {
		if err := inv.mayChange(ctx, p); err != nil {
			failures = append(failures, err)
			continue
		}
		e, err := inv.engine(p)
		if err != nil {
			failures = append(failures, err)
			continue
		}
		out, err := do(ctx, e, p)
		if err != nil {
			failures = append(failures, fmt.Errorf("%s: %w", p.Name.Value, err))
		}
		sum.outcome = join(sum.outcome, out)
	}
	inv.result = sum
	return errors.Join(failures...)
}

// join sums the outcomes of two pipelines up.
func join(a, b rollout.Outcome) rollout.Outcome {
	if len(a.Targets) == 0 {
		return b
	}
	if len(b.Targets) == 0 {
		return a
	}
	a.Targets = append(a.Targets, b.Targets...)
	a.Status, a.Promotion, a.Release = rollout.Sum(a.Targets), "", ""
	if a.Next.IsZero() || (!b.Next.IsZero() && b.Next.Before(a.Next)) {
		a.Next = b.Next
	}
	return a
}
