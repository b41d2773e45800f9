package app

import (
	"context"
	"errors"
	"iter"

	"sluice/internal/ledger"
	"sluice/internal/view"
)

// exitCode finds the exit code of a command that came to r and err.
func exitCode(ctx context.Context, failOnPending bool, r *result, err error) view.Exit {
	fit := []view.Exit{outcomeCode(failOnPending, r)}
	for cause := range causes(err) {
		code := errorCode(cause)
		if code == view.ExitPending && !failOnPending {
			code = view.ExitDone
		}
		fit = append(fit, code)
	}
	if interrupted(ctx, r, err) {
		fit = append(fit, view.ExitInterrupted)
	}
	return view.Worst(fit...)
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
func errorCode(err error) view.Exit {
	if _, ok := errors.AsType[*casesError](err); ok {
		return view.ExitFailed
	}
	if code := view.ExitOf(err); code != view.ExitRefused || !isUsage(err) {
		return code
	}
	return view.ExitUsage
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
	return ledger.IsUnreadable(err) && !errors.Is(err, context.Canceled)
}

// outcomeCode is the exit code of what a command reports. Who only looks is asked
// nothing.
func outcomeCode(failOnPending bool, r *result) view.Exit {
	code := r.outcome.Exit(failOnPending)
	if code == view.ExitRefused && !r.moves && r.outcome.Status != view.Refused {
		return view.ExitDone
	}
	return code
}

// status is what the output `status` says beside an exit code.
func status(out view.Outcome, code view.Exit, err error) view.Status {
	switch {
	case code == view.ExitInterrupted:
		return view.Interrupted
	case code == view.ExitState, code == view.ExitUsage:
		return view.Error
	case code == view.ExitConflict:
		return view.Conflict
	case code == view.ExitFailed:
		return view.Failed
	case err != nil && view.ExitOf(err) == view.ExitPending:
		return view.Pending
	case err != nil:
		return view.Refused
	case out.Status == "":
		return view.Succeeded
	default:
		return out.Status
	}
}
