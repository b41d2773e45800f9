package app

import (
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sluice/internal/old/engine"
	"sluice/internal/report"
)

func (inv *invocation) events() *cobra.Command {
	cmd := &cobra.Command{
		Use: "events", Short: "The history of targets, oldest first",
		Example: `  sluice events --target api
  sluice events --stage production --output json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := inv.one(cmd.Context())
			if err != nil {
				return err
			}
			e, err := inv.engine(p)
			if err != nil {
				return err
			}
			targets, err := inv.selected(p)
			if err != nil {
				return err
			}
			events, err := e.Events(cmd.Context(), targets)
			if err != nil {
				return err
			}
			if events == nil {
				events = []engine.TargetEvent{}
			}
			inv.result = &result{text: eventsText(events), summary: true, extra: map[string]any{"events": events}}
			return nil
		},
	}
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
		rows = append(rows, []string{e.Time.UTC().Format(time.RFC3339), e.Target, e.Type, where, e.Actor, report.Message(e.Event)})
	}
	return report.Table([]string{"TIME", "TARGET", "EVENT", "WHERE", "WHO", "WHAT"}, rows)
}
