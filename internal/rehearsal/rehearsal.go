// Package rehearsal goes through a whole pipeline in the sandbox, in virtual time:
// promotions, canaries, bakes, approvals, automation and repair by the real engine and
// drivers, against emulators, with nobody waiting for anything. It says when what would
// happen, for whom people would be waited, what runners would cost, and what an
// injected failure would have led to.
//
// An invocation is a pass of the engine at the time at which something would start it:
// a person, a cron, an environment's wait timer. Between passes time jumps; within one
// it passes as [work.Virtual] has it. Rejected: one long invocation that waits for
// everything, because what is rehearsed is that nobody does.
package rehearsal

import (
	"context"
	"fmt"
	"slices"
	"time"

	"sluice/internal/ledger"
	"sluice/internal/platform"
	"sluice/internal/sandbox"
	"sluice/internal/sandbox/measured"
	"sluice/pipeline"
	"sluice/stages/driver"
)

// Options say what is rehearsed.
type Options struct {
	Pipeline *pipeline.Pipeline
	To       *pipeline.Stage // the last stage that is promoted to; nil: every one
	Release  string          // what goes to the first stage; "" begins with the second, with what the sandbox's first stage runs
	Faults   []sandbox.Fault // what goes wrong; of the steps run and http too, see [CheckStep]
	Script   measured.Script // what metrics answer, where the file's own sandbox says
	Seed     uint64          // of noise on what is not scripted; 0 for none

	People time.Duration // how long a person takes for a word
	Holds  bool          // nobody gives one: what would be waited for is listed
	Cron   time.Duration // how often the cron runs that is compared with wait timers
	ByCron bool          // the timeline is the cron's
	Most   time.Duration // so long at most
	Places int           // how many targets are worked on at once; 0 for the default

	Start     time.Time
	Emulators func(now func() time.Time) []sandbox.Emulator
	Getenv    func(string) string
	// Reach opens the platforms; State makes a new place for state and returns what
	// opens a run's ledger there.
	Reach func(env driver.Env, redact func(string) string) *platform.Platforms
	State func() func(context.Context, ledger.Config) *ledger.Ledger
}

// The steps of faults that only a rehearsal knows: a program, or a URL, that a check
// asks. They are not run here; the kind "bad" has so many fail.
const (
	StepRun  = "run"
	StepHTTP = "http"
)

// CheckStep reports whether a fault is one of a rehearsal's own.
func CheckStep(f sandbox.Fault) bool { return f.Step == StepRun || f.Step == StepHTTP }

// ParseFault reads a fault as [sandbox.ParseFault] does, and those of the steps run and
// http: "api:run:bad=2" has the first two programs of api's checks fail.
func ParseFault(s string) (sandbox.Fault, error) {
	f, err := sandbox.ParseFault(s, StepRun, StepHTTP)
	if err == nil && CheckStep(f) && f.Kind != measured.FaultBad {
		return f, fmt.Errorf("fault %q: what a check runs or asks itself can only be %s", s, measured.FaultBad)
	}
	return f, err
}

// checkFaults refuses faults of checks that no target has: they would never happen.
func (o Options) checkFaults() error {
	for _, f := range o.Faults {
		if !CheckStep(f) {
			continue
		}
		t, err := o.Pipeline.Target(f.Target)
		if err != nil {
			return fmt.Errorf("fault %q: %w", f, err)
		}
		if !slices.ContainsFunc(append(t.Checks(), t.Stage.Checks()...), func(c *pipeline.Check) bool {
			return f.Step == StepHTTP && c.HTTP != nil || f.Step == StepRun && len(c.Run) > 0
		}) {
			return fmt.Errorf("fault %q: no check of %s is of the kind %s", f, f.Target, f.Step)
		}
	}
	return nil
}

// Trigger is what starts an invocation.
type Trigger string

// The triggers.
const (
	Dispatch Trigger = "dispatch" // a person's run of a workflow
	Timer    Trigger = "timer"    // a job that an environment's wait timer held until then
	Cron     Trigger = "cron"
)

// Result is what came of a rehearsal.
type Result struct {
	Pipeline string  `json:"pipeline"`
	Seed     uint64  `json:"seed,omitzero"`
	Seconds  float64 `json:"seconds"` // of virtual time, from the first run to the end of the last
	Timeline []Line  `json:"timeline"`
	Ends     []End   `json:"ends"`
	People   []Asked `json:"people"`
	Billed   []Bill  `json:"billed"`         // the way of the timeline first
	Faults   []Led   `json:"faults"`         // each by itself
	Open     bool    `json:"open,omitempty"` // its time was over before everything was
}

// Line is one line of the timeline.
type Line struct {
	At      time.Duration `json:"-"`
	Seconds float64       `json:"seconds"`           // since the beginning
	Trigger Trigger       `json:"trigger,omitempty"` // of the beginning of an invocation
	Target  string        `json:"target,omitempty"`
	Text    string        `json:"text"`
}

// End is how a target stands at the end.
type End struct {
	Stage   string `json:"stage"`
	Target  string `json:"target"`
	State   string `json:"state"` // of its newest rollout; "" where there was none
	Release string `json:"release,omitempty"`
	Why     string `json:"why,omitempty"`    // it failed, or waits
	Stands  string `json:"stands,omitempty"` // after a failure: what runs there
	Way     string `json:"way,omitempty"`    // after a failure: what a person may do first
}

// Asked is one word that a person was asked for.
type Asked struct {
	Kind    string        `json:"kind"` // approval, advance, decision, promote
	Where   string        `json:"where"`
	By      string        `json:"by,omitempty"` // who gave it; "" where nobody did
	Waited  time.Duration `json:"-"`
	Seconds float64       `json:"waitedSeconds"`
	What    string        `json:"what,omitempty"` // of a decision
}

// Bill is what one way of waking up costs.
type Bill struct {
	Way     Trigger         `json:"way"`     // what wakes it up: timer or cron
	Minutes map[Trigger]int `json:"minutes"` // of runners, by what started them, each begun one whole
	Total   int             `json:"total"`
	Seconds float64         `json:"seconds"` // until everything was over
}

// Led is what a failure led to.
type Led struct {
	Fault string  `json:"fault"`
	Ends  []End   `json:"ends"` // those that end otherwise
	Later float64 `json:"laterSeconds"`
}

// Run rehearses. The error is why it could not be: a fault that never happens, the
// emulators' own, or the end of ctx.
func Run(ctx context.Context, o Options) (Result, error) {
	if err := o.checkFaults(); err != nil {
		return Result{}, err
	}
	told, err := once(ctx, o)
	if err != nil {
		return Result{}, err
	}
	result := told.result()
	if err := result.compare(ctx, o); err != nil {
		return Result{}, err
	}
	if err := result.inject(ctx, o, told); err != nil {
		return Result{}, err
	}
	return result, nil
}

// compare adds what the other way of waking up costs.
func (r *Result) compare(ctx context.Context, o Options) error {
	o.ByCron = !o.ByCron
	other, err := once(ctx, o)
	if err != nil {
		return err
	}
	r.Billed = append(r.Billed, other.bill())
	return nil
}

// inject adds what each failure by itself leads to, beside none.
func (r *Result) inject(ctx context.Context, o Options, told *world) error {
	if len(o.Faults) == 0 {
		return nil
	}
	faults := o.Faults
	o.Faults = nil
	clean, err := once(ctx, o)
	if err != nil {
		return err
	}
	for _, f := range faults {
		alone := told
		if len(faults) > 1 {
			o.Faults = []sandbox.Fault{f}
			if alone, err = once(ctx, o); err != nil {
				return err
			}
		}
		r.Faults = append(r.Faults, alone.beside(clean, f))
	}
	return nil
}

// beside is what a failure led to, beside the same rehearsal without one.
func (w *world) beside(clean *world, f sandbox.Fault) Led {
	led := Led{Fault: f.String(), Later: (w.ended - clean.ended).Seconds(), Ends: []End{}}
	without := map[string]End{}
	for _, e := range clean.ends() {
		without[e.Target] = e
	}
	for _, e := range w.ends() {
		if without[e.Target] != e {
			led.Ends = append(led.Ends, e)
		}
	}
	return led
}
