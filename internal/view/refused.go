package view

import (
	"errors"
	"strings"

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
		return Sentences(one)
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
	for _, one := range reasonsOf(r.Reason) {
		lines = append(lines, named(r.Target, one.String()))
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
		for _, one := range reasonsOf(r.Reason) {
			findings = append(findings, driver.Finding{Target: r.Target, Severity: driver.Refuse, Message: one.why, Remedy: one.remedy})
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

// reason is why a record refused a command, and what can be done; "" where why says
// it, or nothing can.
type reason struct{ why, remedy string }

func (r reason) String() string {
	if r.remedy == "" {
		return r.why
	}
	return r.why + "; " + r.remedy
}

// Sentences say why a record refused a command, and what can be done: one for each
// thing that stands in the way.
func Sentences(e *rollout.RefusedError) []string {
	var lines []string
	for _, one := range reasonsOf(e) {
		lines = append(lines, one.String())
	}
	return lines
}

func reasonsOf(e *rollout.RefusedError) []reason {
	switch {
	case e == nil:
		return nil
	case e.Reason == rollout.ReasonBlocked:
		return blockedBy(e)
	default:
		return []reason{{because(e), remedy(e)}}
	}
}

// because says why.
func because(e *rollout.RefusedError) string {
	switch {
	case e.Reason != rollout.ReasonAutomation:
		return e.Error()
	case strings.HasSuffix(e.Actor, "[bot]"):
		return cannot(e) + e.Actor + " is not a person; approvals count only from people"
	default:
		return cannot(e) + "no person started this run" + by(", which runs as ", e.Actor) + "; approvals count only from people"
	}
}

func cannot(e *rollout.RefusedError) string {
	what := e.Rollout
	if what == "" {
		what = e.Target
	}
	return "cannot " + e.Command + " " + what + ": "
}

// remedy says what can be done; "" where the reason says it, or nothing can.
func remedy(e *rollout.RefusedError) string {
	switch e.Reason {
	case rollout.ReasonNewer, rollout.ReasonNewerAtWork:
		return "`sluice status --target " + e.Target + "` shows it"
	case rollout.ReasonUnderWay:
		return "`sluice reconcile` follows it; then again"
	case rollout.ReasonUnsure, rollout.ReasonNotRunning, rollout.ReasonUnsupported:
		return "`sluice status --target " + e.Target + "` says how it stands"
	case rollout.ReasonJobs:
		return "say --phase and --job"
	case rollout.ReasonAnalysis:
		return "`sluice advance --target " + e.Target + " --reason '…'` goes past it"
	case rollout.ReasonNoReason:
		return "say --reason '…'"
	case rollout.ReasonTooLate:
		return "start a new run"
	default:
		return ""
	}
}
