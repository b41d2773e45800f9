package app

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"sluice/internal/old/engine"
	"sluice/internal/old/rollout"
	"sluice/internal/store"
)

// TestExitCodes: one cause, one code; of several the first in the contract's
// order.
func TestExitCodes(t *testing.T) {
	unreadable := &store.UnreadableError{Op: "read", Err: errors.New("no")}
	refused := &engine.RefusedError{}
	held := &engine.HeldError{}
	wrong := usage(errors.New("wrong"))
	pending := rollout.Outcome{Status: rollout.StatusPending}
	failed := rollout.Outcome{Status: rollout.StatusFailed}
	asking := rollout.Outcome{Status: rollout.StatusPending, Targets: []rollout.TargetOutcome{{WaitingFor: &rollout.Waiting{Kind: rollout.WaitOperator}}}}
	tests := map[string]struct {
		outcome     rollout.Outcome
		err         error
		looks       bool // the command only looks
		failPending bool
		interrupted bool
		want        int
		status      rollout.Status
	}{
		"done":                        {want: exitDone, status: rollout.StatusSucceeded},
		"unchanged":                   {outcome: rollout.Outcome{Status: rollout.StatusUnchanged}, want: exitDone, status: rollout.StatusUnchanged},
		"pending":                     {outcome: pending, want: exitDone, status: rollout.StatusPending},
		"pending is a failure":        {outcome: pending, failPending: true, want: exitPending, status: rollout.StatusPending},
		"failed":                      {outcome: failed, want: exitFailed, status: rollout.StatusFailed},
		"failed, pending asked for":   {outcome: failed, failPending: true, want: exitFailed, status: rollout.StatusFailed},
		"refused by the outcome":      {outcome: rollout.Outcome{Status: rollout.StatusRefused}, want: exitRefused, status: rollout.StatusRefused},
		"asking":                      {outcome: asking, want: exitRefused, status: rollout.StatusPending},
		"asking, to who looks":        {outcome: asking, looks: true, want: exitDone, status: rollout.StatusPending},
		"refused":                     {err: refused, want: exitRefused, status: rollout.StatusRefused},
		"refused, wrapped":            {err: fmt.Errorf("shop: %w", refused), want: exitRefused, status: rollout.StatusRefused},
		"unknown error":               {err: errors.New("no token"), want: exitRefused, status: rollout.StatusRefused},
		"usage":                       {err: wrong, want: exitUsage, status: rollout.StatusError},
		"pipeline file":               {err: &pipelineError{}, want: exitUsage, status: rollout.StatusError},
		"held":                        {err: held, want: exitConflict, status: rollout.StatusConflict},
		"lost the race":               {err: &store.ConflictError{}, want: exitConflict, status: rollout.StatusConflict},
		"unreadable":                  {err: unreadable, want: exitState, status: rollout.StatusError},
		"state before failure":        {outcome: failed, err: unreadable, want: exitState, status: rollout.StatusError},
		"conflict before failure":     {outcome: failed, err: held, want: exitConflict, status: rollout.StatusConflict},
		"failure before refusal":      {outcome: failed, err: errors.Join(refused), want: exitFailed, status: rollout.StatusFailed},
		"refusal before usage":        {err: errors.Join(wrong, refused), want: exitRefused, status: rollout.StatusRefused},
		"state before conflict":       {err: errors.Join(held, unreadable), want: exitState, status: rollout.StatusError},
		"one of several pipelines":    {err: errors.Join(nil, fmt.Errorf("shop: %w", held)), want: exitConflict, status: rollout.StatusConflict},
		"interrupted":                 {outcome: pending, err: context.Canceled, interrupted: true, want: exitInterrupted, status: rollout.StatusInterrupted},
		"interrupted before conflict": {outcome: failed, err: held, interrupted: true, want: exitInterrupted, status: rollout.StatusInterrupted},
		"interrupted, but not saved":  {outcome: failed, err: unreadable, interrupted: true, want: exitState, status: rollout.StatusError},
		"interrupted while reading":   {err: &store.UnreadableError{Err: context.Canceled}, looks: true, interrupted: true, want: exitInterrupted, status: rollout.StatusInterrupted},
		"stopped, as it was meant to": {looks: true, interrupted: true, want: exitDone, status: rollout.StatusSucceeded},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			if test.interrupted {
				stop()
			}
			inv := &invocation{flags: flags{failOnPending: test.failPending}}
			code := inv.code(ctx, &result{outcome: test.outcome, moves: !test.looks}, test.err)
			if code != test.want {
				t.Errorf("exit code %d, want %d", code, test.want)
			}
			if got := status(test.outcome, code, test.err); got != test.status {
				t.Errorf("status %s, want %s", got, test.status)
			}
		})
	}
}
