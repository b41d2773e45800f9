package view

import (
	"context"
	"errors"
	"slices"
	"time"

	"sluice/internal/executor"
	"sluice/internal/guard"
	"sluice/internal/ledger"
	"sluice/rollout"
)

// Exit is a command's exit code, as docs/design.md section 5 has them.
type Exit int

// The exit codes.
const (
	ExitDone        Exit = 0   // done, unchanged, or pending
	ExitFailed      Exit = 1   // a target failed after an effect
	ExitUsage       Exit = 2   // the command line or the pipeline file is wrong
	ExitPending     Exit = 3   // pending, with --fail-on-pending
	ExitRefused     Exit = 4   // refused before any effect, or asking
	ExitConflict    Exit = 5   // another run or person was first
	ExitState       Exit = 6   // state unreadable or unwritable
	ExitInterrupted Exit = 130 // interrupted, state saved
)

// Worst is the exit code that counts where several fit; ExitDone of none.
func Worst(codes ...Exit) Exit {
	for _, code := range []Exit{ExitInterrupted, ExitState, ExitConflict, ExitFailed, ExitRefused, ExitUsage, ExitPending} {
		if slices.Contains(codes, code) {
			return code
		}
	}
	return ExitDone
}

// Exit is the exit code of an outcome.
func (o Outcome) Exit(failOnPending bool) Exit {
	switch o.Status { // the others are told below
	case Interrupted:
		return ExitInterrupted
	case Error:
		return ExitState
	case Conflict:
		return ExitConflict
	case Failed:
		return ExitFailed
	case Refused:
		return ExitRefused
	}
	switch {
	case o.Asks() && !o.looks:
		return ExitRefused
	case o.Status == Pending && failOnPending:
		return ExitPending
	default:
		return ExitDone
	}
}

// Asks reports whether a target stopped and waits for a person's decision.
func (o Outcome) Asks() bool {
	return slices.ContainsFunc(o.Targets, func(t Target) bool {
		return t.WaitingFor != nil && t.WaitingFor.Kind == rollout.WaitOperator
	})
}

// ExitOf is the exit code of an error of the rooms below; the worst of those
// that are joined. An interruption is the app's to tell from its context.
func ExitOf(err error) Exit {
	if err == nil {
		return ExitDone
	}
	var codes []Exit
	for _, one := range leaves(err) {
		codes = append(codes, exitOf(one))
	}
	return Worst(codes...)
}

func exitOf(err error) Exit {
	switch {
	case guard.IsMistake(err):
		return ExitFailed
	case ledger.IsUnreadable(err) && !errors.Is(err, context.Canceled):
		return ExitState
	case executor.IsConflict(err):
		return ExitConflict
	case isBusy(err):
		return ExitPending
	default:
		return ExitRefused
	}
}

// isBusy reports whether an error needs nothing but time.
func isBusy(err error) bool {
	_, busy := ledger.IsBusy(err)
	return busy
}

// leaves takes joined errors apart.
func leaves(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error }) //nolint:errorlint // each error of a join is classified by itself
	if !ok {
		return []error{err}
	}
	var all []error
	for _, one := range joined.Unwrap() {
		all = append(all, leaves(one)...)
	}
	return all
}

// statusOf is the status of an invocation that an error kept from doing its
// work; "" where none did. What the executor returns is state that is unreadable,
// a lost race, or the interruption.
func statusOf(err error) Status {
	if err == nil {
		return ""
	}
	code := ExitOf(err)
	if slices.ContainsFunc(leaves(err), func(one error) bool { return exitOf(one) == ExitRefused }) && code != ExitState {
		return Interrupted
	}
	switch code {
	case ExitState:
		return Error
	case ExitConflict:
		return Conflict
	case ExitPending:
		return Pending
	default:
		return Failed
	}
}

// Sum derives what a whole outcome says from its targets. Failed comes before
// pending, succeeded and unchanged. Where targets failed, nothing took effect
// and nothing still may, the whole was refused.
func (o *Outcome) Sum() {
	o.Status, o.Release, o.Next = o.sum(), "", time.Time{}
	for i, t := range o.Targets {
		if i == 0 {
			o.Release = t.Release
		} else if o.Release != t.Release {
			o.Release = ""
		}
		if w := t.WaitingFor; w != nil && w.byItself && (o.Next.IsZero() || w.Until.Before(o.Next)) {
			o.Next = w.Until
		}
	}
	if o.Status == Unchanged && !slices.ContainsFunc(o.Targets, func(t Target) bool { return t.Promotion != "" }) {
		o.Promotion = ""
	}
}

func (o *Outcome) sum() Status {
	has := func(test func(Target) bool) bool { return slices.ContainsFunc(o.Targets, test) }
	pending := has(func(t Target) bool { return t.Status == rollout.PromotionPending })
	switch {
	case o.looks && !pending:
		return Succeeded // what failed is told, and is no failure of looking
	case o.looks:
		return Pending
	case has(func(t Target) bool { return t.Status == rollout.PromotionFailed && !t.Withdrawn }):
		if pending || has(Target.Acted) {
			return Failed
		}
		return Refused
	case has(func(t Target) bool { return t.refused }):
		return Refused
	case pending:
		return Pending
	case has(func(t Target) bool { return !t.Unchanged }):
		return Succeeded
	default:
		return Unchanged
	}
}

// Join is the outcome of several pipelines.
func Join(a, b Outcome) Outcome {
	switch {
	case len(a.Targets) == 0:
		return b
	case len(b.Targets) == 0:
		return a
	}
	worse := worseStatus(a.Status, b.Status)
	joined := Outcome{Targets: slices.Concat(a.Targets, b.Targets), looks: a.looks && b.looks}
	joined.Sum()
	if worse != "" {
		joined.Status = worse
	}
	joined.Promotion, joined.Release = "", ""
	return joined
}

// worseStatus is the worse of two statuses that do not follow from targets; ""
// where neither is one.
func worseStatus(a, b Status) Status {
	for _, s := range []Status{Interrupted, Error, Conflict} {
		if a == s || b == s {
			return s
		}
	}
	return ""
}
