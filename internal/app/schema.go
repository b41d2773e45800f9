package app

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"sluice/pipeline"
)

func schemaCommand(inv *invocation) *cobra.Command {
	return &cobra.Command{
		Use: "schema", Short: "Print the JSON Schema of the pipeline file, for editors",
		Long: `Schema prints the JSON Schema (2020-12) of the pipeline file, made from the rules of
validate. With it an editor completes keys, shows what they mean, and marks
mistakes while they are typed. What a schema cannot say, such as that a stage's
name is declared elsewhere in the file, only validate finds.`,
		Example: `  sluice schema > sluice.schema.json
  # and as the first line of sluice.yaml:
  # yaml-language-server: $schema=sluice.schema.json`,
		RunE: func(*cobra.Command, []string) error {
			var b bytes.Buffer
			encoder := json.NewEncoder(&b)
			encoder.SetEscapeHTML(false) // patterns are to be read
			encoder.SetIndent("", "  ")
			if err := encoder.Encode(pipeline.Schema(inv.facts())); err != nil {
				return err
			}
			_, err := fmt.Fprint(inv.Stdout, b.String())
			return err
		},
	}
}
