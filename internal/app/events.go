package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sluice/internal/engine"
	"sluice/internal/report"
	"sluice/internal/view"
	"sluice/pipeline"
)

func eventsCommand(inv *invocation) *cobra.Command {
	cmd := &cobra.Command{
		Use: "events [STAGE|TARGET]", Short: "What happened on targets, oldest first",
		Long: `Events is what happened, oldest first: who did what and why, each effect, each
block. --type takes all of a type or what stands before its dot (block, rollout);
--since a time or how long ago.`,
		Example: `  sluice events api
  sluice events production --since 3h --type block
  sluice events --rollout v42-to-api-0007 --output json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			wanted, err := inv.flags.ofEvents(inv.Clock.Now())
			if err != nil {
				return err
			}
			return inv.recall(cmd.Context(), func(ctx context.Context, e *engine.Engine, targets []*pipeline.Target) (*result, error) {
				events, err := e.Events(ctx, targets, wanted)
				return &result{text: report.Events(shown(inv, events)), summary: true, extra: map[string]any{"events": events}}, err
			})
		},
	}
	takes(cmd, placeWords, -1)
	s := cmd.Flags()
	inv.flags.selection(s)
	inv.flags.ofPromotion(s)
	s.StringVar(&inv.flags.rollout, "rollout", "", "only what belongs to this rollout, by its name here or on its platform")
	s.StringVar(&inv.flags.release, "release", "", "only what belongs to rollouts of this release")
	s.StringVar(&inv.flags.eventType, "type", "", "only events of this type, such as rollout.failed, or family, such as block")
	s.StringVar(&inv.flags.by, "by", "", "only what this person, or run, did")
	s.StringVar(&inv.flags.since, "since", "", "only what happened since this time (RFC 3339), or so long ago, such as 3h")
	s.IntVar(&inv.flags.last, "last", 0, "only so many, the newest (default all)")
	return cmd
}

// ofEvents is what the flags of events ask for.
func (f *flags) ofEvents(now time.Time) (view.EventFilter, error) {
	wanted := view.EventFilter{Rollout: f.rollout, Promotion: f.promotion, Release: f.release, Type: f.eventType, By: f.by, Last: f.last}
	if f.since == "" {
		return wanted, nil
	}
	if ago, err := time.ParseDuration(f.since); err == nil {
		wanted.Since = now.Add(-ago)
		return wanted, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateTime, time.DateOnly} {
		if at, err := time.Parse(layout, f.since); err == nil {
			wanted.Since = at
			return wanted, nil
		}
	}
	return wanted, usage(fmt.Errorf("--since %q: write how long ago, such as 3h, or a time, such as 2026-03-01T14:00:00Z", f.since))
}

func historyCommand(inv *invocation) *cobra.Command {
	cmd := &cobra.Command{
		Use: "history [STAGE|TARGET]", Short: "The rollouts of targets, oldest first",
		Long: `History lists the rollouts of targets: which release, what became of it, who wanted
it and why, and what the platform calls it. Get shows one of them.`,
		Example: `  sluice history api
  sluice history --stage production --output json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return inv.recall(cmd.Context(), func(ctx context.Context, e *engine.Engine, targets []*pipeline.Target) (*result, error) {
				rollouts, err := e.History(ctx, targets)
				return &result{text: report.History(shown(inv, rollouts)), summary: true, extra: map[string]any{"rollouts": rollouts}}, err
			})
		},
	}
	takes(cmd, placeWords, -1)
	inv.flags.selection(cmd.Flags())
	return cmd
}

func getCommand(inv *invocation) *cobra.Command {
	cmd := &cobra.Command{
		Use: "get ROLLOUT", Short: "All that is known of one rollout",
		Long: `Get shows a rollout, by its name here or on its platform: its phases, each effect
with its time and the platform's operation, links, events, and what the platform
keeps beside it. With --output json the field "resource" has the
shape that docs/rollouts.md gives.`,
		Example: `  sluice get v42-to-api-0007
  sluice get v42-to-api-0007 --output json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			name := inv.flags.rollout
			if name == "" {
				return usage(errors.New("say which rollout; `sluice history` lists them"))
			}
			return inv.recall(cmd.Context(), func(ctx context.Context, e *engine.Engine, targets []*pipeline.Target) (*result, error) {
				d, err := e.Get(ctx, targets, name)
				return &result{text: report.Detail(shown(inv, d)), summary: true, extra: map[string]any{"rollout": d}}, err
			})
		},
	}
	takes(cmd, "rollout", 1)
	inv.flags.selection(cmd.Flags())
	cmd.Flags().StringVar(&inv.flags.rollout, "rollout", "", "the rollout, by its name here or on its platform")
	return cmd
}

// recalling reads what is kept of targets.
type recalling func(context.Context, *engine.Engine, []*pipeline.Target) (*result, error)

// recall runs a command that looks back.
func (inv *invocation) recall(ctx context.Context, do recalling) error {
	p, err := inv.one(ctx)
	if err != nil {
		return err
	}
	targets, err := inv.flags.selected(p)
	if err != nil {
		return err
	}
	var r *result
	err = inv.use(ctx, p, func(e *engine.Engine) (err error) {
		r, err = do(ctx, e, targets)
		return err
	})
	if err != nil {
		return err
	}
	r.text = strings.TrimRight(r.text, "\n")
	inv.result = r
	return nil
}
