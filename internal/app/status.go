package app

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"sluice/internal/engine"
	"sluice/internal/report"
	"sluice/internal/view"
	"sluice/rollout"
)

func (inv *invocation) status() *cobra.Command {
	cmd := &cobra.Command{
		Use: "status [STAGE|TARGET]", Short: "Every target: release, rollout, phase, drift, and what it waits for",
		Long: `Status shows every target: what the platform says runs there, the newest rollout,
its phase and what it waits for, locks, drift from what the state says, and
records of targets that the pipeline no longer has.`,
		Example: `  sluice status
  sluice status --stage production --output json`,
		RunE: func(cmd *cobra.Command, _ []string) error { return inv.runStatus(cmd.Context()) },
	}
	takes(cmd, placeWords, -1)
	inv.flags.selection(cmd.Flags())
	return cmd
}

func (inv *invocation) runStatus(ctx context.Context) error {
	pipelines, err := inv.load(ctx)
	if err != nil {
		return err
	}
	if err := inv.selectedSomewhere(pipelines); err != nil {
		return err
	}
	targets := []view.TargetStatus{}
	var outcome view.Outcome
	controllers := []rollout.Rollout{}
	for _, p := range pipelines {
		chosen, err := inv.selectedIn(p)
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
	inv.result = &result{outcome: outcome, text: statusText(targets), summary: true, extra: map[string]any{"targets": targets, "controllers": encoded}}
	return nil
}

// statusOf is the status of a look: it succeeded, or something is pending.
func statusOf(out view.Outcome) view.Status {
	if slices.ContainsFunc(out.Targets, func(t view.Target) bool { return t.Status == rollout.PromotionPending }) {
		return view.Pending
	}
	return view.Succeeded
}

func statusText(targets []view.TargetStatus) string {
	rows := make([][]string, 0, len(targets))
	for _, t := range targets {
		runs := t.Runs
		if t.Drift {
			runs += " (drift: the state says " + t.Release + ")"
		}
		rows = append(rows, []string{t.Stage, t.Target.Target, t.Platform, runs, t.Rollout, string(t.State), t.Phase, blockedBy(t)})
	}
	var b strings.Builder
	b.WriteString(report.Table([]string{"STAGE", "TARGET", "PLATFORM", "RUNS", "ROLLOUT", "STATE", "PHASE", "BLOCKED BY"}, rows))
	for _, t := range targets {
		for _, line := range t.Notes() {
			b.WriteString(t.Target.Target + " " + line + "\n")
		}
	}
	return b.String()
}

// blockedBy lists what keeps a target from going forward.
func blockedBy(t view.TargetStatus) string {
	ids := make([]string, len(t.BlockedBy))
	for i, b := range t.BlockedBy {
		ids[i] = b.ID
	}
	return strings.Join(ids, ", ")
}
