package app

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"sluice/internal/engine"
	"sluice/pipeline"
)

// naming lists names that a command line may have.
type naming func(context.Context) []string

// complete tells the shell what the values of flags and arguments could be: the
// names that the pipeline file has, and those that the state has.
func complete(inv *invocation, cmd *cobra.Command) {
	byFlag := map[string]naming{
		"to": fromFile(inv, stageNames), "from": fromFile(inv, stageNames), "stage": fromFile(inv, stageNames),
		"target": fromFile(inv, targetNames), "component": fromFile(inv, (*pipeline.Pipeline).Components),
		placeWords:  fromFile(inv, placeNames),
		"release":   fromState(inv, func(k engine.Known) []string { return k.Releases }),
		"promotion": fromState(inv, func(k engine.Known) []string { return k.Promotions }),
		"of":        fromState(inv, func(k engine.Known) []string { return k.Promotions }),
		"rollout":   fromState(inv, func(k engine.Known) []string { return k.Rollouts }),
		"override":  fromState(inv, func(k engine.Known) []string { return k.Blocks }),
	}
	for flag, names := range byFlag {
		if f := cmd.LocalFlags().Lookup(flag); f == nil || f.Hidden {
			continue
		}
		// The only error is a second registration of one flag.
		_ = cmd.RegisterFlagCompletionFunc(flag, func(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
			return names(c.Context()), cobra.ShellCompDirectiveNoFileComp
		})
	}
	of := cmd.Annotations[argument]
	if cmd.Name() == "unblock" {
		of = "override"
	}
	if names := byFlag[of]; names != nil {
		cmd.ValidArgsFunction = func(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
			return names(c.Context()), cobra.ShellCompDirectiveNoFileComp
		}
	}
	for _, sub := range cmd.Commands() {
		complete(inv, sub)
	}
}

// completeGlobal does it for the flags of every command.
func completeGlobal(root *cobra.Command) {
	_ = root.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp)) // as above
	_ = root.MarkPersistentFlagFilename("file", "yaml", "yml")                                                                          // there is such a flag
}

// fromFile lists names of the pipelines; none where their files are wrong.
func fromFile(inv *invocation, names func(*pipeline.Pipeline) []string) naming {
	return func(context.Context) []string {
		var list []string
		for _, p := range declared(inv) {
			list = append(list, names(p)...)
		}
		return slices.Compact(list)
	}
}

// fromState lists names of the pipelines' states; none where they cannot be read.
func fromState(inv *invocation, names func(engine.Known) []string) naming {
	return func(ctx context.Context) []string {
		var list []string
		for _, p := range declared(inv) {
			_ = inv.use(ctx, p, func(e *engine.Engine) error { // a shell has nobody to tell
				known, err := e.Known(ctx, slices.Collect(p.All()))
				list = append(list, names(known)...)
				return err
			})
		}
		return list
	}
}

// declared are the pipelines of a command line that is not finished.
func declared(inv *invocation) []*pipeline.Pipeline {
	inv.flags.files = slices.Compact(inv.flags.files) // a completion reads the flags twice
	pipelines, _, err := inv.parse()
	if err != nil {
		return nil
	}
	return pipelines
}

func stageNames(p *pipeline.Pipeline) []string { return pipeline.StageNames(p.Stages) }

func targetNames(p *pipeline.Pipeline) []string {
	var names []string
	for t := range p.All() {
		names = append(names, t.Name.Value)
	}
	return names
}

func placeNames(p *pipeline.Pipeline) []string { return append(stageNames(p), targetNames(p)...) }
