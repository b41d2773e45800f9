// Package actions is GitHub's side of a run: inputs, outputs, masks,
// annotations, groups, the step summary, what the run is, and the REST client.
// Outside GitHub Actions everything that has no place to go does nothing, and
// annotations become plain lines.
//
// It stands on github.com/sethvargo/go-githubactions where that is sound: the
// encoding of workflow commands and the reading of the environment. Outputs
// and the summary are written here, because the library (v1.3.2) delimits
// output values with a fixed word, so that an untrusted value can inject
// outputs, panics where GITHUB_OUTPUT is unset or a stream is closed, and does
// not cap the summary, which GitHub then drops whole.
package actions

import (
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/sethvargo/go-githubactions"

	"sluice/internal/redact"
	"sluice/internal/work"
)

// Runner talks to the GitHub Actions runner. Create one with [New]. It is safe
// for concurrent use.
type Runner struct {
	// Transport carries the requests of [Runner.GitHub]; it is asked when that is
	// opened. Nil, and a nil round tripper, mean the client's own.
	Transport func() http.RoundTripper
	// Clock is what [Runner.GitHub] waits by; the zero Clock is the machine's.
	Clock work.Clock

	getenv  func(string) string
	log     io.Writer
	secrets redact.Set

	mu      sync.Mutex // guards what follows and keeps writes to log whole
	tallies map[Level]*tally

	github func() (*Client, error)
}

// New returns a runner that reads its environment through getenv and writes
// workflow commands and plain lines to log. The runner obeys commands on
// either stream, so log is stderr where stdout carries a document.
func New(getenv func(string) string, log io.Writer) *Runner {
	r := &Runner{getenv: getenv, log: log, tallies: map[Level]*tally{}}
	r.github = sync.OnceValues(r.openGitHub)
	return r
}

// Inside reports whether this is a step of a GitHub Actions job.
func (r *Runner) Inside() bool { return r.getenv("GITHUB_ACTIONS") == "true" }

// Act reports whether the job runs under nektos/act instead of GitHub.
func (r *Runner) Act() bool { return r.getenv("ACT") == "true" }

// Input is the action's input of that name, without surrounding white space;
// "" is unset. The runner upper-cases names and replaces spaces, not hyphens.
func (r *Runner) Input(name string) string {
	return strings.TrimSpace(r.getenv("INPUT_" + strings.ToUpper(strings.ReplaceAll(name, " ", "_"))))
}

// command issues one workflow command.
func (r *Runner) command(name, message string, properties githubactions.CommandProperties) {
	c := githubactions.Command{Name: name, Message: message, Properties: properties}
	r.print(c.String() + "\n")
}

// print writes text at once. A log that cannot be written must not stop a
// promotion, so errors are dropped.
func (r *Runner) print(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, _ = io.WriteString(r.log, text)
}
