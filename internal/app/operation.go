package app

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"sluice/internal/engine"
	"sluice/internal/view"
	"sluice/stages/driver"
)

func operationCommand(inv *invocation) *cobra.Command {
	cmd := &cobra.Command{
		Use: "operation NAME", Short: "Follow work of a target's platform that Sluice did not begin",
		Long: `Follow work of a target's platform by the name that the platform has for it,
whoever began it: until it is over, until somebody must decide there, or until
--wait-budget ends. It changes nothing and records nothing. NAME is, by platform:
` + works(inv.facts()),
		Example: `  sluice operation operation-1710000000000-5b9 --target infrastructure
  sluice operation web-2-to-prod-0001 --target run`,
		Args: words(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := inv.one(cmd.Context())
			if err != nil {
				return err
			}
			targets, err := inv.flags.selected(p)
			if err != nil {
				return err
			}
			if len(targets) != 1 {
				return usage(errors.New("name the one target whose platform is meant with --target"))
			}
			var out view.Outcome
			var op driver.Operation
			err = inv.use(cmd.Context(), p, func(e *engine.Engine) (err error) {
				out, op, err = e.Operation(cmd.Context(), targets[0], args[0])
				return err
			})
			inv.result = &result{pipeline: p, outcome: out, moves: true, extra: map[string]any{"operation": op}}
			return err
		},
	}
	inv.flags.selection(cmd.Flags())
	return cmd
}

// works lists what each platform's operations are, a line each.
func works(platforms []driver.Facts) string {
	var b strings.Builder
	for _, f := range platforms {
		works := f.Works
		if works == "" {
			works = "none: what it answers is done"
		}
		fmt.Fprintf(&b, "\n%s: %s", f.Title, works)
	}
	return b.String()
}
