// Package engine is the one loop that runs rollouts: it takes what
// [rollout.Next] says is due, saves the intent, sends the effect, follows it,
// runs checks, and saves what came of it. Targets run side by side; targets
// that one call can serve run together. Whatever a process leaves unfinished,
// the next one takes up from the records.
package engine

import (
	"context"
	"time"

	"sluice/internal/check"
	"sluice/internal/old/rollout"
	"sluice/internal/store"
	"sluice/internal/store/limit"
	"sluice/pipeline"
	"sluice/stages"
	"sluice/stages/driver"
)

// Checks runs hooks and gates; [check.Runner] does.
type Checks interface {
	// Preflight says why a gate could not run in this place at all.
	Preflight(g rollout.Gate) error
	// Run runs a gate to its end. An error means that it did not pass.
	Run(ctx context.Context, g rollout.Gate, v check.Vars) error
}

// Observer is told what happens, as it happens. Implementations are safe for
// concurrent use. Text from platforms arrives as it is: untrusted.
type Observer interface {
	Progress(target, text string)
	Warn(target, text string)
	// Log shows the output of a platform's own step.
	Log(target, title, text string)
	// Event shows a line of a target's history, once it is saved.
	Event(target string, e rollout.Event)
}

// Actor is who started this invocation.
type Actor struct {
	Login     string
	Verified  bool // GitHub said who it is
	Automated bool // a schedule, an app or a bot
}

// Config is what an engine works with.
type Config struct {
	Pipeline *pipeline.Pipeline
	Stages   *stages.Stages
	Store    store.Store
	Checks   Checks
	Observer Observer
	// Redact takes credentials out of text: every record passes it before it is
	// saved. Nil takes out nothing.
	Redact func(string) string
	Now    func() time.Time

	Actor  Actor
	Lease  rollout.Lock // who this run is: Holder, RunURL, Actor; Since and Until are set when it is taken
	Origin string       // what makes a re-run the same: repository, run id, job, step; "" outside Actions
	// Over reports whether the run behind a lease is known to have ended.
	Over func(context.Context, rollout.Lock) bool

	InlineWait  time.Duration // bakes and windows due sooner are waited for
	WaitBudget  time.Duration // bounds the whole invocation
	Concurrency int           // targets at work side by side; 0 means 8
	// OverridePolicies are policies that a person overrides by name.
	OverridePolicies []string
}

// Engine runs the rollouts of one pipeline for one invocation.
type Engine struct {
	Config
	started  time.Time
	cut      *interruption
	checking *stopwatch // what checks took
	begins   *begins
}

// defaultConcurrency is how many targets are at work side by side.
const defaultConcurrency = 8

// New returns an engine. It makes no connection.
func New(c Config) *Engine {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Concurrency <= 0 {
		c.Concurrency = defaultConcurrency
	}
	e := &Engine{Config: c, started: c.Now(), cut: &interruption{}, checking: &stopwatch{}, begins: &begins{counts: map[string]*attempts{}}}
	e.Store = limit.New(c.Store, e.ofStore)
	return e
}

// leaseMargin is how long a lease outlives the invocation's budget, so that a
// slow save at its end is still its own.
const leaseMargin = 5 * time.Minute

// leaseUntil is when the leases of this invocation end.
func (e *Engine) leaseUntil(now time.Time) time.Time {
	return now.Add(e.WaitBudget + leaseMargin).UTC().Truncate(time.Second)
}

// deadline is when the invocation stops following what is not over.
func (e *Engine) deadline() time.Time { return e.started.Add(e.WaitBudget) }

// beyond reports whether a wait that begins now ends after the deadline.
func (e *Engine) beyond(wait time.Duration) bool { return e.Now().Add(wait).After(e.deadline()) }

// place is a declared target's portable handle.
func (e *Engine) place(t driver.Target) (*stages.Target, error) { return e.Stages.Target(t) }
