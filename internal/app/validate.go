package app

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"sluice/internal/actions"
	"sluice/pipeline"
)

func validateCommand(inv *invocation) *cobra.Command {
	cmd := &cobra.Command{
		Use: "validate [FILE]", Short: "Check the pipeline file: every mistake at once",
		Long: `Validate checks the pipeline file and shows every mistake at once, each with its
place and what would be right. It makes no connection.`,
		Example: `  sluice validate
  sluice validate deploy/shop.yaml --output json`,
		RunE: func(*cobra.Command, []string) error {
			pipelines, problems, err := inv.parse()
			if undoable := unable(inv.runner, inv.flags.sandbox, pipelines); err == nil && len(undoable) > 0 {
				problems = append(problems, undoable...)
				err = &pipelineError{problems: problems}
			}
			show(inv.runner, inv.Stderr, problems)
			inv.result = &result{extra: map[string]any{"problems": mistakesOf(problems)}, summary: true}
			if err != nil {
				return err
			}
			lines := make([]string, len(pipelines))
			for i, p := range pipelines {
				lines[i] = describe(p)
				if run, err := inv.runner.Context(); err == nil && inv.runner.Inside() && !inv.flags.sandbox {
					inv.warnPublic(inv.flags.storeName(p), run.Visibility) // as far as the run itself knows
				}
			}
			inv.result.text = strings.Join(lines, "\n")
			return nil
		},
	}
	return takes(cmd, "file", -1)
}

// unable lists what pipelines ask for that a run of this event cannot do.
func unable(runner *actions.Runner, sandbox bool, pipelines []*pipeline.Pipeline) []pipeline.Problem {
	if !runner.Inside() || sandbox {
		return nil
	}
	run, err := runner.Context()
	if err != nil || !run.ReadsOnly() {
		return nil
	}
	var all []pipeline.Problem
	for _, p := range pipelines {
		all = append(all, p.NeedsWriting(readsOnly)...)
	}
	return all
}

// describe is a valid pipeline in one line.
func describe(p *pipeline.Pipeline) string {
	text := fmt.Sprintf("%s: pipeline %s is valid: ", p.File, p.Name.Value)
	for i, s := range p.Stages {
		before := pipeline.StageNames(p.Previous(s))
		switch {
		case i == 0:
		case len(before) == 1 && before[0] == p.Stages[i-1].Name.Value:
			text += " → "
		default:
			text += ", "
		}
		text += fmt.Sprintf("%s (%d)", s.Name.Value, len(s.Targets))
		if len(before) > 1 || len(before) == 1 && (i == 0 || before[0] != p.Stages[i-1].Name.Value) {
			text += " after " + strings.Join(before, " and ")
		}
	}
	return text
}
