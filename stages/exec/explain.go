package exec

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"sluice/internal/program"
	"sluice/internal/transport"
	"sluice/stages/driver"
)

// problem is an error in the program's own words.
type problem struct {
	Code       driver.Code `json:"code"`
	Message    string      `json:"message"`
	Remedy     string      `json:"remedy"`
	RequestID  string      `json:"requestId"`
	RetryAfter *string     `json:"retryAfter"`
	Busy       bool        `json:"busy"`
	Stale      bool        `json:"stale"`
}

// Error is the message.
func (p *problem) Error() string { return p.Message }

func codes() []driver.Code {
	return []driver.Code{driver.Unknown, driver.Retryable, driver.Lost, driver.Invalid, driver.Denied, driver.NotFound, driver.Conflict, driver.Unsupported}
}

// check gives p itself, or what makes it no answer.
func (p *problem) check() error {
	if !slices.Contains(codes(), p.Code) || p.Message == "" {
		return fmt.Errorf("its answer has an error with the code %q and the message %q: a code is one of %v, and a message says what went wrong", p.Code, p.Message, codes())
	}
	if _, err := duration("error.retryAfter", p.RetryAfter, 0); err != nil {
		return err
	}
	return p
}

// explain is the error as the engine takes it.
func (p *problem) explain() driver.Explanation {
	x := driver.Explanation{Code: p.Code, Message: p.Message, RequestID: p.RequestID, Remedy: p.Remedy}
	if p.Code == driver.Retryable {
		x.RetryAfter, _ = duration("", p.RetryAfter, 0) //nolint:errcheck // it was checked
		x.Busy, x.Stale = p.Busy, p.Stale
	}
	return x
}

// answeredError is an error that the program answered.
type answeredError struct {
	by      string
	problem *problem
}

// Error is the program's message.
func (e *answeredError) Error() string { return e.problem.Message }

// failedError is a program that gave no answer that can be believed.
type failedError struct {
	by, operation string
	after         time.Duration // that it was given
	err           error
}

// Error says which program, asked what, and why there is no answer.
func (e *failedError) Error() string {
	if errors.Is(e.err, context.DeadlineExceeded) {
		return fmt.Sprintf("%s gave no answer to %s within %s", e.by, e.operation, e.after)
	}
	return fmt.Sprintf("%s, asked to %s: %v", e.by, e.operation, e.err)
}

// Unwrap gives the cause.
func (e *failedError) Unwrap() error { return e.err }

// invalidError is a target or a call that cannot be right, whatever the program says.
type invalidError struct{ text string }

// Error says what is wrong.
func (e *invalidError) Error() string { return e.text }

// unsupportedError is what the protocol does not have.
type unsupportedError struct{ text, remedy string }

// Error says what it is.
func (e *unsupportedError) Error() string { return e.text }

// Explain implements [driver.Driver].
func (d *programs) Explain(err error) driver.Explanation {
	if e, ok := errors.AsType[*answeredError](err); ok {
		return e.explain()
	}
	if e, ok := errors.AsType[*failedError](err); ok {
		return e.explain()
	}
	if e, ok := errors.AsType[*unsupportedError](err); ok {
		return driver.Explanation{Code: driver.Unsupported, Remedy: e.remedy}
	}
	if _, ok := errors.AsType[*invalidError](err); ok {
		return driver.Explanation{Code: driver.Invalid}
	}
	return driver.Explanation{Code: driver.Unknown}
}

func (e *answeredError) explain() driver.Explanation {
	x := e.problem.explain()
	switch {
	case x.Remedy != "":
	case x.Code == driver.Denied:
		x.Remedy = "give " + e.by + " the credentials that it needs: exec.secrets names the variables that it is given"
	case x.Code == driver.NotFound:
		x.Remedy = "check exec.resource and the release: " + e.by + " does not know them"
	}
	return x
}

// explain says what may be done about a program without an answer. Nothing happened
// only where it was not started, or nobody could be reached: what began may have done
// its effect.
func (e *failedError) explain() driver.Explanation {
	if _, ok := errors.AsType[*program.StartError](e.err); ok {
		return driver.Explanation{
			Code:   driver.Invalid,
			Remedy: "check exec.command: a program with a slash is looked for from the working directory, any other in PATH, and the action's own image holds no programs (use the setup action)",
		}
	}
	if op, ok := errors.AsType[*net.OpError](e.err); ok && op.Op == "dial" || transport.IsStopped(e.err) {
		return driver.Explanation{Code: driver.Retryable}
	}
	x := driver.Explanation{Code: driver.Lost}
	if errors.Is(e.err, context.DeadlineExceeded) {
		x.Remedy = "have it answer sooner, or give it more time (exec.timeout)"
	}
	return x
}
