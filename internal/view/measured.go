package view

import (
	"sluice/analysis"
	"sluice/rollout"
)

// looked says what a look at a check measured.
func looked(g *rollout.Gate, s analysis.Sample) string {
	text := gate(g) + ": " + string(s.Verdict)
	if s.Value != "" && s.Text == "" {
		text += ", " + s.Value
	}
	if s.Baseline != "" && s.Text == "" {
		text += " against " + s.Baseline + " (p = " + s.P + ")"
	}
	return text + by(": ", s.Text)
}
