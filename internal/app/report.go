package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"sluice/internal/engine"
	"sluice/internal/report/page"
	"sluice/internal/view"
	"sluice/pipeline"
)

// pageName is the file that a report is, in the folder that --out names.
const pageName = "index.html"

func reportCommand(inv *invocation) *cobra.Command {
	cmd := &cobra.Command{
		Use: "report [STAGE|TARGET]", Short: "One HTML page of the pipeline: what runs, rollouts, history, how well it delivers",
		Long: `Report writes one HTML page that needs nothing else: no network, no script, no file
beside it. It has the pipeline with what runs on each target, what waits for
whom, the newest rollouts with their phases and traffic over time, the history,
and by stage the lead time, the deployment frequency, the change failure rate and
the time to restore. It reads, and changes nothing. With --output json the field
"report" has all of it as data.`,
		Example: `  sluice report --out site
  sluice report production --out site --output json`,
		RunE: func(cmd *cobra.Command, _ []string) error { return runReport(cmd.Context(), inv) },
	}
	takes(cmd, placeWords, -1)
	inv.flags.selection(cmd.Flags())
	cmd.Flags().StringVar(&inv.flags.out, "out", "", "the `folder` that the page is written into, as "+pageName)
	return cmd
}

func runReport(ctx context.Context, inv *invocation) error {
	if inv.flags.out == "" {
		return usage(errors.New("say which folder the page is written into, for instance `sluice report --out site`"))
	}
	p, err := inv.one(ctx)
	if err != nil {
		return err
	}
	targets, err := inv.flags.selected(p)
	if err != nil {
		return err
	}
	all := slices.Equal(targets, slices.Collect(p.All()))
	var r view.Reported
	err = inv.use(ctx, p, func(e *engine.Engine) (err error) {
		r, err = e.Report(ctx, targets, all)
		return err
	})
	if err != nil {
		return err
	}
	return writeReport(inv, p, r)
}

// writeReport writes the page, without secrets, and keeps what the command came to.
func writeReport(inv *invocation, p *pipeline.Pipeline, r view.Reported) error {
	r = shown(inv, r)
	var b bytes.Buffer
	if err := page.Write(&b, r, versionLine()); err != nil {
		return err
	}
	file := filepath.Join(inv.flags.out, pageName)
	if err := os.MkdirAll(inv.flags.out, 0o755); err != nil { //nolint:gosec // a page is published
		return fmt.Errorf("write the page: %w; name another folder with --out", err)
	}
	if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil { //nolint:gosec // as above
		return fmt.Errorf("write the page: %w; name another folder with --out", err)
	}
	inv.result = &result{
		pipeline: p, outcome: view.Outcome{Status: view.Succeeded}, summary: true,
		text:  fmt.Sprintf("wrote %s: %s, %s", filepath.ToSlash(file), counted(len(slices.Collect(p.All())), "target"), counted(len(r.Rollouts), "rollout")),
		extra: map[string]any{"report": r, "file": filepath.ToSlash(file)},
	}
	return nil
}

// counted is a number of things whose name takes an s.
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
