package analysis

import (
	"fmt"
	"time"
)

// Sample is one look at what is measured, as the state keeps it.
type Sample struct {
	At       time.Time `json:"at"`
	Verdict  Verdict   `json:"verdict"`
	Value    string    `json:"value,omitzero"`    // the worst one; of a comparison the canary's mean. See [Number]
	Baseline string    `json:"baseline,omitzero"` // of a comparison: the baseline's mean
	P        string    `json:"p,omitzero"`        // of a comparison: how probable such a difference is by chance
	Text     string    `json:"text,omitzero"`     // why it did not pass
	// Decide says that an inconclusive look is for a person to decide now: another
	// look would not tell more.
	Decide bool `json:"decide,omitzero"`
	// Early says of an inconclusive look that it was too early to tell: it is no
	// gap in looking.
	Early bool `json:"early,omitzero"`
}

// MostText is how many characters of a sample's text are kept.
const MostText = 300

// Pass is a look that passed.
func Pass(value string) Sample { return Sample{Verdict: Passed, Value: value} }

// Fail is a look that failed.
func Fail(value, format string, args ...any) Sample {
	return Sample{Verdict: Failed, Value: value, Text: clip(fmt.Sprintf(format, args...))}
}

// Missing is a look that told nothing, and that a later one may mend.
func Missing(format string, args ...any) Sample {
	return Sample{Verdict: Inconclusive, Text: clip(fmt.Sprintf(format, args...))}
}

// Unclear is a look that a person has to decide about.
func Unclear(value, format string, args ...any) Sample {
	return Sample{Verdict: Inconclusive, Value: value, Text: clip(fmt.Sprintf(format, args...)), Decide: true}
}

func clip(text string) string {
	runes := []rune(text)
	if len(runes) <= MostText {
		return text
	}
	return string(runes[:MostText-1]) + "…"
}
