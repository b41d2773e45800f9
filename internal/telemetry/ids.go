package telemetry

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"sluice/rollout"
)

// Ids follow from names: every run that has part in a promotion tells of the same trace,
// and of the same parents, although none knows of the others.

// traceID is a promotion's.
func traceID(pipeline, promotion string) string { return hashed(16, "trace", pipeline, promotion) }

// rootID is the span of the promotion itself.
func rootID(trace string) string { return hashed(8, "promotion", trace) }

func rolloutID(trace string, d rollout.Deed) string {
	return hashed(8, "rollout", trace, d.Target, d.Rollout, stamp(d.Made))
}

// phaseID is a phase's, which may run more than once.
func phaseID(trace string, d rollout.Deed) string {
	return hashed(8, "phase", trace, d.Target, d.Rollout, d.Phase, stamp(d.PhaseBegan))
}

func jobID(trace string, d rollout.Deed) string { return hashed(8, "job", trace, d.Target, d.Run) }

// spanID is a deed's, and parent that of what it is part of, as far as that is known.
func spanID(trace string, d rollout.Deed) (id, parent string) {
	within := rolloutID(trace, d)
	if !d.PhaseBegan.IsZero() {
		within = phaseID(trace, d)
	}
	if d.Run != "" && d.Kind != rollout.DeedJob {
		within = jobID(trace, d)
	}
	switch d.Kind {
	case rollout.DeedPromotion:
		return rootID(trace), ""
	case rollout.DeedRollout:
		return rolloutID(trace, d), rootID(trace)
	case rollout.DeedPhase:
		return phaseID(trace, d), rolloutID(trace, d)
	case rollout.DeedJob:
		return jobID(trace, d), within
	case rollout.DeedEffect:
		return hashed(8, "effect", trace, d.Target, d.Key), within
	default:
		return hashed(8, "check", trace, d.Target, d.Run, d.Phase, d.Check, stamp(d.Began)), within
	}
}

// hashed is so many bytes, in hex, that follow from words.
func hashed(bytes int, words ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(words, "\x00")))
	return hex.EncodeToString(sum[:bytes])
}

func stamp(t time.Time) string { return strconv.FormatInt(t.UnixNano(), 10) }

// spanContext is a span of somebody else's.
type spanContext struct{ trace, span string }

// parentOf reads a traceparent as W3C Trace Context has it; nil where it is none.
func parentOf(text string) *spanContext {
	parts := strings.Split(text, "-")
	if len(parts) < 4 || parts[0] == "ff" || parts[0] == "00" && len(parts) != 4 {
		return nil
	}
	for i, length := range []int{2, 32, 16, 2} {
		if len(parts[i]) != length || strings.Trim(parts[i], "0123456789abcdef") != "" {
			return nil
		}
	}
	if strings.Trim(parts[1], "0") == "" || strings.Trim(parts[2], "0") == "" {
		return nil
	}
	return &spanContext{parts[1], parts[2]}
}
