package app

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sluice/internal/old/engine"
	"sluice/internal/old/rollout"
	"sluice/internal/report"
)

func (inv *invocation) status() *cobra.Command {
	cmd := &cobra.Command{
		Use: "status", Short: "Every target: release, rollout, phase, drift, and what it waits for",
		Long: `Status shows every target: what the platform says runs there, the newest rollout,
its phase and what it waits for, locks, drift from what the state says, and
records of targets that the pipeline no longer has.`,
		Example: `  sluice status
  sluice status --stage production --output json`,
		RunE: func(cmd *cobra.Command, _ []string) error { return inv.runStatus(cmd.Context()) },
	}
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
	targets := []engine.TargetStatus{}
	var outcome rollout.Outcome
	controllers := []rollout.Rollout{}
	for _, p := range pipelines {
		e, err := inv.engine(p)
		if err != nil {
			return err
		}
		chosen, err := inv.selectedIn(p)
		if err != nil {
			return err
		}
		s, err := e.Status(ctx, chosen, inv.flags.stage == "" && len(inv.flags.targets) == 0)
		if err != nil {
			return err
		}
		targets = append(targets, s.Targets...)
		outcome = join(outcome, s.Outcome)
		controllers = append(controllers, rollout.Controllers(s.Records)...)
	}
	view, err := rollout.EncodeRollouts(controllers)
	if err != nil {
		return err
	}
	outcome.Status = statusOf(outcome)
	inv.result = &result{outcome: outcome, text: statusText(targets), summary: true, extra: map[string]any{"targets": targets, "controllers": view}}
	return nil
}

// statusOf is the status of a look: it succeeded, or something is pending.
func statusOf(out rollout.Outcome) rollout.Status {
	if slices.ContainsFunc(out.Targets, func(t rollout.TargetOutcome) bool { return t.Status == rollout.PromotionPending }) {
		return rollout.StatusPending
	}
	return rollout.StatusSucceeded
}

func statusText(targets []engine.TargetStatus) string {
	rows := make([][]string, 0, len(targets))
	for _, t := range targets {
		runs := t.Runs
		if t.Drift {
			runs += " (drift: the state says " + t.Release + ")"
		}
		rows = append(rows, []string{t.Stage, t.Target, t.Platform, runs, t.Rollout, string(t.State), t.Phase})
	}
	var b strings.Builder
	b.WriteString(report.Table([]string{"STAGE", "TARGET", "PLATFORM", "RUNS", "ROLLOUT", "STATE", "PHASE"}, rows))
	for _, t := range targets {
		for _, line := range statusNotes(t) {
			b.WriteString(t.Target + " " + line + "\n")
		}
	}
	return b.String()
}

// statusNotes are what the table has no room for.
func statusNotes(t engine.TargetStatus) []string {
	var notes []string
	if t.Orphaned {
		notes = append(notes, "is orphaned: the state knows it and the pipeline does not; say `formerly` at the target that took its place")
	}
	if l := t.Lock; l != nil {
		notes = append(notes, fmt.Sprintf("is locked by %s since %s: %s", l.Actor, l.Since.Format(time.RFC3339), l.Reason))
	}
	if t.ErrorMessage != "" {
		notes = append(notes, "failed: "+t.ErrorMessage)
	}
	if t.Problem != "" {
		notes = append(notes, "could not be asked: "+t.Problem)
	}
	if t.WaitingFor != nil {
		notes = append(notes, report.Waits(*t.WaitingFor))
	}
	return notes
}
