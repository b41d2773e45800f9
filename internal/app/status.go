package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"sluice/internal/actions"
	"sluice/internal/app/console"
	"sluice/internal/engine"
	"sluice/internal/live"
	"sluice/internal/report"
	"sluice/internal/view"
	"sluice/internal/work"
	"sluice/pipeline"
	"sluice/rollout"
)

func statusCommand(inv *invocation) *cobra.Command {
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
		RunE: func(cmd *cobra.Command, _ []string) error { return runStatus(cmd.Context(), inv) },
	}
	takes(cmd, placeWords, -1)
	inv.flags.selection(cmd.Flags())
	cmd.Flags().BoolVar(&inv.flags.all, "all", false, "a line for each target, however many there are")
	cmd.Flags().BoolVarP(&inv.flags.watch, "watch", "w", false, "show it again whenever it changes, until nothing is under way")
	return cmd
}

func runStatus(ctx context.Context, inv *invocation) error {
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
	w := &watch{inv: inv, pipelines: pipelines}
	if screen, ok := live.Terminal(inv.Stdout, inv.env.Get); ok && inv.flags.watch && !inv.flags.debug {
		return w.inPlace(ctx, screen)
	}
	for shown := ""; ; shown = inv.result.text {
		if err := w.look(ctx); err != nil || !inv.flags.watch || !w.again(ctx, shown) {
			return err
		}
	}
}

// watch shows what stands on the targets of pipelines, once or again and again.
type watch struct {
	inv       *invocation
	pipelines []*pipeline.Pipeline
	found     []view.TargetStatus // by the last look
}

// inPlace shows what stands in place on a terminal, until nothing is under way.
func (w *watch) inPlace(ctx context.Context, screen *live.Screen) error {
	inv := w.inv
	inv.stream.Over(screen)
	defer func() {
		screen.Clear()
		inv.stream.Over(nil)
	}()
	for {
		if err := w.look(ctx); err != nil || !w.more() || !w.shown(ctx, screen) {
			return err
		}
	}
}

// more reports whether something is under way, and there is time to look again.
func (w *watch) more() bool {
	inv := w.inv
	return inv.result.outcome.Status == view.Pending && time.Since(inv.started)+lookAgain <= inv.flags.waitBudget
}

// lookAgain is how often --watch looks.
const lookAgain = 5 * time.Second

// again shows what changed and waits until it is time to look again; false where
// nothing is under way any more, or the time of this invocation is over.
func (w *watch) again(ctx context.Context, shown string) bool {
	inv, r := w.inv, w.inv.result
	if !w.more() {
		return false
	}
	if r.text != shown {
		_, _ = fmt.Fprintf(inv.Stdout, "%s\n%s\n", inv.Clock.Now().UTC().Format(time.TimeOnly), actions.Neutralise(inv.runner.Redact(r.text))) // nobody is left to tell
	}
	return work.System().Sleep(ctx, lookAgain) == nil
}

// look finds out what stands now.
func (w *watch) look(ctx context.Context) error {
	inv := w.inv
	targets := []view.TargetStatus{}
	var outcome view.Outcome
	controllers := []rollout.Rollout{}
	inv.stores.opened = nil
	for _, p := range w.pipelines {
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
	w.found = targets
	inv.result = &result{
		outcome: outcome, text: report.Status(targets, inv.flags.all, inv.Clock.Now()), summary: true,
		extra: map[string]any{"targets": targets, "controllers": encoded},
	}
	return nil
}

// shown shows what stands, in place, until it is time to look again; false where
// that will not be.
func (w *watch) shown(ctx context.Context, screen *live.Screen) bool {
	inv := w.inv
	rows, style := live.Watched(w.found), live.StyleOf(inv.env.Get)
	for i := range rows {
		rows[i].Text, rows[i].Release = inv.console.Plain(rows[i].Text), inv.console.Plain(rows[i].Release)
	}
	for next := inv.Clock.Now().Add(lookAgain); inv.Clock.Now().Before(next); {
		if size, ok := screen.Size(); ok {
			screen.Show(live.Layout(rows, len(rows), size, style, inv.Clock.Now()))
		}
		if inv.Clock.Sleep(ctx, console.Frame) != nil {
			return false
		}
	}
	return true
}

// statusOf is the status of a look: it succeeded, or something is pending.
func statusOf(out view.Outcome) view.Status {
	if slices.ContainsFunc(out.Targets, func(t view.Target) bool { return t.Status == rollout.PromotionPending }) {
		return view.Pending
	}
	return view.Succeeded
}
