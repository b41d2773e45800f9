package app

import (
	"context"
	"errors"
	"iter"
	"slices"

	"sluice/internal/engine"
	"sluice/internal/guard"
	"sluice/internal/store"
	"sluice/rollout"
)

// The exit codes, as docs/design.md section 5 has them.
const (
	exitDone        = 0   // done, unchanged, or pending
	exitFailed      = 1   // a target failed after an effect
	exitUsage       = 2   // the command line or the pipeline file is wrong
	exitPending     = 3   // pending, with --fail-on-pending
	exitRefused     = 4   // refused before any effect, or asking
	exitConflict    = 5   // another run holds or changed it
	exitState       = 6   // state unreadable or unwritable
	exitInterrupted = 130 // interrupted, state saved
)

// byPrecedence lists the exit codes in the order in which they count where
// several fit.
func byPrecedence() []int {
	return []int{exitInterrupted, exitState, exitConflict, exitFailed, exitRefused, exitUsage, exitPending, exitDone}
}

// code finds the exit code of a command that came to r and err.
func (inv *invocation) code(ctx context.Context, r *result, err error) int {
	fit := []int{inv.outcomeCode(r)}
	for cause := range causes(err) {
		fit = append(fit, errorCode(cause))
	}
	if interrupted(ctx, r, err) {
		fit = append(fit, exitInterrupted)
	}
	for _, code := range byPrecedence() {
		if slices.Contains(fit, code) {
			return code
		}
	}
	return exitDone
}

// causes yields the errors that were joined: each may have a code of its own.
func causes(err error) iter.Seq[error] {
	return func(yield func(error) bool) {
		joined, ok := err.(interface{ Unwrap() []error }) //nolint:errorlint // only a join at the top is one error a pipeline
		if !ok {
			if err != nil {
				yield(err)
			}
			return
		}
		for _, e := range joined.Unwrap() {
			if !yield(e) {
				return
			}
		}
	}
}

// errorCode is the exit code of one error.
func errorCode(err error) int {
	var held *engine.HeldError
	var refused *engine.RefusedError
	switch {
	case guard.IsMistake(err):
		return exitFailed
	case unsaved(err):
		return exitState
	case store.IsConflict(err), errors.As(err, &held):
		return exitConflict
	case errors.As(err, &refused):
		return exitRefused
	case isUsage(err):
		return exitUsage
	default:
		return exitRefused
	}
}

// isUsage reports whether the command line or the pipeline file is to blame.
func isUsage(err error) bool {
	var usage *usageError
	var mistakes *pipelineError
	return errors.As(err, &usage) || errors.As(err, &mistakes)
}

// interrupted reports whether a signal ended the command's work, and the state
// was saved. A command that serves until it is stopped has no work left then.
func interrupted(ctx context.Context, r *result, err error) bool {
	return ctx.Err() != nil && (r.moves || err != nil) && !unsaved(err)
}

// unsaved reports whether state could not be read or written, other than
// because it was not tried any more.
func unsaved(err error) bool {
	return store.IsUnreadable(err) && !errors.Is(err, context.Canceled)
}

// outcomeCode is the exit code of what a command reports.
func (inv *invocation) outcomeCode(r *result) int {
	out := r.outcome
	switch {
	case out.Status == rollout.StatusFailed:
		return exitFailed
	case out.Status == rollout.StatusRefused, r.moves && asks(out):
		return exitRefused
	case out.Status == rollout.StatusPending && inv.flags.failOnPending:
		return exitPending
	default:
		return exitDone
	}
}

// asks reports whether a target stopped and waits for an operator's decision.
func asks(out rollout.Outcome) bool {
	return slices.ContainsFunc(out.Targets, func(t rollout.TargetOutcome) bool {
		return t.WaitingFor != nil && t.WaitingFor.Kind == rollout.WaitOperator
	})
}

// status is what the output `status` says beside an exit code.
func status(out rollout.Outcome, code int, err error) rollout.Status {
	switch {
	case code == exitInterrupted:
		return rollout.StatusInterrupted
	case code == exitState, code == exitUsage:
		return rollout.StatusError
	case code == exitConflict:
		return rollout.StatusConflict
	case code == exitFailed:
		return rollout.StatusFailed
	case err != nil:
		return rollout.StatusRefused
	case out.Status == "":
		return rollout.StatusSucceeded
	default:
		return out.Status
	}
}
