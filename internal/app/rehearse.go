package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sluice/internal/ledger"
	"sluice/internal/platform"
	"sluice/internal/rehearsal"
	emulators "sluice/internal/sandbox/all"
	"sluice/internal/sandbox/measured"
	"sluice/internal/store/memory"
	"sluice/pipeline"
	"sluice/stages/driver"
)

const (
	rehearseName = "rehearse"
	// rehearsalStart is a Monday morning: what is told is the same on any day.
	rehearsalStart = "2026-01-05T09:00:00Z"
)

// rehearsing are the flags of rehearse.
type rehearsing struct {
	faults []string
	seed   uint64
	people time.Duration
	holds  bool
	cron   time.Duration
	byCron bool
	most   time.Duration
	at     string
}

func rehearseCommand(inv *invocation) *cobra.Command {
	cmd := &cobra.Command{
		Use: rehearseName + " [STAGE]", Short: "Go through the whole pipeline in the sandbox, in virtual time",
		Long: `Rehearse goes through the pipeline against emulators, with the drivers and the
engine that a real promotion has, and lets time jump wherever everybody waits: bakes,
soaks, windows, operations. It prints what would happen when, for whom people would be
waited, what runners would cost with wait timers and with a cron, and what each --fault
by itself would lead to. Nothing real is touched, no program of a check is run, and
nothing is kept. The same seed tells the same.`,
		Example: `  sluice rehearse
  sluice rehearse --to production --people 2h --fault api:metric:bad --fault api:weight:cut
  sluice rehearse --seed 7 --output json`,
		Args: words(0, 1),
		RunE: func(cmd *cobra.Command, _ []string) error { return runRehearse(cmd.Context(), inv) },
	}
	takes(cmd, "to", 1)
	f := &inv.flags.rehearsing
	s := cmd.Flags()
	s.StringVar(&inv.flags.to, "to", "", "the last `stage` that is promoted to (default every one)")
	s.StringVar(&inv.flags.release, "release", "", "what goes to the first stage; without it the second gets what the sandbox's first stage runs")
	s.Var(list{&f.faults}, "fault", "what goes wrong, `TARGET:STEP:KIND`, as --sandbox-fault; run:bad and http:bad too")
	s.Uint64Var(&f.seed, "seed", 0, "of noise on the metrics that nothing scripts; 0 for none")
	s.DurationVar(&f.people, "people", 0, "how long a person takes for an approval, an advance or the next promotion")
	s.BoolVar(&f.holds, "hold", false, "nobody approves or advances: what would be waited for is listed")
	s.DurationVar(&f.cron, "cron", 10*time.Minute, "how often the cron runs")
	s.BoolVar(&f.byCron, "by-cron", false, "have the timeline woken up by the cron, not by wait timers")
	s.StringVar(&f.at, "at", rehearsalStart, "when it begins: windows of policies are by the clock")
	s.DurationVar(&f.most, "most", 1000*time.Hour, "stop after so much virtual time")
	return cmd
}

func runRehearse(ctx context.Context, inv *invocation) error {
	p, err := rehearsed(inv)
	if err != nil {
		return err
	}
	o, err := rehearsalOf(inv, p)
	if err != nil {
		return err
	}
	told, err := rehearsal.Run(ctx, o)
	if err != nil {
		return usage(err)
	}
	inv.result = &result{pipeline: p, text: strings.TrimRight(told.Text(), "\n"), summary: true, extra: map[string]any{"rehearsal": told}}
	return nil
}

// rehearsed is the pipeline, with its mistakes shown. Nothing is opened for it.
func rehearsed(inv *invocation) (*pipeline.Pipeline, error) {
	if len(inv.flags.files) > 1 {
		return nil, usage(errors.New("rehearse takes one --file"))
	}
	pipelines, problems, err := inv.parse()
	if err != nil {
		show(inv.runner, inv.Stderr, problems)
		return nil, err
	}
	return pipelines[0], nil
}

// rehearsalOf are the options of a rehearsal of a pipeline.
func rehearsalOf(inv *invocation, p *pipeline.Pipeline) (rehearsal.Options, error) {
	f := inv.flags.rehearsing
	o := rehearsal.Options{
		Pipeline: p, Release: inv.flags.release, Seed: f.seed, People: f.people, Holds: f.holds, Cron: f.cron, ByCron: f.byCron, Most: f.most, Places: inv.flags.atOnce(p),
		Emulators: emulators.Emulators, Getenv: inv.env.Get, State: inMemory,
		Reach: func(env driver.Env, redact func(string) string) *platform.Platforms {
			return platform.Open(platform.Config{Env: env, Platforms: inv.platforms, As: platformsAs(p, true), Redact: redact})
		},
	}
	if f.cron < time.Minute || f.people < 0 || f.most <= 0 {
		return o, usage(errors.New("--cron is a minute at least, --people no less than 0, --most more"))
	}
	var err error
	if o.Start, err = time.Parse(time.RFC3339, f.at); err != nil {
		return o, usage(fmt.Errorf("--at %q: write a time such as %s", f.at, rehearsalStart))
	}
	if inv.flags.to != "" {
		stage, err := p.Stage(inv.flags.to)
		if err != nil {
			return o, usage(err)
		}
		o.To = stage
	}
	for _, text := range f.faults {
		fault, err := rehearsal.ParseFault(text)
		if err != nil {
			return o, usage(err)
		}
		o.Faults = append(o.Faults, fault)
	}
	if o.Script, err = measured.ReadScript(filepath.Join(sandboxDir, "metrics.json")); err != nil {
		return o, usage(err)
	}
	return o, nil
}

// inMemory is a new place for state that lasts as long as a rehearsal.
func inMemory() func(context.Context, ledger.Config) *ledger.Ledger {
	place := memory.New()
	return func(ctx context.Context, c ledger.Config) *ledger.Ledger {
		c.Store = place.Open(c.Run.ID)
		return ledger.Open(ctx, c)
	}
}
