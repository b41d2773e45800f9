package rollout

import (
	"fmt"
	"strings"
	"time"
)

// WaitKind says what is waited for.
type WaitKind string

// What can be waited for.
const (
	WaitApproval  WaitKind = "approval"
	WaitBake      WaitKind = "bake"
	WaitPolicy    WaitKind = "policy"
	WaitLock      WaitKind = "lock"
	WaitQueue     WaitKind = "queue"
	WaitOperation WaitKind = "operation"
	WaitPlatform  WaitKind = "platform" // it takes the effect not now
	WaitPerson    WaitKind = "person"
	WaitOperator  WaitKind = "operator"
)

// Waiting is what a target waits for, until when, for whom, and what continues it.
type Waiting struct {
	Kind    WaitKind  `json:"kind"`
	Until   time.Time `json:"until,omitzero"`
	By      string    `json:"by,omitzero"`
	Command string    `json:"command,omitzero"`
	Or      string    `json:"or,omitzero"` // the other command line, where a person chooses
}

// command is a command line that a person can use as it stands.
func command(name, target string) string { return "sluice " + name + " --target " + target }

// waitDecision waits for a person to have a target's job repeated, or passed over.
func waitDecision(target, why string) Waiting {
	return Waiting{Kind: WaitOperator, By: why, Command: command("retry-job", target), Or: command("ignore-job", target)}
}

func waitApproval(e *Execution) Waiting {
	return Waiting{
		Kind: WaitApproval, Until: e.approvalDeadline(), By: e.approversText(),
		Command: command("approve", e.Spec.Target.Name),
	}
}

// approversText says who can approve, and how many must.
func (e *Execution) approversText() string {
	a := e.Spec.Approval
	if a == nil {
		return ""
	}
	who := "anybody who may write to the repository"
	if len(a.Approvers) > 0 {
		who = strings.Join(a.Approvers, ", ")
	}
	if a.Quorum > 1 {
		who = fmt.Sprintf("%d of %s", a.Quorum, who)
	}
	return who
}

// waitForPhase says what phase i waits for; [Settle] has started it if nothing.
func (e *Execution) waitForPhase(i int) Waiting {
	if e.Spec.Wait != nil && i > 0 {
		return Waiting{Kind: WaitBake, Until: e.phaseDue(i), Command: "sluice reconcile"}
	}
	return Waiting{Kind: WaitPerson, Until: e.Deadline(), Command: command("advance", e.Spec.Target.Name)}
}

func waitUnlock(r *Record) Waiting {
	return Waiting{Kind: WaitLock, By: r.Lock.Actor, Command: command("unlock", r.Target)}
}
