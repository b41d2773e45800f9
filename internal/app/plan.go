package app

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"sluice/internal/old/engine"
	"sluice/internal/old/rollout"
	"sluice/pipeline"
	"sluice/stages/driver"
)

func (inv *invocation) plan() *cobra.Command {
	cmd := &cobra.Command{
		Use: "plan --to STAGE", Short: "What a promotion would do, target by target; changes nothing",
		Long: `Plan reads what promote would read, and changes nothing: which release each
target gets and from where, its phases, the requests of the first effect, and
what they change. Exit 4 where the promotion would be refused.`,
		Example: `  sluice plan --to production
  sluice plan --to production --matrix --shards 8   # the matrix of a fleet's jobs`,
		RunE: func(cmd *cobra.Command, _ []string) error { return inv.runPlan(cmd.Context()) },
	}
	inv.flags.journey(cmd.Flags())
	cmd.Flags().BoolVar(&inv.flags.matrix, "matrix", false, "write the output matrix: a job per shard of the targets")
	cmd.Flags().IntVar(&inv.flags.shards, "shards", 0, "how many shards the matrix has at most (default one per group of targets)")
	return cmd
}

func (inv *invocation) runPlan(ctx context.Context) error {
	p, err := inv.one(ctx)
	if err != nil {
		return err
	}
	e, err := inv.engine(p)
	if err != nil {
		return err
	}
	req, err := inv.promotion(p)
	if err != nil {
		return err
	}
	plan, err := e.Plan(ctx, req)
	if err != nil {
		return err
	}
	out := rollout.Outcome{Status: rollout.StatusSucceeded}
	if plan.Refused() {
		out.Status = rollout.StatusRefused
	}
	out.Release = plan.Release()
	permissions := inv.permissions(p)
	matrix := ""
	if inv.flags.matrix {
		if matrix, err = inv.planMatrix(p, req); err != nil {
			return err
		}
	}
	inv.result = &result{pipeline: p, matrix: matrix, outcome: out, text: planText(plan, permissions), summary: true, extra: map[string]any{
		"targets": plan.Targets, "findings": plan.Findings, "permissions": permissions,
	}}
	return nil
}

func planText(plan engine.Plan, permissions []string) string {
	var b strings.Builder
	for _, t := range plan.Targets {
		b.WriteString(targetPlanText(t) + "\n")
	}
	for _, f := range plan.Findings {
		b.WriteString(findingLine(f))
	}
	if len(permissions) > 0 {
		b.WriteString("the job's token needs " + strings.Join(permissions, ", ") + "\n")
	}
	switch {
	case plan.Refused():
		b.WriteString("plan: the promotion would be refused\n")
	case !slices.ContainsFunc(plan.Targets, func(t engine.TargetPlan) bool { return !t.Unchanged }):
		b.WriteString("plan: nothing is left to do\n")
	default:
		b.WriteString("plan: nothing was changed\n")
	}
	return b.String()
}

// targetPlanText is one target's share: what it gets, how, and what the first
// effect changes.
func targetPlanText(t engine.TargetPlan) string {
	var b strings.Builder
	line := func(what, format string, args ...any) {
		fmt.Fprintf(&b, "  %-9s "+format+"\n", append([]any{what}, args...)...)
	}
	fmt.Fprintf(&b, "%s/%s (%s)\n", t.Stage, t.Target, t.Platform)
	line("release", "%s", releaseText(t))
	if t.Unchanged {
		line("unchanged", "nothing is left to do")
		return b.String()
	}
	for _, note := range planNotes(t) {
		line(note[0], "%s", note[1])
	}
	for _, r := range t.Requests {
		line("sends", "%s", r)
	}
	for _, c := range changes(t.Before, t.After) {
		line("changes", "%s", c)
	}
	return b.String()
}

func releaseText(t engine.TargetPlan) string {
	text := t.Release
	if t.Source != "" {
		text += " from " + t.Source
	}
	if t.Runs != "" && t.Runs != t.Release {
		text += ", in place of " + t.Runs
	}
	return text
}

// planNotes are what stands between a target and its release.
func planNotes(t engine.TargetPlan) [][2]string {
	var notes [][2]string
	if t.Resumes != "" {
		notes = append(notes, [2]string{"resumes", t.Resumes})
	}
	if t.Queued {
		notes = append(notes, [2]string{"queues", "behind the rollout at work there"})
	}
	if t.Approval {
		notes = append(notes, [2]string{"approval", "is waited for first"})
	}
	if t.First {
		notes = append(notes, [2]string{"first", "nothing runs there yet: canary phases are skipped"})
	}
	if len(t.Phases) > 0 {
		notes = append(notes, [2]string{"phases", strings.Join(t.Phases, " → ")})
	}
	return notes
}

func findingLine(f driver.Finding) string {
	text := f.Message
	if f.Remedy != "" {
		text += "; " + f.Remedy
	}
	if f.Target != "" {
		text = f.Target + ": " + text
	}
	return string(f.Severity) + "  " + text + "\n"
}

// permissions are what the job's token needs.
func (inv *invocation) permissions(p *pipeline.Pipeline) []string {
	where := inv.storeName(p)
	switch {
	case inv.flags.sandbox:
		return nil
	case where == pipeline.StoreArtifact:
		return []string{"actions: read"}
	case where == pipeline.StoreGit:
		return []string{"actions: read", "contents: write"}
	default:
		return nil
	}
}
