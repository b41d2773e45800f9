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
		for _, job := range []string{rollout.JobPredeploy, rollout.JobVerify, rollout.JobAnalysis, rollout.JobPostdeploy} {
			for _, g := range spec.Gates.Of(job) {
				lines = append(lines, job+": "+planned(job, g))
			}
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
func planned(job string, g rollout.Gate) string {
	text := gate(&g)
	if c := g.Condition(); !c.IsZero() {
		text += " " + c.String()
	}
	if job == rollout.JobAnalysis && g.Measures() {
		text += ", every " + strings.TrimSuffix(g.Pace().Over().Std().String(), "0s")
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
