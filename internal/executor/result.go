package executor

import (
	"errors"
	"fmt"

	"sluice/internal/ledger"
	"sluice/rollout"
)

// Result is what an invocation came to.
type Result struct {
	Rows       []RowResult                   // in the order of the plan; behind them the members that it had to reach
	Promotions map[string]*rollout.Promotion // by id, as last known
	// Err is what kept the invocation from doing its work, the worst first: an
	// interruption (context.Cause), state that cannot be read or written, then lost
	// races, leases and targets ([IsConflict]). Nil does not mean success: how the
	// rollouts ended stands in the records.
	Err error
}

// RowResult is what came of one target.
type RowResult struct {
	Target    string
	Record    *rollout.Record
	Unchanged bool            // there was nothing to do
	Left      error           // a [ledger.HeldError]: another run holds it, and goes on with it; nil where none does
	Waiting   rollout.Waiting // what it waits for; no kind where it does not
	// Err is why this invocation went no further with the target. An error of a
	// platform or a check is not in [Result.Err].
	Err error
}

// OrderedError means that somebody ordered to go back while this run held the
// target (exit 5): it let go.
type OrderedError struct {
	Target string
	Order  rollout.Order
}

// Error says who ordered what.
func (e *OrderedError) Error() string {
	text := fmt.Sprintf("%s: %s ordered %s while this run was at work on it; it let go, and whoever ordered goes on from here", e.Target, e.Order.By, e.Order.Command)
	if e.Order.Reason != "" {
		text += ": " + e.Order.Reason
	}
	return text
}

// IsConflict reports whether err means that another run or person was first
// (exit 5), and nothing worse.
func IsConflict(err error) bool {
	if ledger.IsUnreadable(err) {
		return false
	}
	var ordered *OrderedError
	return ledger.IsConflict(err) || errors.As(err, &ordered)
}
