package rollout

import (
	"fmt"
	"slices"

	"sluice/stages/driver"
)

// RefusedError means that a command does not fit the state it found. Nothing
// was changed.
type RefusedError struct {
	Command string
	Rollout string
	State   string // what was found
	Reason  string
}

// Error names the command, the rollout, the state found and the rule.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("cannot %s %s: it is %s; %s", e.Command, e.Rollout, e.State, e.Reason)
}

func (e *Execution) refuse(command, reason string) error {
	return &RefusedError{Command: command, Rollout: e.Rollout.Name, State: string(e.Rollout.State), Reason: reason}
}

// refuseNewer refuses a command to a rollout that is no longer the last word on
// its target: a later one has changed the target since, or is at work there.
func (e *Execution) refuseNewer(r *Record, command string) error {
	at := r.index(e.Rollout.Name)
	for i := at + 1; i < len(r.Rollouts); i++ {
		newer := &r.Rollouts[i]
		if r.changedSince(newer, at) {
			return e.refuse(command, "a newer rollout, "+newer.Rollout.Name+", has changed the target since")
		}
		if !newer.Over() && !newer.waiting() {
			return e.refuse(command, fmt.Sprintf("a newer rollout, %s, is at work on the target: it is %s", newer.Rollout.Name, newer.Rollout.State))
		}
	}
	return nil
}

// changedSince reports whether a rollout changed what rollout at left. One that
// was rolled back did not, nor did its rollback.
func (r *Record) changedSince(newer *Execution, at int) bool {
	if newer.Spec.Command == commandRollback {
		return newer.Rollout.State == StateSucceeded && r.index(newer.Rollout.RollbackOfRollout) <= at
	}
	return newer.Touched() && len(newer.Rollout.RolledBackByRollouts) == 0
}

// index is the place of a rollout in the order of work; -1 where it is not kept.
func (r *Record) index(name string) int {
	return slices.IndexFunc(r.Rollouts, func(x Execution) bool { return x.Rollout.Name == name })
}

// waiting reports whether the rollout has not begun yet.
func (e *Execution) waiting() bool {
	switch e.Rollout.State {
	case StatePending, StatePendingApproval, StatePendingRelease:
		return len(e.Steps) == 0
	default:
		return false
	}
}

// isCommand reports whether an effect is a command to what the platform itself
// works on, not work of its own.
func isCommand(k driver.Kind) bool {
	switch k {
	case driver.Approve, driver.Reject, driver.Advance, driver.RetryJob, driver.IgnoreJob, driver.Cancel:
		return true
	default:
		return false
	}
}

// commandName is what the command to a platform's own rollout is called here.
func commandName(k driver.Kind) string {
	switch k {
	case driver.RetryJob:
		return "retry-job"
	case driver.IgnoreJob:
		return "ignore-job"
	default:
		return string(k)
	}
}
