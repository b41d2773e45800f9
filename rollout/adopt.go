package rollout

import (
	"slices"
	"time"
)

func (t Adopt) apply(r *Record, now time.Time) error {
	release := t.Release
	r.Release = &release
	message := release.ID
	if t.Close && t.By.Reason != "" {
		message += ": " + t.By.Reason
	}
	r.AddEvent(Event{Type: "state.imported", Time: now.UTC(), Actor: t.By.Login, Message: message})
	if t.Close {
		closeAll(r, t.By, now)
	}
	return nil
}

// closeAll ends what is not over: somebody did by hand what was left to do.
func closeAll(r *Record, by Actor, now time.Time) {
	for i := range r.Rollouts {
		e := &r.Rollouts[i]
		if e.Over() {
			continue
		}
		for j := range e.Steps {
			if step := &e.Steps[j]; step.Open() {
				step.Unsure = true
				e.underWay(r, step, now).end(StepWithdrawn, decidedByPerson)
			}
		}
		e.Left, e.Rollout.FailureReason = true, "closed by "+by.Login+" after a repair by hand"
		e.owner().abort(r, now)
		e.finish(r, StateCancelled, now)
	}
}

func (t Given) apply(r *Record, now time.Time) error {
	if _, given := r.WasGiven(t.ID); given {
		return &RefusedError{Command: t.Command, Target: r.Target, Reason: ReasonAlready}
	}
	r.AddEvent(Event{
		Type: "command.given", Time: now.UTC(), Actor: t.By.Login, Rollout: t.Rollout,
		Message: t.Command, Info: map[string]string{"command": t.ID},
	})
	return nil
}

// WasGiven finds the rollout that a command with this id was given to; "" and
// true where the rollout was none.
func (r *Record) WasGiven(id string) (rollout string, ok bool) {
	i := slices.IndexFunc(r.Events, func(e Event) bool { return e.Type == "command.given" && e.Info["command"] == id })
	if id == "" || i < 0 {
		return "", false
	}
	return r.Events[i].Rollout, true
}
