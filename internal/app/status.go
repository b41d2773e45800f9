package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"sluice/internal/actions"
	"sluice/internal/engine"
	"sluice/internal/live"
	"sluice/internal/report"
	"sluice/internal/view"
	"sluice/internal/work"
	"sluice/pipeline"
	"sluice/rollout"
)

func (inv *invocation) status() *cobra.Command {
	cmd := &cobra.Command{
		Use: "status [STAGE|TARGET]", Short: "What stands on every target, what is under way, and what it waits for",
		Long: `Status shows what stands: what the platform says runs on each target, with its
shares and since when; the rollout that is at work there with its phase, what it
waits for and until when, who approved, what is queued, what blocks, which run is
at work, drift from what the state says, and records of targets that the pipeline
no longer has. A stage of 25 targets and more is told by its states; --all lists
each target.`,
		Example: `  sluice status
  sluice status production --watch
  sluice status --target api --output json`,
		RunE: func(cmd *cobra.Command, _ []string) error { return inv.runStatus(cmd.Context()) },
	}
	takes(cmd, placeWords, -1)
	inv.flags.selection(cmd.Flags())
	cmd.Flags().BoolVar(&inv.flags.all, "all", false, "a line for each target, however many there are")
	cmd.Flags().BoolVarP(&inv.flags.watch, "watch", "w", false, "show it again whenever it changes, until nothing is under way")
	return cmd
}

func (inv *invocation) runStatus(ctx context.Context) error {
	if inv.flags.watch && inv.wantsJSON() {
		return usage(errors.New("--watch shows text; --output json prints one document"))
	}
	pipelines, err := inv.load(ctx)
	if err != nil {
		return err
	}
	if err := inv.flags.selectedSomewhere(pipelines); err != nil {
		return err
	}
	if screen, ok := live.Terminal(inv.Stdout, inv.env.Get); ok && inv.flags.watch && !inv.flags.debug {
		return inv.watch(ctx, pipelines, screen)
	}
	for shown := ""; ; shown = inv.result.text {
		if err := inv.look(ctx, pipelines); err != nil || !inv.flags.watch || !inv.again(ctx, shown) {
			return err
		}
	}
}

// watch shows what stands in place on a terminal, until nothing is under way.
func (inv *invocation) watch(ctx context.Context, pipelines []*pipeline.Pipeline, screen *live.Screen) error {
	inv.console.stream.over(screen)
	defer func() {
		screen.Clear()
		inv.console.stream.over(nil)
	}()
	for {
		if err := inv.look(ctx, pipelines); err != nil || !inv.more() || !inv.watched(ctx, screen, inv.looked) {
			return err
		}
	}
}

// more reports whether something is under way, and there is time to look again.
func (inv *invocation) more() bool {
	return inv.result.outcome.Status == view.Pending && time.Since(inv.started)+lookAgain <= inv.flags.waitBudget
}

// lookAgain is how often --watch looks.
const lookAgain = 5 * time.Second

// again shows what changed and waits until it is time to look again; false where
// nothing is under way any more, or the time of this invocation is over.
func (inv *invocation) again(ctx context.Context, shown string) bool {
	r := inv.result
	if !inv.more() {
		return false
	}
	if r.text != shown {
		_, _ = fmt.Fprintf(inv.Stdout, "%s\n%s\n", inv.Clock.Now().UTC().Format(time.TimeOnly), actions.Neutralise(inv.runner.Redact(r.text))) // nobody is left to tell
	}
	return work.System().Sleep(ctx, lookAgain) == nil
}

// look finds out what stands now.
func (inv *invocation) look(ctx context.Context, pipelines []*pipeline.Pipeline) error {
	targets := []view.TargetStatus{}
	var outcome view.Outcome
	controllers := []rollout.Rollout{}
	inv.stores.opened = nil
	for _, p := range pipelines {
		chosen, err := inv.flags.selectedIn(p)
		if err != nil {
			return err
		}
		var s engine.Status
		err = inv.use(ctx, p, func(e *engine.Engine) (err error) {
			s, err = e.Status(ctx, chosen, inv.flags.stage == "" && len(inv.flags.targets) == 0)
			return err
		})
		if err != nil {
			return err
		}
		targets = append(targets, s.Targets...)
		outcome = view.Join(outcome, s.Outcome)
		controllers = append(controllers, s.Controllers...)
	}
	encoded, err := rollout.EncodeRollouts(controllers)
	if err != nil {
		return err
	}
	outcome.Status = statusOf(outcome)
	targets = shown(inv, targets)
	inv.looked = targets
	inv.result = &result{
		outcome: outcome, text: report.Status(targets, inv.flags.all, inv.Clock.Now()), summary: true,
		extra: map[string]any{"targets": targets, "controllers": encoded},
	}
	return nil
}

// statusOf is the status of a look: it succeeded, or something is pending.
func statusOf(out view.Outcome) view.Status {
	if slices.ContainsFunc(out.Targets, func(t view.Target) bool { return t.Status == rollout.PromotionPending }) {
		return view.Pending
	}
	return view.Succeeded
}
