package rollout

// refuseNewer refuses a command to a rollout that is no longer the last word on
// its target: a later one has changed the target since, or is at work there.
func refuseNewer(e *Execution, r *Record, command string) error {
	at := r.index(e.Rollout.Name)
	for i := at + 1; i < len(r.Rollouts); i++ {
		newer := &r.Rollouts[i]
		if changedSince(r, newer, at) {
			return e.refuse(command, ReasonNewer).because(newer.Rollout.Name)
		}
		if !newer.Over() && (!newer.Waits() || newer.Spec.goesBack()) {
			err := e.refuse(command, ReasonNewerAtWork).because(newer.Rollout.Name)
			err.Found = string(newer.Rollout.State)
			return err
		}
	}
	return nil
}

// changedSince reports whether a rollout changed what rollout at left. One that
// was rolled back did not, nor did its rollback.
func changedSince(r *Record, newer *Execution, at int) bool {
	if newer.Spec.Command == CommandRollback {
		return newer.Rollout.State == StateSucceeded && r.index(newer.Rollout.RollbackOfRollout) <= at
	}
	return newer.Touched() && len(newer.Rollout.RolledBackByRollouts) == 0
}
