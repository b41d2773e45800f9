package stages

import (
	"errors"
	"strings"

	"sluice/internal/guard"
	"sluice/stages/driver"
)

// Error is what went wrong at a target: where, what, the platform's id of the
// request and what the user can do. The embedded explanation says what may be
// done about it; Unwrap gives the platform's own error.
type Error struct {
	Op       string // what was being done: "prepare deploy", "weight", "read what runs"
	Stage    string
	Target   string
	Platform string
	driver.Explanation
	Err error
}

// Error is one line: where, what, the platform's words, request id and remedy. What
// is about no target says which platform.
func (e *Error) Error() string {
	var b strings.Builder
	where := e.Platform
	if e.Stage+e.Target != "" {
		where = e.Stage + "/" + e.Target + " (" + e.Platform + ")"
	}
	b.WriteString(where + ": " + e.Op + ": " + e.text())
	if e.RequestID != "" {
		b.WriteString(" (request id " + e.RequestID + ")")
	}
	if e.Remedy != "" {
		b.WriteString("; " + e.Remedy)
	}
	return b.String()
}

func (e *Error) text() string {
	text := e.Message
	if text == "" && e.Err != nil {
		text = e.Err.Error()
	}
	return strings.Join(strings.Fields(text), " ")
}

// Unwrap gives the platform's own error.
func (e *Error) Unwrap() error { return e.Err }

// Stack is where the driver panicked, for --debug alone; "" where it did not.
func (e *Error) Stack() string {
	if m, ok := errors.AsType[*guard.Mistake](e.Err); ok {
		return m.Stack()
	}
	return ""
}

// CodeOf says what may be done about an error of this package: Unknown for
// every other error, "" for nil.
func CodeOf(err error) driver.Code {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return driver.Unknown
}

func (t *Target) wrap(op string, err error, x driver.Explanation) error {
	return wrapOf(t.target, op, err, x)
}

// wrapOf is the error of a target, which says where it was.
func wrapOf(t driver.Target, op string, err error, x driver.Explanation) error {
	if x.Code == "" {
		x.Code = driver.Unknown
	}
	return &Error{Op: op, Stage: t.Stage, Target: t.Name, Platform: t.Platform, Explanation: x, Err: err}
}

// explainOpen explains an error that no driver can, there being none: nothing
// was sent, so it is the environment that is wrong unless the error knows better.
func explainOpen(err error) driver.Explanation {
	if e, ok := errors.AsType[*driver.OpenError](err); ok {
		return e.Explanation
	}
	if guard.IsMistake(err) {
		return driver.Explanation{}
	}
	return driver.Explanation{Code: driver.Invalid}
}
