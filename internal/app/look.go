package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"sluice/internal/engine"
	"sluice/internal/report"
	"sluice/internal/sandbox"
	emulators "sluice/internal/sandbox/all"
	"sluice/pipeline"
	"sluice/rollout"
	"sluice/stages/driver"
)

func (inv *invocation) validate() *cobra.Command {
	return &cobra.Command{
		Use: "validate", Short: "Check the pipeline file: every mistake at once",
		RunE: func(*cobra.Command, []string) error {
			pipelines, problems, err := inv.parse()
			inv.show(problems)
			if problems == nil {
				problems = []pipeline.Problem{}
			}
			inv.result = &result{extra: map[string]any{"problems": problems}}
			if err != nil {
				return err
			}
			lines := make([]string, len(pipelines))
			for i, p := range pipelines {
				lines[i] = describe(p)
				inv.warnPublic(p)
			}
			inv.result.text = strings.Join(lines, "\n")
			return nil
		},
	}
}

// describe is a valid pipeline in one line.
func describe(p *pipeline.Pipeline) string {
	names := make([]string, len(p.Stages))
	for i, s := range p.Stages {
		names[i] = fmt.Sprintf("%s (%d)", s.Name.Value, len(s.Targets))
	}
	return fmt.Sprintf("%s: pipeline %s is valid: %s", p.File, p.Name.Value, strings.Join(names, " → "))
}

func (inv *invocation) status() *cobra.Command {
	cmd := &cobra.Command{
		Use: "status", Short: "Every target: release, rollout, phase, drift, and what it waits for",
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
	var targets []engine.TargetStatus
	var outcome rollout.Outcome
	for _, p := range pipelines {
		e, err := inv.engine(p)
		if err != nil {
			return err
		}
		chosen, err := inv.selected(p)
		if err != nil {
			return err
		}
		s, err := e.Status(ctx, chosen, inv.flags.stage == "" && len(inv.flags.targets) == 0)
		if err != nil {
			return err
		}
		targets = append(targets, s.Targets...)
		outcome = join(outcome, s.Outcome)
	}
	outcome.Status = statusOf(outcome)
	inv.result = &result{outcome: outcome, text: statusText(targets), extra: map[string]any{"targets": targets}}
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
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "STAGE\tTARGET\tPLATFORM\tRUNS\tROLLOUT\tSTATE\tPHASE") // into memory
	for _, t := range targets {
		runs := t.Runs
		if t.Drift {
			runs += " (drift: the state says " + t.Release + ")"
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", t.Stage, t.Target, t.Platform, dash(runs), dash(t.Rollout), dash(string(t.State)), dash(t.Phase)) // into memory
	}
	_ = w.Flush() // into memory
	for _, t := range targets {
		for _, line := range statusNotes(t) {
			b.WriteString(t.Target + " " + line + "\n")
		}
	}
	return b.String()
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
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

func (inv *invocation) plan() *cobra.Command {
	cmd := &cobra.Command{
		Use: "plan --to STAGE", Short: "What a promotion would do, target by target; changes nothing",
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
	permissions := inv.permissions(p)
	matrix := ""
	if inv.flags.matrix {
		if matrix, err = inv.planMatrix(p, req); err != nil {
			return err
		}
	}
	inv.result = &result{matrix: matrix, outcome: out, text: planText(plan, permissions), extra: map[string]any{
		"targets": plan.Targets, "findings": plan.Findings, "permissions": permissions,
	}}
	return nil
}

func planText(plan engine.Plan, permissions []string) string {
	var b strings.Builder
	for _, t := range plan.Targets {
		b.WriteString(targetPlanText(t))
	}
	for _, f := range plan.Findings {
		b.WriteString(findingLine(f))
	}
	if len(permissions) > 0 {
		b.WriteString("permissions: " + strings.Join(permissions, ", ") + "\n")
	}
	if plan.Refused() {
		b.WriteString("the promotion would be refused\n")
	}
	return b.String()
}

func targetPlanText(t engine.TargetPlan) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s/%s (%s)\n", t.Stage, t.Target, t.Platform)
	fmt.Fprintf(&b, "  release  %s", t.Release)
	if t.Source != "" {
		fmt.Fprintf(&b, " from %s", t.Source)
	}
	b.WriteString("\n")
	switch {
	case t.Unchanged:
		b.WriteString("  nothing is left to do\n")
		return b.String()
	case t.Resumes != "":
		fmt.Fprintf(&b, "  resumes  %s\n", t.Resumes)
	case t.Queued:
		b.WriteString("  queues behind the rollout at work\n")
	}
	if t.Approval {
		b.WriteString("  waits for approval first\n")
	}
	if t.First {
		b.WriteString("  first deployment: canary phases are skipped\n")
	}
	if len(t.Phases) > 0 {
		fmt.Fprintf(&b, "  phases   %s\n", strings.Join(t.Phases, " → "))
	}
	for _, r := range t.Requests {
		fmt.Fprintf(&b, "  sends    %s\n", r)
	}
	if len(t.Before) > 0 {
		fmt.Fprintf(&b, "  before   %s\n  after    %s\n", compact(t.Before), compact(t.After))
	}
	return b.String()
}

func compact(raw json.RawMessage) string {
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return string(raw)
	}
	text, err := json.Marshal(v)
	if err != nil {
		return string(raw)
	}
	return string(text)
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

func (inv *invocation) events() *cobra.Command {
	cmd := &cobra.Command{
		Use: "events", Short: "The history of targets, oldest first",
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
			inv.result = &result{text: eventsText(events), extra: map[string]any{"events": events}}
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
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, e := range events {
		where := strings.Trim(e.Phase+" "+e.Job, " ")
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", e.Time.Format(time.RFC3339), e.Target, e.Type, where, e.Actor, strings.Join(strings.Fields(e.Message), " ")) // into memory
	}
	_ = w.Flush() // into memory
	return b.String()
}

func (inv *invocation) sandbox() *cobra.Command {
	cmd := &cobra.Command{
		Use: "sandbox", Short: "Serve the platforms' APIs on loopback for rehearsals, until stopped",
		RunE: func(cmd *cobra.Command, _ []string) error { return inv.serve(cmd.Context()) },
	}
	cmd.Flags().StringVar(&inv.flags.listen, "listen", "127.0.0.1:0", "loopback `address`; with a port, each platform takes the next one")
	return cmd
}

// serve serves the emulators until ctx ends. Without a pipeline file it serves
// all of them, empty.
func (inv *invocation) serve(ctx context.Context) error {
	pipelines, problems, err := inv.parse()
	if len(problems) > 0 {
		inv.show(problems)
	}
	var u *usageError
	if err != nil && (!errors.As(err, &u) || len(inv.flags.files) > 0) {
		return err
	}
	inv.flags.sandbox = true
	faults, err := inv.faults()
	if err != nil {
		return err
	}
	server, err := sandbox.Start(context.WithoutCancel(ctx), sandbox.Options{
		Dir: sandboxDir, Pipelines: pipelines, Emulators: emulators.Emulators(inv.Now), Faults: faults, Kill: inv.Kill, Listen: inv.flags.listen,
	})
	if err != nil {
		return usage(err)
	}
	inv.closers = append(inv.closers, server.Close)
	env := server.Env()
	for _, name := range slices.Sorted(maps.Keys(env)) {
		_, _ = fmt.Fprintf(inv.Stdout, "export %s=%s\n", name, env[name]) // nobody is left to tell
	}
	<-ctx.Done()
	return nil
}

func (inv *invocation) state() *cobra.Command {
	state := &cobra.Command{Use: "state", Short: "Look at state, move it, adopt what runs today"}
	show := &cobra.Command{
		Use: "show", Short: "Print the records of targets",
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := inv.one(cmd.Context())
			if err != nil {
				return err
			}
			return inv.showState(cmd.Context(), p)
		},
	}
	inv.flags.selection(show.Flags())
	state.AddCommand(show, inv.migrate(), inv.importState())
	return state
}
