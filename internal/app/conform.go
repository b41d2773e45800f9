package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"sluice/internal/actions"
	"sluice/stages/all"
	"sluice/stages/conform"
)

func conformCommand(inv *invocation) *cobra.Command {
	cmd := &cobra.Command{
		Use: "conform PROGRAM [ARGUMENT ...]", Short: "Run the conformance cases against a program that drives a platform",
		Long: `Conform starts a program that speaks the protocol for platforms of your own, and holds
it to what every platform's driver is held to: nothing happens before an effect is begun,
it happens once, what was lost is found again, success shows, errors say what may be
done about them. Each case is passed, failed or skipped, and says why.

The cases change a resource of the program's and put it back. The program says which,
where it answers to "trial"; else --trial names a file with them:

  {"source": "shop-staging", "target": "shop-conform", "unknown": "no-such-shop",
   "environment": ["REGION"], "secrets": ["SHOP_TOKEN"], "timeout": "2m"}

source runs a release that target does not run. Exit code 1 says that a case failed.`,
		Example: `  sluice conform ./driver.sh
  sluice conform --trial trial.json -- python3 driver.py --region ams`,
		Args: words(1, -1),
		RunE: func(cmd *cobra.Command, args []string) error { return runConform(cmd.Context(), inv, args) },
	}
	cmd.Flags().StringVar(&inv.flags.trial, "trial", "", "JSON `file` with the resources that the cases may use")
	return cmd
}

// casesError says that cases failed.
type casesError struct{ failed int }

// Error says how many.
func (e *casesError) Error() string {
	if e.failed == 1 {
		return "a case failed"
	}
	return fmt.Sprintf("%d cases failed", e.failed)
}

// caseDocument is a case in the command's document.
type caseDocument struct {
	Name     string   `json:"name"`
	Outcome  string   `json:"outcome"`
	Messages []string `json:"messages,omitempty"`
	Seconds  float64  `json:"seconds"`
}

func runConform(ctx context.Context, inv *invocation, args []string) error {
	if inv.flags.sandbox {
		return usage(errors.New("conform starts the program, and --sandbox starts none: leave it out"))
	}
	trial, err := inv.flags.readTrial(args)
	if err != nil {
		return err
	}
	if trial.Directory, err = os.MkdirTemp("", "sluice-conform-"); err != nil {
		return err
	}
	inv.closers = append(inv.closers, func() { _ = os.RemoveAll(trial.Directory) }) // nobody is left to tell
	if err := trial.Begin(ctx, inv.ofDrivers(), inv.Clock.Sleep); err != nil {
		return err
	}
	cases := []caseDocument{}
	count := map[conform.Outcome]int{}
	err = conform.Run(ctx, trial.First(), trial.Harness, func(r conform.Result) {
		count[r.Outcome]++
		c, line := toldCase(inv.runner.Redact, r)
		if cases = append(cases, c); !inv.wantsJSON() {
			_, _ = fmt.Fprintln(inv.Stdout, actions.Neutralise(line)) // nobody is left to tell
		}
	})
	err = errors.Join(err, trial.End(context.WithoutCancel(ctx)))
	inv.result = &result{
		text:  fmt.Sprintf("%d passed, %d failed, %d skipped", count[conform.Passed], count[conform.Failed], count[conform.Skipped]),
		extra: map[string]any{"cases": cases}, summary: true,
	}
	if err == nil && count[conform.Failed] > 0 {
		err = &casesError{count[conform.Failed]}
	}
	return err
}

// toldCase is a case for the document, and for people.
func toldCase(redact func(string) string, r conform.Result) (c caseDocument, line string) {
	c = caseDocument{Name: r.Name, Outcome: string(r.Outcome), Seconds: r.Took.Seconds()}
	line = fmt.Sprintf("%-8s%s", r.Outcome, r.Name)
	for _, m := range r.Messages {
		m = redact(m)
		c.Messages = append(c.Messages, m)
		line += "\n        " + strings.ReplaceAll(m, "\n", "\n        ")
	}
	return c, line
}

// readTrial is what the command line and --trial say of a program.
func (f *flags) readTrial(args []string) (*all.Trial, error) {
	t := &all.Trial{Command: args}
	if f.trial == "" {
		return t, nil
	}
	text, err := os.ReadFile(f.trial)
	if err != nil {
		return nil, usage(fmt.Errorf("--trial: %w", err))
	}
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(t); err != nil {
		return nil, usage(fmt.Errorf("--trial: %s: %w", f.trial, err))
	}
	if t.Source == "" || t.Target == "" || t.Unknown == "" {
		return nil, usage(fmt.Errorf("--trial: %s: source, target and unknown must be named", f.trial))
	}
	return t, nil
}
