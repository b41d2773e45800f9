package exec

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"time"

	"sluice/internal/program"
	"sluice/stages/driver"
)

// urlVariable leads to what answers in the place of every program.
const urlVariable = "SLUICE_EXEC_URL"

const (
	mostAnswer    = 1 << 20     // bytes that an answer may have
	mostSaid      = 8 << 10     // bytes that are kept of what a program says beside it
	defaultTime   = time.Minute // for one call
	jsonMediaType = "application/json"
)

// inherited are the variables that every program is given.
func inherited() []string { return []string{"PATH", "HOME", "TMPDIR", "LANG", "SYSTEMROOT"} }

// place is a target's configuration.
type place struct {
	Command     []string `json:"command"`
	Resource    string   `json:"resource"`
	Environment []string `json:"environment"`
	Secrets     []string `json:"secrets"`
	Timeout     string   `json:"timeout"`

	of driver.Target
}

func placeOf(t driver.Target) (place, error) {
	at := place{of: t}
	if err := json.Unmarshal(t.Config, &at); err != nil {
		return at, &invalidError{fmt.Sprintf("the target's configuration: %v", err)}
	}
	if len(at.Command) == 0 || at.Command[0] == "" || at.Resource == "" {
		return at, &invalidError{fmt.Sprintf("the target's command is %q and its resource %q: both must be given", at.Command, at.Resource)}
	}
	return at, nil
}

// wire is the place as the program is told of it.
func (at place) wire() *target {
	return &target{Name: at.of.Name, Stage: at.of.Stage, Resource: at.Resource}
}

// name is what people know the program by.
func (at place) name() string { return strings.Join(at.Command, " ") }

func (at place) time() time.Duration {
	if d, err := time.ParseDuration(at.Timeout); err == nil && d > 0 {
		return d
	}
	return defaultTime
}

// environ is all of the program's environment. Its secrets are masked before it has them.
func (d *programs) environ(at place) []string {
	var environ []string
	for _, name := range inherited() {
		if value := d.env.Getenv(name); value != "" {
			environ = append(environ, name+"="+value)
		}
	}
	for _, name := range at.Environment {
		environ = append(environ, name+"="+d.env.Getenv(name))
	}
	for _, name := range at.Secrets {
		value := d.env.Getenv(name)
		d.env.Keep(value)
		environ = append(environ, name+"="+value)
	}
	return environ
}

// ask has a place's program answer one question, whose effect is there at most once.
func (d *programs) ask(ctx context.Context, at place, r request) (answer, error) {
	r.Protocol = protocol
	if r.Operation != describe {
		r.Target = at.wire()
	}
	text, err := json.Marshal(r)
	if err != nil {
		return answer{}, &invalidError{fmt.Sprintf("what the program would be asked cannot be written: %v", err)}
	}
	ctx, cancel := context.WithTimeout(ctx, at.time())
	defer cancel()
	var written []byte
	if d.url != nil {
		written, err = d.post(ctx, r.Operation, text)
	} else {
		written, err = d.run(ctx, at, text)
	}
	if err != nil && len(written) == 0 {
		return answer{}, d.failed(at, r.Operation, err)
	}
	a, why := read(r.Operation, written)
	if said, ok := errors.AsType[*problem](why); ok {
		return a, &answeredError{by: at.name(), problem: said} // whatever the program ended with
	}
	switch {
	case err != nil:
		return a, d.failed(at, r.Operation, err)
	case why != nil:
		return a, d.failed(at, r.Operation, why)
	}
	return a, nil
}

func (d *programs) failed(at place, operation string, err error) error {
	return &failedError{by: at.name(), operation: operation, after: at.time(), err: err}
}

// run starts the program, and gives what it wrote to its standard output. One that ended
// badly, or was ended, may still have said why.
func (d *programs) run(ctx context.Context, at place, text []byte) ([]byte, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	out := &limited{most: mostAnswer, over: func() { cancel(errTooMuch) }}
	said := &program.Tail{Max: mostSaid}
	err := program.Run(ctx, program.Command{
		Args: at.Command, Environ: d.environ(at), Stdin: bytes.NewReader(text), Stdout: out, Stderr: said,
	})
	switch _, notStarted := errors.AsType[*program.StartError](err); {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case notStarted:
		return nil, err
	case err != nil:
		return out.kept, &endedError{err: err, said: program.LastLine(said.String())}
	}
	return out.kept, nil
}

// errTooMuch is an answer that is longer than any may be.
var errTooMuch = fmt.Errorf("it wrote more than %d KiB to its standard output", mostAnswer>>10)

// limited keeps what is written to it up to a limit, and says when that is exceeded.
type limited struct {
	kept []byte
	most int
	over func()
}

// Write keeps p, or refuses it.
func (l *limited) Write(p []byte) (int, error) {
	if len(l.kept)+len(p) > l.most {
		l.over()
		return 0, errTooMuch
	}
	l.kept = append(l.kept, p...)
	return len(p), nil
}

// post sends a question to what answers in the place of the programs: an effect as POST,
// anything else as GET.
func (d *programs) post(ctx context.Context, operation string, text []byte) ([]byte, error) {
	to, method, body := d.url.JoinPath(operation), http.MethodPost, io.Reader(bytes.NewReader(text))
	if operation != begin {
		to.RawQuery, method, body = url.Values{"request": {string(text)}}.Encode(), http.MethodGet, nil
	}
	r, err := http.NewRequestWithContext(ctx, method, to.String(), body)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", jsonMediaType)
	r.Header.Set("Accept", jsonMediaType)
	resp, err := d.http.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close() //nolint:errcheck // everything wanted was read
	written, err := io.ReadAll(io.LimitReader(resp.Body, mostAnswer+1))
	switch {
	case err != nil:
		return nil, err
	case len(written) > mostAnswer:
		return nil, errTooMuch
	case resp.StatusCode != http.StatusOK:
		return written, fmt.Errorf("%s answered %s", urlVariable, resp.Status)
	}
	return written, nil
}

// endedError is a program that ended with another status than 0.
type endedError struct {
	err  error
	said string
}

// Error says how it ended, and what it said last.
func (e *endedError) Error() string {
	text := "it ended with " + e.err.Error()
	if ended, ok := errors.AsType[*exec.ExitError](e.err); ok && ended.ExitCode() >= 0 {
		text = fmt.Sprintf("it ended with exit code %d", ended.ExitCode())
	}
	if e.said != "" {
		text += ": " + e.said
	}
	return text
}

// Unwrap gives the cause.
func (e *endedError) Unwrap() error { return e.err }
