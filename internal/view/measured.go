package view

import (
	"strconv"
	"time"

	"sluice/analysis"
	"sluice/rollout"
)

// Measure is what one check of a target's rollout measured, as the last look told.
type Measure struct {
	Check     string           `json:"check"`
	Phase     string           `json:"phase"`
	Job       string           `json:"job"`
	Verdict   analysis.Verdict `json:"verdict"`
	Value     string           `json:"value,omitzero"`
	Condition string           `json:"condition,omitzero"`
	Baseline  string           `json:"baseline,omitzero"` // of a comparison
	P         string           `json:"p,omitzero"`        // of a comparison
	Text      string           `json:"text,omitzero"`     // why it did not pass
	LookedAt  time.Time        `json:"lookedAt"`
	Looks     int              `json:"looks"`
	Failed    int              `json:"failed,omitzero"`
	Trend     []Trend          `json:"trend,omitempty"` // the newest looks that had a number, oldest first
}

// Trend is one look that had a number.
type Trend struct {
	At       time.Time `json:"at"`
	Value    float64   `json:"value"`
	Baseline *float64  `json:"baseline,omitzero"`
}

// measures are what the checks of a rollout measured, in their order.
func measures(e *rollout.Execution) []Measure {
	var list []Measure
	for i := range e.Measures {
		m := &e.Measures[i]
		last, looked := m.Last()
		if !looked {
			continue
		}
		list = append(list, Measure{
			Check: m.Name, Phase: m.Phase, Job: m.Job, Condition: m.Condition.String(),
			Verdict: last.Verdict, Value: last.Value, Baseline: last.Baseline, P: last.P, Text: last.Text,
			LookedAt: whole(last.At), Looks: m.Taken, Failed: m.Failed, Trend: trend(m.Samples),
		})
	}
	return list
}

func trend(samples []analysis.Sample) []Trend {
	var list []Trend
	for _, s := range samples {
		v, ok := finite(s.Value)
		if !ok {
			continue
		}
		t := Trend{At: whole(s.At), Value: v}
		if b, ok := finite(s.Baseline); ok {
			t.Baseline = &b
		}
		list = append(list, t)
	}
	return list
}

// finite reads a number that JSON can hold.
func finite(text string) (float64, bool) {
	v, err := strconv.ParseFloat(text, 64)
	return v, err == nil && v-v == 0
}

// Words is what was measured, in one line.
func (m Measure) Words() string {
	text := m.Check + ": " + heldAgainst(m.Value, m.Condition, m.Baseline, m.P) + string(m.Verdict) + ", look " + strconv.Itoa(m.Looks) + " at " + m.LookedAt.Format(time.RFC3339)
	return text + by("; ", m.Text)
}

// heldAgainst is a value with what it is held against, before a verdict.
func heldAgainst(value, condition, baseline, p string) string {
	switch {
	case value == "":
		return ""
	case baseline != "":
		return value + " against " + baseline + ", p = " + p + ": "
	case condition != "":
		return value + " (" + condition + "): "
	default:
		return value + ": "
	}
}

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
