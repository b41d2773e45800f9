// Package open is the list of stores: it chooses one by its name in the
// pipeline file.
package open

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"sluice/internal/actions"
	protocol "sluice/internal/actions/artifact"
	"sluice/internal/store"
	"sluice/internal/store/artifact"
	"sluice/internal/store/file"
	"sluice/internal/store/gitref"
	"sluice/internal/store/limit"
	"sluice/internal/store/s3"
)

// Spec says which store, and what stores need of the world.
type Spec struct {
	Store    string   // "artifact", "git", "s3://bucket/prefix" or "file:DIR"
	Branch   string   // git: "" means sluice-state
	Endpoint string   // s3: "" means AWS's own, or the environment's
	Branches []string // whose runs may change state, in Actions; empty means the default branch

	// Process is what the stores of one process share; nil shares nothing.
	Process *Process

	Runner    *actions.Runner // this run, inside Actions or not
	Getenv    func(string) string
	Transport http.RoundTripper        // of artifacts and s3; nil means their own
	Describe  func(store.Entry) string // one line about a save, for git's log; nil for nothing
	Warn      func(message string)     // nil drops warnings
	// Secret is told each credential when a client gets it, before its first use:
	// those of the environment, a profile, an exchange, an instance; also the
	// signatures of addresses. Nil gives them to Runner.Mask.
	Secret func(value string)
}

// Process is what the stores of one process share: how often it commits to a
// repository. Make one with [NewProcess].
type Process struct{ commits *gitref.Queue }

// NewProcess is a process that did nothing yet.
func NewProcess() *Process { return &Process{commits: gitref.NewQueue()} }

// Error means that a store's name or options are wrong: nothing outside the
// pipeline file and the flags can mend it.
type Error struct {
	Store string
	Err   error
}

// Error names the store.
func (e *Error) Error() string { return fmt.Sprintf("state store %q: %v", e.Store, e.Err) }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Open returns the store of spec. Nothing is sent or touched before its first
// use. Errors: [*Error], and [*store.UnreadableError] where the store cannot
// be reached from here.
func Open(spec Spec) (store.Store, error) {
	opened, err := spec.complete().open()
	if err != nil {
		return nil, err
	}
	return limit.New(opened, limit.Within(limit.Call)), nil
}

// complete puts in what may be left out. Here, in one place, variables lose the
// white space around them, which credentials get from files and heredocs.
func (spec Spec) complete() Spec {
	if spec.Process == nil {
		spec.Process = NewProcess()
	}
	if spec.Secret == nil {
		spec.Secret = func(value string) { spec.Runner.Mask(value) }
	}
	getenv := spec.Getenv
	spec.Getenv = func(name string) string { return strings.TrimSpace(getenv(name)) }
	return spec
}

func (spec Spec) open() (store.Store, error) {
	run, err := spec.Runner.Context()
	if err != nil {
		return nil, &store.UnreadableError{Op: "open", Err: err, Remedy: "run the job again"}
	}
	dir, isFile := strings.CutPrefix(spec.Store, "file:")
	switch {
	case isFile && dir != "":
		return file.Open(dir, file.By(run.Run())), nil
	case spec.Store == "artifact":
		return spec.artifact(run)
	case spec.Store == "git":
		return spec.git(run)
	case strings.HasPrefix(spec.Store, "s3://"):
		return spec.s3(run)
	}
	return nil, &Error{spec.Store, fmt.Errorf("not a store; use artifact, git, s3://bucket/prefix or file:DIR")}
}

func (spec Spec) artifact(run actions.Context) (store.Store, error) {
	if !spec.Runner.Inside() {
		return nil, &store.UnreadableError{
			Op: "open", Err: fmt.Errorf("the artifact store exists in GitHub Actions alone, and GITHUB_ACTIONS is not set"),
			Remedy: "use --store file:DIR here",
		}
	}
	// Opening checks the variables and sends nothing.
	runs, err := protocol.Open(spec.Getenv, spec.Transport, spec.Secret)
	if err != nil {
		return nil, &store.UnreadableError{
			Op: "open", Err: err,
			Remedy: "use sluice as an action (uses: …), or another store (state: {store: git}, or --store file:DIR)",
		}
	}
	return artifact.Open(artifact.Options{
		Runs: func() (*protocol.Client, error) { return runs, nil }, GitHub: spec.Runner.GitHub,
		Run: run, Branches: spec.Branches, Warn: spec.Warn,
	}), nil
}

func (spec Spec) git(run actions.Context) (store.Store, error) {
	options, err := spec.branch(run)
	if err != nil {
		return nil, err
	}
	opened, err := gitref.Open(options)
	if err != nil {
		return nil, &Error{spec.Store, err}
	}
	return opened, nil
}

// branch are the options of the git store.
func (spec Spec) branch(run actions.Context) (gitref.Options, error) {
	if run.Repository == "" {
		return gitref.Options{}, &store.UnreadableError{
			Op: "open", Err: fmt.Errorf("the git store is a branch on GitHub, and GITHUB_REPOSITORY is not set"),
			Remedy: "set GITHUB_REPOSITORY=owner/name and GITHUB_TOKEN, or use --store file:DIR here",
		}
	}
	return gitref.Options{
		GitHub: spec.Runner.GitHub, Branch: spec.Branch, Run: run, Describe: spec.Describe, Warn: spec.Warn, Queue: spec.Process.commits,
	}, nil
}

// Accepted is what [Accept] did.
type Accepted = gitref.Accepted

// Accept goes on from one of two states where a store noticed that the newest one
// was lost. commit names it, reason says why. Only the git store notices. Errors:
// [*Error] for another store, and those of [gitref.Accept].
func Accept(ctx context.Context, spec Spec, commit, reason string) (Accepted, error) {
	if spec.Store != "git" {
		return Accepted{}, &Error{spec.Store, errors.New("only the git store keeps commits to accept; this one's state is restored where it is kept")}
	}
	spec = spec.complete()
	run, err := spec.Runner.Context()
	if err != nil {
		return Accepted{}, &store.UnreadableError{Op: "open", Err: err, Remedy: "run the job again"}
	}
	options, err := spec.branch(run)
	if err != nil {
		return Accepted{}, err
	}
	return gitref.Accept(ctx, options, commit, reason)
}

// IsRefusal reports whether err means that there is nothing to accept, or not what
// was named.
func IsRefusal(err error) bool {
	return errors.Is(err, gitref.ErrNotLost) || errors.Is(err, gitref.ErrNotThere)
}

func (spec Spec) s3(run actions.Context) (store.Store, error) {
	opened, err := s3.Open(s3.Options{
		Location: spec.Store, Endpoint: spec.Endpoint, By: run.Run(), Getenv: spec.Getenv, Transport: spec.Transport,
		Secret: spec.Secret,
	})
	if err != nil {
		return nil, &Error{spec.Store, err}
	}
	return opened, nil
}
