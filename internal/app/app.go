// Package app is the command line: flags, inputs and the environment become a
// request to the engine, and what came of it becomes text, JSON, outputs, a
// summary and an exit code.
package app

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"sluice/internal/actions"
	"sluice/internal/app/console"
	"sluice/internal/app/environment"
	"sluice/internal/guard"
	"sluice/internal/ledger/process"
	"sluice/internal/store"
	"sluice/internal/store/open"
	"sluice/internal/telemetry"
	"sluice/internal/view"
	"sluice/internal/work"
	"sluice/rollout"
	"sluice/stages"
	"sluice/stages/all"
	"sluice/stages/driver"
)

// Process is what a command may know of the process it runs in.
type Process struct {
	Args    []string
	Stdin   io.Reader // of `--file -`; nil is an empty one
	Stdout  io.Writer
	Stderr  io.Writer
	Environ []string
	// Kill ends the process as SIGKILL does, for the sandbox's kill faults.
	Kill func()
	// Clock tells the time and waits; the zero Clock is the machine's.
	Clock work.Clock
	// Self is what tells others which process this is; nil asks the machine.
	Self func() rollout.Run
	// Transport carries every request; nil is [http.DefaultTransport].
	Transport http.RoundTripper
	// Store stands before every store that is opened; nil for nothing. Tests
	// end the process there, between two saves.
	Store func(store.Store) store.Store
}

// Main runs one command and returns its exit code. A panic is told as a mistake
// in Sluice, and exits 1.
func Main(ctx context.Context, p Process) int {
	inv := newInvocation(p)
	code := int(view.ExitFailed)
	err := guard.Do("run the command", func() error {
		code = inv.run(ctx)
		return nil
	})
	if err != nil {
		inv.explain(err)
	}
	if err := guard.Do("clean up", func() error {
		inv.close()
		return nil
	}); err != nil {
		inv.explain(err)
		return int(view.ExitFailed)
	}
	return code
}

// run runs the command and reports what came of it.
func (inv *invocation) run(ctx context.Context) int {
	args := inv.args()
	root := inv.tree(args)
	root.SetArgs(args)
	root.SetOut(inv.Stdout)
	root.SetErr(inv.Stderr)
	err := guard.Do("run the command", func() error { return root.ExecuteContext(ctx) })
	code := inv.end(ctx, err)
	inv.showUsed()
	return code
}

// invocation is one run of a command.
type invocation struct {
	Process
	env       *environment.Environment
	reach     func(http.RoundTripper) http.RoundTripper // leads checks to emulators that no variable leads to; may be nil
	runner    *actions.Runner
	github    repository
	console   *console.Console
	stream    *console.Stream // standard error, one writer at a time
	terminal  io.Writer       // standard error as it is, which may be a terminal
	platforms []stages.Platform
	flags     flags
	started   time.Time
	bound     bool // the flags have all their values
	command   string
	said      said // what the comment says that started this run, under on-comment
	closers   []func()
	workflows ownWorkflows
	stores    stores
	cautions  once
	self      rollout.Run         // this process; no id before it is asked for
	result    *result             // what the command reported; nil before it did
	news      bool                // something happened to the pipeline at work that its history tells
	recorder  *telemetry.Recorder // of what OpenTelemetry is told; nil where nobody asks
	parts     []part              // what pipelines came to that may have been changed
	used      used                // requests, under --debug
	sessions  *driver.Sessions    // what drivers and checks ask as, once
}

func newInvocation(p Process) *invocation {
	p.Clock = p.Clock.Filled()
	if p.Self == nil {
		p.Self = process.Here().Self
	}
	terminal := p.Stderr
	stream := console.NewStream(p.Stderr)
	p.Stderr = stream
	inv := &invocation{Process: p, stream: stream, terminal: terminal, started: time.Now(), platforms: all.Platforms(), sessions: &driver.Sessions{}}
	inv.env = environment.New(p.Environ, credentialNames(inv.platforms))
	inv.runner = actions.New(inv.env.Get, p.Stderr)
	inv.runner.Transport, inv.runner.Clock = inv.transport, p.Clock
	inv.github = repository{inv.runner, inv.within}
	inv.workflows.inside = inv.runner.Inside
	inv.stores = stores{flags: &inv.flags, env: inv.env, runner: inv.runner, clock: p.Clock, process: open.NewProcess(p.Clock), transport: inv.transport, before: p.Store}
	inv.console = console.New(stream, inv.runner, p.Clock.Now)
	if token := inv.runner.Input("token"); token != "" && inv.env.Get("GITHUB_TOKEN") == "" {
		inv.env.Add("GITHUB_TOKEN", token)
	}
	inv.runner.Mask(inv.env.Secrets()...)
	return inv
}

// grace is how long what was begun within the wait budget may go on after it, and
// saveLeft and readLeft what a save and a read have at least: a command ends within half
// a minute of its budget, whatever is answered, but for a check that runs: it has a
// timeout of its own, and what others order is read meanwhile.
const (
	grace    = 20 * time.Second
	saveLeft = 5 * time.Second
	readLeft = 2 * time.Second
)

// within is ctx that ends when this command's own reads and saves must.
func (inv *invocation) within(ctx context.Context, saving bool) (context.Context, context.CancelFunc) {
	least := readLeft
	if saving {
		least = saveLeft
	}
	return context.WithTimeout(ctx, max(least, time.Until(inv.started.Add(inv.flags.waitBudget+grace))))
}

// args are the arguments: the command line's, or, in a step without any, the
// input `command`.
func (inv *invocation) args() []string {
	if len(inv.Args) > 0 {
		return inv.Args
	}
	if command := inv.runner.Input("command"); command != "" {
		return strings.Fields(command)
	}
	return []string{}
}

// facts are what the platforms can do, for the parser.
func (inv *invocation) facts() []driver.Facts {
	facts := make([]driver.Facts, len(inv.platforms))
	for i, p := range inv.platforms {
		facts[i] = p.Facts
	}
	return facts
}

func (inv *invocation) close() {
	for _, c := range inv.closers {
		c()
	}
	inv.runner.Flush()
}

// usageError is a mistake in the command line.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usage(err error) error {
	var u *usageError
	if err == nil || errors.As(err, &u) {
		return err
	}
	return &usageError{err: err}
}
