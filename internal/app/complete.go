package app

import (
	"slices"

	"github.com/spf13/cobra"

	"sluice/pipeline"
)

// complete tells the shell what the values of flags could be: the names that
// the pipeline file has.
func (inv *invocation) complete(cmd *cobra.Command) {
	for flag, names := range map[string]func(*pipeline.Pipeline) []string{
		"to": stageNames, "from": stageNames, "stage": stageNames, "target": targetNames, "component": (*pipeline.Pipeline).Components,
	} {
		if f := cmd.LocalFlags().Lookup(flag); f == nil || cmd.CommandPath() == "sluice state migrate" {
			continue
		}
		// The only error is a second registration of one flag.
		_ = cmd.RegisterFlagCompletionFunc(flag, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return inv.namesOf(names), cobra.ShellCompDirectiveNoFileComp
		})
	}
	for _, sub := range cmd.Commands() {
		inv.complete(sub)
	}
}

// completeGlobal does it for the flags of every command.
func completeGlobal(root *cobra.Command) {
	_ = root.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp)) // as above
	_ = root.MarkPersistentFlagFilename("file", "yaml", "yml")                                                                          // there is such a flag
}

// namesOf lists names of the pipelines; none where their files are wrong.
func (inv *invocation) namesOf(names func(*pipeline.Pipeline) []string) []string {
	inv.flags.files = slices.Compact(inv.flags.files) // a completion reads the flags twice
	pipelines, _, err := inv.parse()
	if err != nil {
		return nil
	}
	var list []string
	for _, p := range pipelines {
		list = append(list, names(p)...)
	}
	return slices.Compact(list)
}

func stageNames(p *pipeline.Pipeline) []string {
	names := make([]string, len(p.Stages))
	for i, s := range p.Stages {
		names[i] = s.Name.Value
	}
	return names
}

func targetNames(p *pipeline.Pipeline) []string {
	var names []string
	for t := range p.All() {
		names = append(names, t.Name.Value)
	}
	return names
}
