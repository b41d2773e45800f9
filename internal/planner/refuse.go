package planner

import (
	"errors"
	"strings"

	"sluice/rollout"
	"sluice/stages/driver"
)

// RefusedError means that nothing was done: what the person wants does not fit
// what was found (exit 4).
type RefusedError struct{ Refusals []Refusal }

// Error lists why, a line each.
func (e *RefusedError) Error() string {
	var lines []string
	for _, r := range e.Refusals {
		lines = append(lines, r.lines()...)
	}
	return strings.Join(lines, "\n")
}

// lines are the refusal in words.
func (r Refusal) lines() []string {
	var lines []string
	if r.Reason != nil {
		lines = append(lines, at(r.Target, r.Reason.Error()))
	}
	for _, f := range r.Findings {
		target := f.Target
		if target == "" {
			target = r.Target
		}
		lines = append(lines, at(target, Text(f)))
	}
	return lines
}

func at(target, text string) string {
	if target == "" || strings.HasPrefix(text, target+": ") {
		return text
	}
	return target + ": " + text
}

// Refused reports whether the plan cannot be carried out.
func (plan Plan) Refused() bool { return len(plan.Refusals) > 0 }

// Err is the plan's refusals as an error; nil where there are none.
func (plan Plan) Err() error {
	if !plan.Refused() {
		return nil
	}
	return &RefusedError{Refusals: plan.Refusals}
}

// refuse makes a refusal of one finding.
func refuse(target, message, remedy string) Refusal {
	return Refusal{Target: target, Findings: []driver.Finding{{
		Target: target, Severity: driver.Refuse, Message: message, Remedy: remedy,
	}}}
}

// refusalOf makes a refusal of an error: a transition's reason where it has one.
func refusalOf(target string, err error) Refusal {
	var refused *rollout.RefusedError
	if errors.As(err, &refused) {
		return Refusal{Target: target, Reason: refused}
	}
	return refuse(target, err.Error(), "")
}

// Refuse is an error that refuses a whole command.
func Refuse(message, remedy string) error {
	return &RefusedError{Refusals: []Refusal{refuse("", message, remedy)}}
}

// RefuseOne is the refusal of one target.
func RefuseOne(target, message, remedy string) Refusal { return refuse(target, message, remedy) }

// Text is a finding in one line: what was found, and what can be done.
func Text(f driver.Finding) string {
	if f.Remedy == "" {
		return f.Message
	}
	return f.Message + "; " + f.Remedy
}
