// Package check runs hooks and gates: programs and URLs that must agree before a
// rollout goes on, alarms that must be quiet, metrics that must meet a condition,
// and a canary that must be no worse than what runs beside it.
package check

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"sluice/internal/guard"
	"sluice/internal/program"
	"sluice/rollout"
	"sluice/stages/driver"
)

// DefaultTimeout bounds a check that names no timeout of its own.
const DefaultTimeout = 10 * time.Minute

// Vars are what a check is told about the rollout it guards: the environment
// variables SLUICE_HOOK_… of a program.
type Vars struct {
	Pipeline, Stage, Target, Release, PreviousRelease, Rollout, Phase string
}

// environ lists the variables as a process takes them.
func (v Vars) environ() []string {
	return []string{
		"SLUICE_HOOK_PIPELINE=" + v.Pipeline,
		"SLUICE_HOOK_STAGE=" + v.Stage,
		"SLUICE_HOOK_TARGET=" + v.Target,
		"SLUICE_HOOK_RELEASE=" + v.Release,
		"SLUICE_HOOK_PREVIOUS_RELEASE=" + v.PreviousRelease,
		"SLUICE_HOOK_ROLLOUT=" + v.Rollout,
		"SLUICE_HOOK_PHASE=" + v.Phase,
	}
}

// Runner runs checks. It is safe for concurrent use. Its fields may be left
// nil or empty, except that a program wants a PATH in Environ.
type Runner struct {
	// Environ is the environment programs get, beside their SLUICE_HOOK_….
	Environ []string
	// Transport carries HTTP checks; nil means http.DefaultTransport.
	Transport http.RoundTripper
	// Now is the clock of looks that are repeated; nil means time.Now.
	Now func() time.Time
	// Sleep waits between them; nil waits by the system's clock.
	Sleep func(ctx context.Context, d time.Duration) error
	// Log takes a check's output: untrusted text.
	Log func(target, title, text string)
	// Redact takes secrets out of text. What a failed check says is recorded,
	// and state never holds a secret.
	Redact func(string) string
	// As names who asks a vendor for a target, or for a stage where target is "", by the
	// vendor's keys; nil names nobody.
	As func(stage, target, vendor string) json.RawMessage
	// Sessions are shared with the platforms' drivers; nil shares nothing.
	Sessions *driver.Sessions
	// Mask is told the values that the headers of HTTP checks carry, before
	// their first use.
	Mask func(values ...string)

	identity json.RawMessage // of one check, see asked
}

// Preflight says why a check could not run here: a program that is not there,
// a header that names an unset variable. It runs nothing.
func (r *Runner) Preflight(g rollout.Gate) error {
	return guard.Do("see whether a check can run", func() error { return r.preflight(g) })
}

func (r *Runner) preflight(g rollout.Gate) error {
	switch {
	case g.HTTP != nil:
		_, err := r.headers(g.HTTP)
		return err
	case g.Alarms != nil, g.Metric != nil, g.Compare != nil:
		return r.reaches(g)
	}
	called := argv(g)[0]
	if _, err := program.Look(r.Environ, called); err != nil {
		return fmt.Errorf("the program %q of a check cannot be run here (%w); the action's own image holds no programs: use the setup action with git, s3 or file state, or an http check", called, err)
	}
	return nil
}

// Run runs a check that passes or fails to its end; for one that measures see
// [Runner.Look]. An error means that it did not pass, and says
// why without a secret; a [*guard.Mistake] among them that Sluice could not run
// it. Where ctx ended, nothing is known of the check.
func (r *Runner) Run(ctx context.Context, g rollout.Gate, v Vars) error {
	timeout := g.Timeout.Std()
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	limited, stop := context.WithTimeout(ctx, timeout)
	defer stop()
	err := guard.Do("the check "+name(g), func() error { return r.run(limited, g, v) })
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		return fmt.Errorf("%s took longer than its timeout %s", name(g), timeout)
	}
	return r.clean(err)
}

func (r *Runner) run(ctx context.Context, g rollout.Gate, v Vars) error {
	if g.HTTP != nil {
		_, err := r.ask(ctx, g.HTTP, false)
		return err
	}
	_, err := r.start(ctx, g, v)
	return err
}

// name is a check in an error, and over its output.
func name(g rollout.Gate) string {
	if g.HTTP != nil {
		return g.HTTP.URL
	}
	return g.Name()
}

// clean takes secrets out of an error's text.
func (r *Runner) clean(err error) error {
	if err == nil || r.Redact == nil {
		return err
	}
	return &failure{text: r.Redact(err.Error()), err: err}
}

// failure is an error in words that may be recorded.
type failure struct {
	text string
	err  error
}

func (f *failure) Error() string { return f.text }
func (f *failure) Unwrap() error { return f.err }
