// Package metrics are the scripts that the emulators of metrics answer by: what a
// series does over time, and how late it does.
package metrics

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"
)

// Value is what a series is at a time; false where there is no point.
type Value func(at time.Time) (float64, bool)

// Steady is always the same.
func Steady(v float64) Value { return func(time.Time) (float64, bool) { return v, true } }

// Missing has no points.
func Missing() Value { return func(time.Time) (float64, bool) { return 0, false } }

// Noisy is normally distributed around a mean: the same at the same time for the
// same seed, whoever asks.
func Noisy(seed uint64, mean, spread float64) Value {
	return func(at time.Time) (float64, bool) {
		h := fnv.New64a()
		h.Write([]byte(strconv.FormatInt(at.UnixNano(), 36))) //nolint:errcheck // it never fails
		return mean + spread*rand.New(rand.NewPCG(seed, h.Sum64())).NormFloat64(), true
	}
}

// From is before until a time, and after from then on.
func From(change time.Time, before, after Value) Value {
	return func(at time.Time) (float64, bool) {
		if at.Before(change) {
			return before(at)
		}
		return after(at)
	}
}

// Series is one series of an answer.
type Series struct {
	Labels map[string]string
	Value  Value
	Late   time.Duration // a point can be seen so long after its time

	Throttled bool // who asks for it is refused, as for too many requests
}

// At is the point of a time, as it can be seen now.
func (s Series) At(at, now time.Time) (float64, bool) {
	if at.Add(s.Late).After(now) {
		return 0, false
	}
	return s.Value(at)
}

// AnyThrottled reports whether asking for these series is refused.
func AnyThrottled(all []Series) bool {
	return slices.ContainsFunc(all, func(s Series) bool { return s.Throttled })
}

// Text writes a value as Prometheus does.
func Text(v float64) string {
	switch {
	case math.IsInf(v, 1):
		return "+Inf"
	default:
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
}
