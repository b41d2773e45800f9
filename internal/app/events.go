package app

import (
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sluice/internal/engine"
	"sluice/internal/report"
	"sluice/internal/view"
)

func (inv *invocation) events() *cobra.Command {
	cmd := &cobra.Command{
		Use: "events [STAGE|TARGET]", Short: "The history of targets, oldest first",
		Example: `  sluice events --target api
  sluice events --stage production --output json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := inv.one(cmd.Context())
			if err != nil {
				return err
			}
			targets, err := inv.selected(p)
			if err != nil {
				return err
			}
			events := []engine.TargetEvent{}
			err = inv.use(cmd.Context(), p, func(e *engine.Engine) error {
				found, err := e.Events(cmd.Context(), targets)
				events = append(events, found...)
				return err
			})
			if err != nil {
				return err
			}
			inv.result = &result{text: eventsText(events), summary: true, extra: map[string]any{"events": events}}
			return nil
		},
	}
	takes(cmd, placeWords, -1)
	inv.flags.selection(cmd.Flags())
	return cmd
}

func eventsText(events []engine.TargetEvent) string {
	if len(events) == 0 {
		return "no history yet"
	}
	rows := make([][]string, 0, len(events))
	for _, e := range events {
		where := strings.Trim(e.Phase+" "+e.Job, " ")
		rows = append(rows, []string{e.Time.UTC().Format(time.RFC3339), e.Target, e.Type, where, e.Actor, view.Message(e.Event)})
	}
	return report.Table([]string{"TIME", "TARGET", "EVENT", "WHERE", "WHO", "WHAT"}, rows)
}
