package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"sluice/internal/engine"
	"sluice/internal/view"
	"sluice/pipeline"
	"sluice/rollout"
	"sluice/stages/driver"
)

func promoteCommand(inv *invocation) *cobra.Command {
	cmd := &cobra.Command{
		Use: "promote [STAGE]", Short: "Promote releases to a stage",
		Long: `Promote gives the targets of a stage what the stage before it runs, or where it
comes after several what all of them run: target by target, through its canary,
checks and approval. The release is pinned when the promotion begins. What cannot
be finished now is saved; the same command, a re-run of the job, or reconcile goes
on with it.`,
		Example: `  sluice promote --to production
  sluice promote --to development --release v42 --component web
  sluice promote --to production --skip-stages --release v43 --reason 'hot fix for incident 12'`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return inv.move(cmd.Context(), func(ctx context.Context, e *engine.Engine, p *pipeline.Pipeline) (view.Outcome, error) {
				return runPromote(ctx, inv, e, p)
			})
		},
	}
	takes(cmd, "to", 1)
	inv.flags.promoting(cmd.Flags())
	cmd.Flags().StringVar(&inv.flags.shard, "shard", "", "this job's share of the targets, `i/N`, as plan --matrix dealt it")
	cmd.Flags().StringVar(&inv.flags.promotion, "promotion", "", "with --shard outside a workflow run: the promotion that the shards make up")
	return cmd
}

func runPromote(ctx context.Context, inv *invocation, e *engine.Engine, p *pipeline.Pipeline) (view.Outcome, error) {
	if inv.flags.to == "" {
		return view.Outcome{}, nowhere(ctx, e, p)
	}
	req, err := inv.flags.toPromote(p)
	if err != nil {
		return view.Outcome{}, err
	}
	if err := inv.takeShard(p, &req); err != nil {
		return view.Outcome{}, err
	}
	return e.Promote(ctx, req)
}

// nowhere says of a promotion without a stage which stage would come next, and by
// which command. Nothing is done.
func nowhere(ctx context.Context, e *engine.Engine, p *pipeline.Pipeline) error {
	text := "say where to with --to; the stages are " + strings.Join(stageNames(p), ", ")
	coming, err := e.Next(ctx)
	if err != nil {
		return err
	}
	if len(coming) == 0 {
		return usage(errors.New(text + "; each runs what the one before it runs"))
	}
	for _, one := range coming {
		stage := one.Stage.Name.Value
		text += "\n" + stage + " would come next, with `sluice promote --to " + stage + "`:"
		for _, s := range one.Steps {
			text += fmt.Sprintf("\n  %s gets %s from %s", s.Target, s.Release, s.Source)
			if s.Runs != "" {
				text += ", in place of " + s.Runs
			}
		}
	}
	return usage(errors.New(text))
}

func promoteCanaryCommand(inv *invocation) *cobra.Command {
	cmd := &cobra.Command{
		Use: "promote-canary [TARGET]", Short: "Promote the canary that stands on a target now",
		Long: `Promote-canary makes the canary that stands on a target what runs there for all
traffic, whoever put it there: its release and its variables. It is refused, and
nothing is sent, where no canary stands or a rollout of Sluice's is at work.`,
		Example: `  sluice promote-canary --target api
  sluice promote-canary --target api --disable   # and remove the canary's settings`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return inv.move(cmd.Context(), inv.flags.doing(runPromoteCanary))
		},
	}
	takes(cmd, "target", 1)
	cmd.Flags().Var(list{&inv.flags.targets}, "target", "the target whose canary is promoted")
	cmd.Flags().BoolVar(&inv.flags.disable, "disable", false, "remove the canary after that")
	inv.flags.why(cmd.Flags())
	inv.flags.options(cmd.Flags())
	return cmd
}

func runPromoteCanary(ctx context.Context, f *flags, e *engine.Engine, p *pipeline.Pipeline) (view.Outcome, error) {
	req, err := f.toPromoteCanary(p)
	if err != nil {
		return view.Outcome{}, err
	}
	return e.PromoteCanary(ctx, req)
}

// toPromoteCanary reads what the flags of promote-canary ask for.
func (f *flags) toPromoteCanary(p *pipeline.Pipeline) (engine.CanaryPromotion, error) {
	t, options, err := f.onlyTarget(p, "promote-canary")
	return engine.CanaryPromotion{Target: t, Disable: f.disable, Options: options}, err
}

func disableCanaryCommand(inv *invocation) *cobra.Command {
	cmd := &cobra.Command{
		Use: "disable-canary [TARGET]", Short: "Take away the canary that stands on a target, whoever made it",
		Long: `Disable-canary takes the canary away that stands on a target, whoever made it: it
has no traffic any more, its settings are removed, and that is read back. A
rollout at work there is cancelled; a run at work on it is told to let go, and
waited for (--lease-wait). What the canary ran does not come again by itself, as
after a rollback.`,
		Example: `  sluice disable-canary --target api --reason 'errors since 14:02'`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return inv.move(cmd.Context(), inv.flags.doing(runDisableCanary))
		},
	}
	takes(cmd, "target", 1)
	cmd.Flags().Var(list{&inv.flags.targets}, "target", "the target whose canary is taken away")
	inv.flags.why(cmd.Flags())
	inv.flags.options(cmd.Flags())
	return cmd
}

func runDisableCanary(ctx context.Context, f *flags, e *engine.Engine, p *pipeline.Pipeline) (view.Outcome, error) {
	t, options, err := f.onlyTarget(p, "disable-canary")
	if err != nil {
		return view.Outcome{}, err
	}
	return e.DisableCanary(ctx, engine.CanaryRemoval{Target: t, Options: options})
}

// onlyTarget is the one target that a command wants, with a person's words for it.
func (f *flags) onlyTarget(p *pipeline.Pipeline, command string) (*pipeline.Target, driver.Options, error) {
	if len(f.targets) != 1 {
		return nil, driver.Options{}, usage(errors.New(command + " wants one --target"))
	}
	t, err := p.Target(f.targets[0])
	if err != nil {
		return nil, driver.Options{}, usage(err)
	}
	options, err := f.ofRollouts()
	return t, options, err
}

// platformPolicies are those of the overrides that may be policies of a platform:
// the ids of blocks are Sluice's own.
func platformPolicies(overrides []string) []string {
	return slices.DeleteFunc(slices.Clone(overrides), rollout.IsBlockID)
}

// ofRollouts are a person's words for the rollouts of one promotion.
func (f *flags) ofRollouts() (driver.Options, error) {
	labels, err := pairs("--label", f.labels)
	if err != nil {
		return driver.Options{}, err
	}
	annotations, err := pairs("--annotation", f.annotations)
	if err != nil {
		return driver.Options{}, err
	}
	return driver.Options{
		Description: f.description, Labels: labels, Annotations: annotations, OverridePolicies: platformPolicies(f.overrides()),
	}, nil
}
