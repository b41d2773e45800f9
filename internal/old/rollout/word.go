package rollout

import (
	"slices"
	"strings"
	"time"

	"sluice/stages/driver"
)

// waitingApproval is what a platform is seen to wait for: a person's word on
// its own rollout, or on a preview.
const waitingApproval = "approval"

// Awaits is what the platform was last seen to wait for a person to do.
func (e *Execution) Awaits(r *Record) (Waiting, bool) {
	step, open := e.OpenStep()
	if !open {
		return Waiting{}, false
	}
	switch step.waiting(r.Target) {
	case "":
		return Waiting{}, false
	case waitingApproval:
		return Waiting{Kind: WaitApproval, Until: e.Deadline(), Command: command("approve", r.Target)}, true
	default:
		return Waiting{Kind: WaitPerson, Until: e.Deadline(), Command: command("advance", r.Target)}, true
	}
}

// previewed reports whether the platform waits for a word on an effect of ours.
func (e *Execution) previewed(r *Record) bool {
	step, open := e.OpenStep()
	return open && !e.Spec.Remote && step.waiting(r.Target) == waitingApproval
}

// TakesWord reports whether an approval or a rejection is the platform's to
// take: of its own rollout, or of an effect that it previews. [Execution.AskApproval]
// then sends it; else [Execution.Approve] and [Execution.Reject] count it.
func (e *Execution) TakesWord(r *Record) bool { return e.mirrored() || e.previewed(r) }

// AskApproval has the platform approve or reject its own rollout, or an effect
// that it previews. A preview's word counts from the rollout's approvers.
func (e *Execution) AskApproval(r *Record, approve bool, v Voter, now time.Time) error {
	kind := driver.Approve
	if !approve {
		kind = driver.Reject
	}
	switch {
	case e.previewed(r):
		if err := e.mayDecide(string(kind), v); err != nil {
			return err
		}
	case e.Rollout.State != StatePendingApproval || !e.mirrored():
		return e.refuse(string(kind), "only a rollout in PENDING_APPROVAL takes an approval or a rejection")
	}
	if i := slices.IndexFunc(e.Asked, func(q Request) bool { return q.Kind == driver.Approve || q.Kind == driver.Reject }); i >= 0 {
		return e.refuse(string(kind), string(e.Asked[i].Kind)+" was asked for already; `sluice reconcile` sends it")
	}
	return e.ask(r, Request{Kind: kind, Actor: v.Actor, Comment: v.Comment}, now)
}

// mayDecide says whether it is a person's to decide.
func (e *Execution) mayDecide(command string, v Voter) error {
	if v.Automated {
		return e.refuse(command, v.Actor+" is not a person; approvals count only from people")
	}
	if a := e.Spec.Approval; a != nil && len(a.Approvers) > 0 && !slices.ContainsFunc(a.Approvers, func(l string) bool { return strings.EqualFold(l, v.Actor) }) {
		return e.refuse(command, v.Actor+" is not among its approvers: "+strings.Join(a.Approvers, ", "))
	}
	return nil
}
