package view

import (
	"strings"
	"time"

	"sluice/rollout"
)

// plannedChecks are what would be checked in a rollout that a plan makes, job by job,
// and with which permissions.
func plannedChecks(do []rollout.Transition) []string {
	var lines []string
	for _, one := range do {
		spec, ok := created(one)
		if !ok {
			continue
		}
		for _, c := range spec.PlannedChecks() {
			lines = append(lines, c.Job+": "+planned(c))
		}
		if !spec.SoakUntil.IsZero() {
			lines = append(lines, "soak: not before "+spec.SoakUntil.UTC().Format(time.RFC3339))
		}
	}
	return lines
}

// created is the plan of the rollout that a transition makes.
func created(t rollout.Transition) (rollout.Spec, bool) {
	switch t := t.(type) {
	case rollout.Create:
		return t.Spec, true
	case rollout.Replace:
		return t.Spec, true
	default:
		return rollout.Spec{}, false
	}
}

// planned is one check in a line.
func planned(c rollout.PlannedCheck) string {
	g, text := c.Gate, gate(&c.Gate)
	if c := g.Condition(); !c.IsZero() {
		text += " " + c.String()
	}
	if c.Job == rollout.JobAnalysis && g.Measures() {
		text += ", every " + strings.TrimSuffix(g.Pace().Over().Std().String(), "0s")
	}
	if len(c.Phases) > 0 {
		text += ", in " + strings.Join(c.Phases, ", ")
	}
	if g.StageScope {
		text += ", once for the stage"
	}
	if g.DryRun {
		text += ", dry run: enforces nothing"
	}
	if needs := g.Permissions(); len(needs) > 0 {
		text += "; needs " + strings.Join(needs, ", ")
	}
	return text
}
