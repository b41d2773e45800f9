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
	"sluice/internal/work"
)

// Spec says which store, and what stores need of the world.
type Spec struct {
	Store    string   // "artifact", "git", "s3://bucket/prefix" or "file:DIR"
	Branch   string   // git: "" means sluice-state
	Endpoint string   // s3: "" means AWS's own, or the environment's
	Refs     []string // whose runs may change state, in Actions; empty means the default branch
	Shard    string   // the share of a matrix that this job has, "2/8"; "" where it has all

	// Process is what the stores of one process share; nil shares nothing.
	Process *Process

	Runner    *actions.Runner // this run, inside Actions or not
	Clock     work.Clock      // the zero Clock is the machine's
	Getenv    func(string) string
	Transport http.RoundTripper        // of artifacts and s3; nil means their own
	Join      store.Join               // of what runs saved side by side where nothing can be swapped; nil joins nothing
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

// NewProcess is a process that did nothing yet, in the time of a clock.
func NewProcess(clock work.Clock) *Process { return &Process{commits: gitref.NewQueue(clock)} }

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
	return limit.New(opened, spec.Clock, limit.Within(limit.Call)), nil
}

// complete puts in what may be left out. Here, in one place, variables lose the
// white space around them, which credentials get from files and heredocs.
func (spec Spec) complete() Spec {
	if spec.Process == nil {
		spec.Process = NewProcess(spec.Clock)
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
	options, err := spec.artifacts(run)
	if err != nil {
		return nil, err
	}
	return artifact.Open(options), nil
}

// artifacts are the options of the artifact store. Outside of a run it can only be
// read, through the REST API.
func (spec Spec) artifacts(run actions.Context) (artifact.Options, error) {
	if !spec.Runner.Inside() && run.Repository == "" {
		return artifact.Options{}, &store.UnreadableError{
			Op: "open", Err: fmt.Errorf("state in artifacts belongs to a repository on GitHub, and which one is not known"),
			Remedy: "run it in a clone of the repository or set GITHUB_REPOSITORY=owner/name, or use --store file:DIR here",
		}
	}
	// Opening checks the variables and sends nothing.
	runs, err := protocol.Open(spec.Getenv, spec.Transport, spec.Clock, spec.Secret)
	if err != nil && (spec.Runner.Inside() || !errors.Is(err, protocol.ErrUnavailable)) {
		return artifact.Options{}, artifact.NoService(run, err)
	}
	return artifact.Options{
		Runs: func() (*protocol.Client, error) { return runs, err }, GitHub: spec.Runner.GitHub,
		Run: run, Clock: spec.Clock, Refs: spec.Refs, Shard: spec.Shard, Join: spec.Join, Warn: spec.Warn,
	}, nil
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
			Remedy: "run it in a clone of the repository, or set GITHUB_REPOSITORY=owner/name and GITHUB_TOKEN, or use --store file:DIR here",
		}
	}
	return gitref.Options{
		GitHub: spec.Runner.GitHub, Branch: spec.Branch, Run: run, Clock: spec.Clock, Describe: spec.Describe, Warn: spec.Warn, Queue: spec.Process.commits,
	}, nil
}

// Accepted is what [Accept] did.
type Accepted struct {
	From string // whose state counts from now on
	Now  string // where it is
}

// Accept goes on from one of two states, where a store noticed that the newest one
// was lost (git: what names a commit), or that runs saved the same targets side by
// side (artifact: what names a run). reason says why. Errors: [*Error] for another
// store, and those of [gitref.Accept] and [artifact.Accept].
func Accept(ctx context.Context, spec Spec, pipeline, what, reason string) (Accepted, error) {
	spec = spec.complete()
	run, err := spec.Runner.Context()
	if err != nil {
		return Accepted{}, &store.UnreadableError{Op: "open", Err: err, Remedy: "run the job again"}
	}
	switch spec.Store {
	case "git":
		options, err := spec.branch(run)
		if err != nil {
			return Accepted{}, err
		}
		done, err := gitref.Accept(ctx, options, what, reason)
		return Accepted{From: "commit " + done.From, Now: "commit " + done.Commit}, err
	case "artifact":
		options, err := spec.artifacts(run)
		if err != nil {
			return Accepted{}, err
		}
		done, err := artifact.Accept(ctx, options, pipeline, what, reason)
		return Accepted{From: done.From, Now: "artifact " + done.Artifact}, err
	default:
		return Accepted{}, &Error{spec.Store, errors.New("its state is never lost or saved twice in a way that this command decides; restore it where it is kept")}
	}
}

// Pin tells a store that cannot swap that the jobs of this run are about to save side
// by side. Other stores need not know. Errors are those of [artifact.Pin].
func Pin(ctx context.Context, spec Spec, pipeline string) error {
	options, is, err := spec.complete().ifArtifact()
	if err != nil || !is {
		return err
	}
	return artifact.Pin(ctx, options, pipeline)
}

// Gather has a store that cannot swap save as one what the jobs of a run saved side by
// side. Others have it so. Errors are those of [artifact.Gather].
func Gather(ctx context.Context, spec Spec, pipeline string) error {
	options, is, err := spec.complete().ifArtifact()
	if err != nil || !is {
		return err
	}
	_, err = artifact.Gather(ctx, options, pipeline)
	return err
}

// ifArtifact are the options of the artifact store, where that is meant and can be
// written from here.
func (spec Spec) ifArtifact() (options artifact.Options, is bool, err error) {
	if spec.Store != "artifact" || !spec.Runner.Inside() {
		return artifact.Options{}, false, nil
	}
	run, err := spec.Runner.Context()
	if err != nil {
		return artifact.Options{}, true, &store.UnreadableError{Op: "open", Err: err, Remedy: "run the job again"}
	}
	options, err = spec.artifacts(run)
	return options, true, err
}

// IsRefusal reports whether err means that there is nothing to accept, or not what
// was named.
func IsRefusal(err error) bool {
	for _, refusal := range []error{gitref.ErrNotLost, gitref.ErrNotThere, artifact.ErrNoConflict, artifact.ErrNotThere} {
		if errors.Is(err, refusal) {
			return true
		}
	}
	return false
}

func (spec Spec) s3(run actions.Context) (store.Store, error) {
	opened, err := s3.Open(s3.Options{
		Location: spec.Store, Endpoint: spec.Endpoint, By: run.Run(), Getenv: spec.Getenv, Transport: spec.Transport, Clock: spec.Clock,
		Secret: spec.Secret,
	})
	if err != nil {
		return nil, &Error{spec.Store, err}
	}
	return opened, nil
}
