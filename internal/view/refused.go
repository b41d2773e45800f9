package view

import (
	"errors"
	"slices"
	"strings"
	"time"

	"sluice/internal/planner"
	"sluice/rollout"
	"sluice/stages/driver"
)

// Explain is an error in words for people: several refusals are a list.
func Explain(err error) string {
	lines := Reasons(err)
	if len(lines) < 2 {
		return strings.Join(lines, "\n")
	}
	return "refused, and nothing was done:\n  " + strings.Join(lines, "\n  ")
}

// Reasons are an error in words, a line for each refusal; the error's own text
// where it is none.
func Reasons(err error) []string {
	if all, ok := errors.AsType[*planner.RefusedError](err); ok {
		return reasons(all.Refusals)
	}
	if one, ok := errors.AsType[*rollout.RefusedError](err); ok {
		return []string{Sentence(one)}
	}
	return []string{err.Error()}
}

// reasons are refusals in words: what several targets have in common once.
func reasons(refusals []planner.Refusal) []string {
	var all []About
	for _, r := range refusals {
		for _, line := range Refusal(r) {
			target := r.Target
			if name, _, ok := strings.Cut(line, ": "); ok && target == "" && !strings.Contains(name, " ") {
				target = name
			}
			all = append(all, About{Target: target, Text: strings.TrimPrefix(line, target+": ")})
		}
	}
	var lines []string
	for _, one := range Together(all) {
		lines = append(lines, named(one.Target, one.Text))
	}
	return lines
}

// Refusal is why a command cannot be carried out on a target, a line each.
func Refusal(r planner.Refusal) []string {
	var lines []string
	if r.Reason != nil {
		lines = append(lines, named(r.Target, Sentence(r.Reason)))
	}
	for _, f := range r.Findings {
		target := f.Target
		if target == "" {
			target = r.Target
		}
		lines = append(lines, named(target, planner.Text(f)))
	}
	return lines
}

// refusalFindings are refusals as findings, as the document of `plan` has them.
func refusalFindings(refusals []planner.Refusal) []driver.Finding {
	var findings []driver.Finding
	for _, r := range refusals {
		if r.Reason != nil {
			findings = append(findings, driver.Finding{Target: r.Target, Severity: driver.Refuse, Message: because(r.Reason), Remedy: remedy(r.Reason)})
		}
		for _, f := range r.Findings {
			if f.Target == "" {
				f.Target = r.Target
			}
			findings = append(findings, f)
		}
	}
	return findings
}

// named begins a line with the target that it is about.
func named(target, text string) string {
	if target == "" || strings.HasPrefix(text, target+": ") {
		return text
	}
	return target + ": " + text
}

// Sentence says why a record refused a command, and what can be done.
func Sentence(e *rollout.RefusedError) string {
	if how := remedy(e); how != "" {
		return because(e) + "; " + how
	}
	return because(e)
}

// because says why.
func because(e *rollout.RefusedError) string {
	switch e.Reason {
	case rollout.ReasonBlocked:
		return cannot(e) + inTheWay(e)
	case rollout.ReasonAutomation:
		if strings.HasSuffix(e.Actor, "[bot]") {
			return cannot(e) + e.Actor + " is not a person; approvals count only from people"
		}
		return cannot(e) + "no person started this run" + by(", which runs as ", e.Actor) + "; approvals count only from people"
	default:
		return e.Error()
	}
}

func cannot(e *rollout.RefusedError) string {
	what := e.Rollout
	if what == "" {
		what = e.Target
	}
	return "cannot " + e.Command + " " + what + ": "
}

// inTheWay says which block stops a command, since and until when.
func inTheWay(e *rollout.RefusedError) string {
	if e.Block == nil {
		return "it is blocked"
	}
	b := *e.Block
	text := inTheWayOf(b, e.Release)
	if !b.Until.IsZero() {
		text += " until " + b.Until.UTC().Format(time.RFC3339)
	}
	return text + by(": ", b.Reason)
}

func inTheWayOf(b rollout.Block, release string) string {
	switch b.Kind {
	case rollout.BlockLock:
		text := "it is locked" + by(" by ", b.By)
		if !b.At.IsZero() {
			text += " since " + b.At.UTC().Format(time.RFC3339)
		}
		if b.BothWays {
			text += ", both ways"
		}
		return text
	case rollout.BlockAbandon:
		return "release " + release + " was abandoned" + by(" by ", b.By)
	case rollout.BlockPolicy:
		return "policy " + b.ID + " does not allow it"
	case rollout.BlockRestored:
		return "traffic was put back from release " + b.From + ", and automation waits for a person"
	case rollout.BlockWentBack:
		text := by("", b.By) + " went back from release " + b.From
		if b.Whom == rollout.Automation {
			text += ", and automation waits for a person"
		}
		return text
	default:
		return "block " + b.ID + " is in the way"
	}
}

// remedy says what can be done; "" where the reason says it, or nothing can.
func remedy(e *rollout.RefusedError) string {
	switch e.Reason {
	case rollout.ReasonBlocked:
		return passing(e)
	case rollout.ReasonNewer, rollout.ReasonNewerAtWork:
		return "`sluice status --target " + e.Target + "` shows it"
	case rollout.ReasonUnderWay:
		return "`sluice reconcile` follows it; then again"
	case rollout.ReasonJobs:
		return "say --phase and --job"
	case rollout.ReasonNoReason:
		return "say --reason '…'"
	case rollout.ReasonTooLate:
		return "start a new run"
	default:
		return ""
	}
}

// passing says how a block is ended, and who may pass it.
func passing(e *rollout.RefusedError) string {
	if e.Block == nil {
		return ""
	}
	b := *e.Block
	switch {
	case b.Kind == rollout.BlockPolicy && len(b.Override) == 0:
		return "nobody may override it"
	case b.Kind == rollout.BlockPolicy:
		return strings.Join(slices.Clone(b.Override), ", ") + " may pass it with --override " + b.ID + " --reason '…'"
	default:
		return "`" + ending(b, e.Target).String() + "` ends it, --override " + b.ID + " --reason '…' passes it once"
	}
}
