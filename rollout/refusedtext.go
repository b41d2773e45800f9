package rollout

import (
	"fmt"
	"strings"
	"time"
)

// Error names the command, the rollout or target, the state found and the rule.
func (e *RefusedError) Error() string {
	if e.Rollout == "" || e.State == "" {
		name := e.Target
		if e.Rollout != "" {
			name = e.Rollout + " on " + e.Target
		}
		return fmt.Sprintf("cannot %s %s: %s", e.Command, name, e.rule())
	}
	return fmt.Sprintf("cannot %s %s: it is %s; %s", e.Command, e.Rollout, e.State, e.rule())
}

// rule says in words why.
func (e *RefusedError) rule() string {
	if text, ok := e.about()[e.Reason]; ok {
		return text
	}
	return string(e.Reason)
}

// about are the rules by reason, with this refusal's arguments.
func (e *RefusedError) about() map[Reason]string {
	return map[Reason]string{
		ReasonNoRollout:    "the state has no such rollout",
		ReasonState:        e.stateRule(),
		ReasonStarted:      "its deploy job has started",
		ReasonNewer:        "a newer rollout, " + e.Other + ", has changed the target since",
		ReasonNewerAtWork:  "a newer rollout, " + e.Other + ", is at work on the target: it is " + e.Found,
		ReasonUnderWay:     "an effect is under way",
		ReasonNoBaseline:   "nothing ran on the target before it",
		ReasonBlocked:      e.blockRule(),
		ReasonNoGoal:       "release " + e.Release + " never ran here and was good, as far as the state knows; promote it instead",
		ReasonNothing:      "no rollout of ours has changed it since its last rollback",
		ReasonThere:        "the target is back already",
		ReasonGoingBack:    e.Other + " is going back already",
		ReasonAlready:      "that was done, or asked for, already",
		ReasonPhase:        fmt.Sprintf("it has no phase %q; its phases are %s", e.Phase, strings.Join(e.Names, ", ")),
		ReasonPhaseState:   fmt.Sprintf("phase %s is %s; only a phase that is PENDING can be started", e.Phase, e.Found),
		ReasonPhaseOrder:   fmt.Sprintf("phase %s waits for phase %s, which is %s", e.Phase, e.Other, e.Found),
		ReasonFirstPhase:   "its first phase starts by itself",
		ReasonAnalysis:     "the analysis of " + e.Other + " goes on until " + e.Until.UTC().Format(time.RFC3339) + "; a person who says why may go past it",
		ReasonNoPhase:      "no phase is left",
		ReasonNoJob:        e.jobRule(),
		ReasonNotRunning:   e.notRunningRule(),
		ReasonUnsure:       "whether its effect took place is not known, and that is found out or decided first",
		ReasonJobs:         "several jobs qualify: " + strings.Join(e.Names, ", ") + "; name one by phase and job",
		ReasonCancelling:   "cancel puts traffic back all the same, ignore-job accepts what stands",
		ReasonNotThere:     "the platform has not got it yet",
		ReasonExpired:      "its approval ran out at " + e.Until.UTC().Format(time.RFC3339) + "; it can be asked for again",
		ReasonAutomation:   e.Actor + " is not a person; approvals count only from people",
		ReasonNotApprover:  e.Actor + " is not among its approvers: " + strings.Join(e.Names, ", "),
		ReasonSelf:         e.Actor + " started the promotion and cannot alone approve it; somebody else must, or set `approval.self: true`",
		ReasonVoted:        fmt.Sprintf("%s has approved already; %d of %d approvals are there", e.Actor, e.Have, e.Need),
		ReasonNoReview:     "only reviews of environment " + e.Other + " on GitHub approve it, and this run has none; run `sluice approve` in a job with `environment: " + e.Other + "`",
		ReasonNoBlock:      "there is no block " + e.Other,
		ReasonNoOrder:      "there is no order " + e.Other,
		ReasonNotMember:    "the target is none of the promotion's",
		ReasonLeased:       "run " + e.Other + " holds it",
		ReasonTooLate:      "its time was over at " + e.Until.UTC().Format(time.RFC3339),
		ReasonNoReason:     "say why with a reason",
		ReasonUndecodable:  e.Message,
		ReasonNotFailed:    "only what is FAILED is taken up again",
		ReasonUnsupported:  "its platform offers no such thing for its rollouts",
		ReasonUnknownOrder: "there is no such order",
	}
}

// stateRule says in which states the command is taken.
func (e *RefusedError) stateRule() string {
	switch e.Command {
	case string(ToApprove), string(ToReject):
		return "only a rollout in PENDING_APPROVAL takes an approval or a rejection"
	case string(ToRetryJob), string(ToIgnoreJob):
		return "only a failed job of a rollout that is FAILED or IN_PROGRESS can be retried or ignored"
	case string(ToTerminate):
		return "only a job that is IN_PROGRESS can be terminated"
	case string(ToCancel):
		return "only a rollout that is not over can be cancelled"
	}
	needs := make([]string, len(e.Needs))
	for i, s := range e.Needs {
		needs[i] = string(s)
	}
	return "that needs a rollout that is " + strings.Join(needs, " or ")
}

func (e *RefusedError) jobRule() string {
	text := "no job"
	if e.Phase != "" || e.Job != "" {
		text += " " + strings.Trim(e.Phase+"/"+e.Job, "/")
	}
	text += " is FAILED or asks for a decision"
	if len(e.Names) > 0 {
		text += "; " + e.Names[0] + " asks"
	}
	return text
}

func (e *RefusedError) notRunningRule() string {
	if e.Phase == "" && e.Job == "" {
		return "none of its jobs is at work: only a job that is IN_PROGRESS can be terminated"
	}
	return "job " + strings.Trim(e.Phase+"/"+e.Job, "/") + " is not at work: only a job that is IN_PROGRESS can be terminated"
}

func (e *RefusedError) blockRule() string {
	if len(e.Blocks) == 0 {
		return "it is blocked"
	}
	rules := make([]string, len(e.Blocks))
	for i, b := range e.Blocks {
		rules[i] = b.rule()
	}
	return strings.Join(rules, "; ")
}

// rule says in words what stands in the way.
func (b Block) rule() string {
	text := fmt.Sprintf("block %s (%s", b.ID, b.Kind)
	if b.By != "" {
		text += " by " + b.By
	}
	if b.Reason != "" {
		text += ": " + b.Reason
	}
	text += ")"
	if b.Release != "" {
		text += " of release " + b.Release
	}
	if b.Whom == Automation {
		text += " stops automation"
	}
	if !b.Until.IsZero() {
		text += " until " + b.Until.UTC().Format(time.RFC3339)
	}
	return text + " is in the way"
}
