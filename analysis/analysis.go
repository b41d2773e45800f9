// Package analysis is how a release is judged: what is measured, the condition
// that it must meet, and what one look at it says. It is pure: what was measured
// and when are arguments, and nothing here does I/O.
//
// Its types are the same in the pipeline file's model, in the records of state
// and where they are measured: none of the three says it differently.
package analysis

import (
	"strconv"
	"time"
)

// Verdict is what a look says.
type Verdict string

// The verdicts. Missing data is never Passed.
const (
	Passed       Verdict = "passed"
	Failed       Verdict = "failed"
	Inconclusive Verdict = "inconclusive"
)

// Conclusive reports whether something was seen, good or bad.
func (v Verdict) Conclusive() bool { return v == Passed || v == Failed }

// Duration is a time.Duration that is written as Go writes it: "30m0s".
type Duration time.Duration

// MarshalText writes the duration.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads a duration in Go's syntax.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	*d = Duration(v)
	return err
}

// Std is the duration as the standard library has it.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// Point is a value and when it was true.
type Point struct {
	At    time.Time
	Value float64
}

// Series is what one query answered about one thing.
type Series struct {
	Name   string // what tells it from the others; "" where there is nothing
	Points []Point
}

// Values are the values of all points of all series.
func Values(all []Series) []float64 {
	var values []float64
	for _, s := range all {
		for _, p := range s.Points {
			values = append(values, p.Value)
		}
	}
	return values
}

// Window is what a look is about.
type Window struct {
	Begin    time.Time     // of the bake; zero for a single look, without one
	From     time.Time     // of the look before it in the same bake; zero for the first
	Now      time.Time     // when it is taken
	End      time.Time     // of the bake
	Interval time.Duration // from look to look
}

// Since is the moment from which on a look at a series judges its points: the
// look before it, the bake's beginning, or for a single look span before it.
// lag is how late a source has its points.
func (w Window) Since(span, lag time.Duration) time.Time {
	switch {
	case w.Begin.IsZero():
		return w.Now.Add(-lag - span)
	case w.From.IsZero() || w.From.Add(-lag).Before(w.Begin):
		return w.Begin
	default:
		return w.From.Add(-lag)
	}
}

// looks are how many a bake has by its plan, at least one.
func (w Window) looks() int {
	if w.Begin.IsZero() || w.Interval <= 0 {
		return 1
	}
	return max(1, int((w.End.Sub(w.Begin)+w.Interval-1)/w.Interval))
}

// last reports whether no look is planned after this one.
func (w Window) last() bool { return w.Begin.IsZero() || !w.Now.Before(w.End) }

// Number writes a value as people read it, with six digits.
func Number(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }
