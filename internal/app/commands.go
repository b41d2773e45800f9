package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"sluice/internal/engine"
	"sluice/internal/view"
	"sluice/pipeline"
)

// Commands is the tree of commands, for who describes them. Nothing may be run with it.
func Commands() *cobra.Command {
	return newInvocation(Process{Stdout: io.Discard, Stderr: io.Discard}).root()
}

// bare is the program itself: the tree of commands without any.
func (inv *invocation) bare() *cobra.Command {
	root := &cobra.Command{
		Use:   "sluice",
		Short: "Moves releases through the stages of a declared pipeline, with no server of its own",
		Long: `Sluice moves releases through the stages of a declared pipeline, with no server
of its own. The pipeline file says what there is, the platforms say what runs,
the state store says what was intended and what happened; every invocation
resumes where the last one stopped.

Every flag is also SLUICE_<FLAG> in the environment and, in GitHub Actions, an
input of the same name: a flag beats an input beats the environment.

Exit codes: 0 done, unchanged or pending; 1 a target failed; 2 the command line
or the pipeline file is wrong; 3 pending, with --fail-on-pending; 4 refused, or
a person must decide; 5 another run holds the target; 6 the state cannot be read
or written; 130 interrupted, and saved.`,
		Example: `  sluice validate
  sluice promote --sandbox --to production   # rehearse it, without any account
  sluice plan --to production
  sluice promote --to production`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          known,
		Version:       strings.TrimPrefix(versionLine(), "sluice "), // without a template of ours: one that runs keeps every exported method of every package in the binary
		PersistentPreRunE: func(cmd *cobra.Command, args []string) error {
			inv.command = strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" ")
			if err := inv.flags.take(cmd, args); err != nil {
				return err
			}
			if err := bind(cmd, inv.runner.Input, inv.env.Get); err != nil {
				return err
			}
			inv.bound = true
			return inv.flags.check()
		},
	}
	root.RunE = func(*cobra.Command, []string) error {
		return usage(errors.New("say what to do, for instance `sluice promote --to STAGE`; `sluice help` lists the commands"))
	}
	root.SetFlagErrorFunc(wrongFlag)
	inv.flags.global(root.PersistentFlags())
	return root
}

// strict makes words that no command takes a usage error, at every level.
func strict(cmd *cobra.Command) {
	have := cmd.Args
	if have == nil {
		have = cobra.NoArgs
	}
	cmd.Args = func(c *cobra.Command, args []string) error { return usage(have(c, args)) }
	for _, sub := range cmd.Commands() {
		strict(sub)
	}
}

// doing is what a command has an engine do for a pipeline.
type doing func(context.Context, *engine.Engine, *pipeline.Pipeline) (view.Outcome, error)

// doing has something done that the flags say all of.
func (f *flags) doing(do func(context.Context, *flags, *engine.Engine, *pipeline.Pipeline) (view.Outcome, error)) doing {
	return func(ctx context.Context, e *engine.Engine, p *pipeline.Pipeline) (view.Outcome, error) {
		return do(ctx, f, e, p)
	}
}

// move runs a command on the one pipeline and keeps what came of it.
func (inv *invocation) move(ctx context.Context, do doing) error {
	p, err := inv.one(ctx)
	if err != nil {
		return err
	}
	out, err := inv.do(ctx, p, do)
	inv.result = &result{pipeline: p, outcome: out, moves: true}
	return err
}

// do runs a command on a pipeline whose state this run may change.
func (inv *invocation) do(ctx context.Context, p *pipeline.Pipeline, do doing) (view.Outcome, error) {
	if err := inv.mayChange(ctx, p, inv.flags.storeName(p)); err != nil {
		return view.Outcome{}, err
	}
	var out view.Outcome
	inv.news = false
	inv.openTelemetry()
	err := inv.use(ctx, p, func(e *engine.Engine) (err error) {
		out, err = do(ctx, e, p)
		return err
	})
	inv.parts = append(inv.parts, part{pipeline: p, outcome: out, err: err, news: inv.news})
	return out, err
}

// each runs a command on every pipeline and sums up what came of them. One
// pipeline's trouble does not keep the others from their turn.
func (inv *invocation) each(ctx context.Context, do doing) error {
	pipelines, err := inv.load(ctx)
	if err != nil {
		return err
	}
	if err := inv.flags.selectedSomewhere(pipelines); err != nil {
		return err
	}
	sum := &result{moves: true}
	if len(pipelines) == 1 {
		sum.pipeline = pipelines[0]
	}
	var failures []error
	for _, p := range pipelines {
		out, err := inv.do(ctx, p, do)
		if err != nil && len(pipelines) > 1 {
			err = fmt.Errorf("%s: %w", p.Name.Value, err)
		}
		failures = append(failures, err)
		sum.outcome = view.Join(sum.outcome, out)
	}
	inv.result = sum
	return errors.Join(failures...)
}
