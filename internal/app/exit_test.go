package app

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"sluice/internal/ledger"
	"sluice/internal/planner"
	"sluice/internal/store"
	"sluice/internal/view"
	"sluice/rollout"
)

// TestExitCodes: one cause, one code; of several the first in the contract's
// order.
func TestExitCodes(t *testing.T) {
	unreadable := &store.UnreadableError{Op: "read", Err: errors.New("no")}
	refused := &planner.RefusedError{}
	held := &ledger.HeldError{}
	wrong := usage(errors.New("wrong"))
	pending := view.Outcome{Status: view.Pending}
	failed := view.Outcome{Status: view.Failed}
	asking := view.Outcome{Status: view.Pending, Targets: []view.Target{{WaitingFor: &view.Waiting{Kind: rollout.WaitOperator}}}}
	tests := map[string]struct {
		outcome     view.Outcome
		err         error
		looks       bool // the command only looks
		failPending bool
		interrupted bool
		want        view.Exit
		status      view.Status
	}{
		"done":                        {want: view.ExitDone, status: view.Succeeded},
		"unchanged":                   {outcome: view.Outcome{Status: view.Unchanged}, want: view.ExitDone, status: view.Unchanged},
		"pending":                     {outcome: pending, want: view.ExitDone, status: view.Pending},
		"pending is a failure":        {outcome: pending, failPending: true, want: view.ExitPending, status: view.Pending},
		"failed":                      {outcome: failed, want: view.ExitFailed, status: view.Failed},
		"failed, pending asked for":   {outcome: failed, failPending: true, want: view.ExitFailed, status: view.Failed},
		"refused by the outcome":      {outcome: view.Outcome{Status: view.Refused}, want: view.ExitRefused, status: view.Refused},
		"asking":                      {outcome: asking, want: view.ExitRefused, status: view.Pending},
		"asking, to who looks":        {outcome: asking, looks: true, want: view.ExitDone, status: view.Pending},
		"refused":                     {err: refused, want: view.ExitRefused, status: view.Refused},
		"refused, wrapped":            {err: fmt.Errorf("shop: %w", refused), want: view.ExitRefused, status: view.Refused},
		"unknown error":               {err: errors.New("no token"), want: view.ExitRefused, status: view.Refused},
		"usage":                       {err: wrong, want: view.ExitUsage, status: view.Error},
		"pipeline file":               {err: &pipelineError{}, want: view.ExitUsage, status: view.Error},
		"held":                        {err: held, want: view.ExitConflict, status: view.Conflict},
		"lost the race":               {err: &store.ConflictError{}, want: view.ExitConflict, status: view.Conflict},
		"unreadable":                  {err: unreadable, want: view.ExitState, status: view.Error},
		"state before failure":        {outcome: failed, err: unreadable, want: view.ExitState, status: view.Error},
		"conflict before failure":     {outcome: failed, err: held, want: view.ExitConflict, status: view.Conflict},
		"failure before refusal":      {outcome: failed, err: errors.Join(refused), want: view.ExitFailed, status: view.Failed},
		"refusal before usage":        {err: errors.Join(wrong, refused), want: view.ExitRefused, status: view.Refused},
		"state before conflict":       {err: errors.Join(held, unreadable), want: view.ExitState, status: view.Error},
		"one of several pipelines":    {err: errors.Join(nil, fmt.Errorf("shop: %w", held)), want: view.ExitConflict, status: view.Conflict},
		"interrupted":                 {outcome: pending, err: context.Canceled, interrupted: true, want: view.ExitInterrupted, status: view.Interrupted},
		"interrupted before conflict": {outcome: failed, err: held, interrupted: true, want: view.ExitInterrupted, status: view.Interrupted},
		"interrupted, but not saved":  {outcome: failed, err: unreadable, interrupted: true, want: view.ExitState, status: view.Error},
		"interrupted while reading":   {err: &store.UnreadableError{Err: context.Canceled}, looks: true, interrupted: true, want: view.ExitInterrupted, status: view.Interrupted},
		"stopped, as it was meant to": {looks: true, interrupted: true, want: view.ExitDone, status: view.Succeeded},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			if test.interrupted {
				stop()
			}
			code := exitCode(ctx, test.failPending, &result{outcome: test.outcome, moves: !test.looks}, test.err)
			if code != test.want {
				t.Errorf("exit code %d, want %d", code, test.want)
			}
			if got := status(test.outcome, code, test.err); got != test.status {
				t.Errorf("status %s, want %s", got, test.status)
			}
		})
	}
}
