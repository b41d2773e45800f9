package view

import (
	"slices"
	"strings"
	"time"

	"sluice/rollout"
)

// Waits says in words what is waited for, until when, and what continues it. What
// comes from outside in it is as it came: untrusted.
func (w Waiting) Waits() string {
	text := w.Words()
	if commands := w.Continues(); len(commands) > 0 {
		text += "; continue with `" + strings.Join(commands, "` or `") + "`"
	}
	return text
}

// NotDone is what the run is annotated with for a target that is pending, so that
// nobody takes it for done; "" for any other.
func (t Target) NotDone() string {
	if t.WaitingFor == nil {
		return ""
	}
	return "NOT DONE: " + t.Stage + "/" + t.Target + " " + t.WaitingFor.Waits()
}

// Words says what is waited for, and until when.
func (w Waiting) Words() string {
	text := w.what()
	if !w.Until.IsZero() && w.Kind != WaitDue && w.Kind != rollout.WaitOperation {
		text += w.until() + w.Until.UTC().Format(time.RFC3339)
	}
	if len(w.Override) > 0 {
		text += "; " + strings.Join(w.Override, ", ") + " may pass it with --override " + w.Block + " --reason"
	}
	return text
}

// until is the word before a time.
func (w Waiting) until() string {
	switch w.Kind {
	case rollout.WaitPlatform:
		return "; again at "
	case rollout.WaitOrder, WaitRun, rollout.WaitOperator:
		return ", at most until "
	default:
		return " until "
	}
}

// Continues lists the command lines that end the wait, or are the way on after
// it.
func (w Waiting) Continues() []string {
	return slices.DeleteFunc([]string{w.Command, w.Or}, func(c string) bool { return c == "" })
}

// Person reports whether it is a person who is waited for.
func (w Waiting) Person() bool {
	return w.Kind == rollout.WaitApproval || w.Kind == rollout.WaitPerson || w.Kind == rollout.WaitOperator
}

func (w Waiting) what() string {
	switch w.Kind {
	case WaitDue:
		return "is due"
	case WaitRun:
		return "is at work elsewhere" + by(": ", w.By)
	case rollout.WaitApproval:
		if w.platforms {
			return "waits for approval on the platform itself" + by(" by ", w.By)
		}
		return "waits for approval" + by(" by ", w.By)
	case rollout.WaitBake:
		return "bakes"
	case rollout.WaitSoak:
		return "stands on the stage before"
	case rollout.WaitPolicy:
		return "is held back by policy" + by(" ", w.By)
	case rollout.WaitLock:
		return w.stopped() + by(": ", w.Reason)
	case rollout.WaitQueue:
		return "is queued" + by(" behind ", w.By)
	case rollout.WaitOperation:
		return "waits for the platform's operation" + by(" ", w.By)
	case rollout.WaitPlatform:
		return w.platform() + by(": ", w.By)
	case rollout.WaitPerson:
		if w.Cause == rollout.CauseResume {
			return "was held by policy" + by(" ", w.By) + " and waits for a person to take it up"
		}
		return "waits for a person to advance it"
	case rollout.WaitOperator:
		return "waits for a person's decision" + by(": ", w.By)
	default:
		return w.whatOthers()
	}
}

// whatOthers is waited for from other targets, runs and people.
func (w Waiting) whatOthers() string {
	switch w.Kind {
	case rollout.WaitWave:
		if !w.Until.IsZero() {
			return "waits for the pause after wave " + number(w.Wave)
		}
		return "waits for wave " + number(w.Wave)
	case rollout.WaitOrder:
		return "is to go back" + by(": ", strings.TrimSpace(w.By+" ordered "+w.Order)) + by(": ", w.Reason)
	case rollout.WaitTargets:
		return "waits for the other targets, before a check of the whole stage"
	case rollout.WaitCheck:
		return "waits for a check of the whole stage"
	default:
		return "waits for " + string(w.Kind)
	}
}

// stopped says what kind of block is in the way.
func (w Waiting) stopped() string {
	switch w.blockKind {
	case rollout.BlockAbandon:
		return "is stopped: its release was abandoned" + by(" by ", w.By)
	case rollout.BlockWentBack:
		return "is blocked by " + w.Block + by(": went back by ", w.By)
	case rollout.BlockRestored:
		return "is blocked by " + w.Block + " for automation"
	default:
		return "is locked" + by(" by ", w.By)
	}
}

func (w Waiting) platform() string {
	if w.Cause == rollout.CauseBusy {
		return "waits until nobody else changes the target"
	}
	return "waits for the platform"
}

// by joins a word and a name; "" where there is no name.
func by(how, whom string) string {
	if whom == "" {
		return ""
	}
	return how + whom
}

// Stands says in words what a block is, for a list of what stops a target.
func (b Block) Stands() string {
	text := b.what()
	if b.BothWays {
		text += ", both ways"
	}
	if b.Whom == rollout.Automation {
		text += ", for automation"
	}
	if b.Kind == rollout.BlockRestored {
		text += ": " + orElse(b.By, itself) + " put traffic back"
	}
	if !b.At.IsZero() && b.Kind != rollout.BlockPolicy {
		text += b.began() + b.At.UTC().Format(time.RFC3339)
	}
	if !b.Until.IsZero() {
		text += " until " + b.Until.UTC().Format(time.RFC3339)
	}
	return text + by(": ", b.Reason) + by("; the promotion was begun by ", b.Began)
}

// began is the word before the time of a block: going back is done at once.
func (b Block) began() string {
	if b.Kind == rollout.BlockWentBack || b.Kind == rollout.BlockRestored {
		return " at "
	}
	return " since "
}

func (b Block) what() string {
	switch b.Kind {
	case rollout.BlockLock:
		return "is locked" + by(" by ", b.By)
	case rollout.BlockAbandon:
		return "gets release " + b.Release + " no more: abandoned" + by(" by ", b.By)
	case rollout.BlockPolicy:
		return "is held back by policy " + b.ID
	case rollout.BlockRestored:
		return "is blocked by " + b.ID
	default:
		return "is blocked by " + b.ID + ": " + orElse(b.By, "somebody") + " went back" + by(" from release ", b.Release)
	}
}

// Ends is the command line that ends the block on a target; "" for a policy's
// window, which time ends.
func (b Block) Ends(target string) string {
	if b.Kind == rollout.BlockPolicy {
		return ""
	}
	return ending(rollout.Block{ID: b.ID, Kind: b.Kind, Scope: b.Scope}, target).String()
}
