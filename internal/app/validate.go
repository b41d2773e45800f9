package app

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"sluice/pipeline"
)

func (inv *invocation) validate() *cobra.Command {
	cmd := &cobra.Command{
		Use: "validate [FILE]", Short: "Check the pipeline file: every mistake at once",
		Long: `Validate checks the pipeline file and shows every mistake at once, each with its
place and what would be right. It makes no connection.`,
		Example: `  sluice validate
  sluice validate deploy/shop.yaml --output json`,
		RunE: func(*cobra.Command, []string) error {
			pipelines, problems, err := inv.parse()
			inv.show(problems)
			inv.result = &result{extra: map[string]any{"problems": mistakesOf(problems)}, summary: true}
			if err != nil {
				return err
			}
			lines := make([]string, len(pipelines))
			for i, p := range pipelines {
				lines[i] = describe(p)
				inv.warnPublic(p)
			}
			inv.result.text = strings.Join(lines, "\n")
			return nil
		},
	}
	return takes(cmd, "file", -1)
}

// describe is a valid pipeline in one line.
func describe(p *pipeline.Pipeline) string {
	names := make([]string, len(p.Stages))
	for i, s := range p.Stages {
		names[i] = fmt.Sprintf("%s (%d)", s.Name.Value, len(s.Targets))
	}
	return fmt.Sprintf("%s: pipeline %s is valid: %s", p.File, p.Name.Value, strings.Join(names, " → "))
}
