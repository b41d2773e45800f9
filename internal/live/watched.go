package live

import (
	"strconv"

	"sluice/internal/view"
	"sluice/rollout"
)

// Watched are the rows of what stands.
func Watched(targets []view.TargetStatus) []Row {
	rows := make([]Row, len(targets))
	for i, t := range targets {
		rows[i] = watched(t)
	}
	return rows
}

func watched(t view.TargetStatus) Row {
	r := Row{Stage: t.Stage, Target: t.Target.Target, Release: t.RunsName, Stand: Done, Text: words(t)}
	if r.Release == "" {
		r.Release = t.Runs
	}
	for _, s := range t.Shares {
		percent, err := strconv.ParseFloat(s.Percent, 64)
		if len(t.Shares) > 1 && err == nil && (s.Ours || s.Release == t.Moving) {
			r.Percent, r.Split = percent, true
		}
	}
	switch {
	case t.Problem != "" || t.Status == rollout.PromotionFailed:
		r.Stand = Failed
	case t.WaitingFor != nil:
		r.Stand, r.Until = Waiting, t.WaitingFor.Until
	case t.Status == rollout.PromotionPending:
		r.Stand = Working
	}
	return r
}

// words say what is at work on a target, or what is waited for.
func words(t view.TargetStatus) string {
	switch {
	case t.Problem != "":
		return t.Problem
	case t.WaitingFor != nil:
		return joined(t.Phase, t.WaitingFor.Waits())
	case t.ErrorMessage != "":
		return t.ErrorMessage
	default:
		return joined(t.Phase, string(t.State))
	}
}

func joined(phase, text string) string {
	if phase == "" || text == "" {
		return phase + text
	}
	return phase + ": " + text
}
