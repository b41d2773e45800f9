package telemetry

import (
	"strconv"
	"time"

	"sluice/rollout"
)

// bounds are those of durations, in seconds: an effect takes seconds, a canary days.
func bounds() []float64 {
	return []float64{1, 5, 10, 30, 60, 300, 600, 1800, 3600, 7200, 14400, 43200, 86400, 259200, 604800}
}

// series are the points of metrics, each made of deeds that have the same attributes.
type series[P any] struct {
	keys   map[string]int
	points []P
}

// point is the one with these words; fresh makes it.
func (s *series[P]) point(words []string, fresh func([]attribute) P) *P {
	key := ""
	for _, w := range words {
		key += strconv.Quote(w)
	}
	if s.keys == nil {
		s.keys = map[string]int{}
	}
	i, known := s.keys[key]
	if !known {
		i = len(s.points)
		s.keys[key], s.points = i, append(s.points, fresh(attributes(words...)))
	}
	return &s.points[i]
}

// measures are the metrics of the deeds.
func (r *Recorder) measures(now time.Time) []metric {
	var runs, rollouts, effects series[histogramPoint]
	var errors series[sumPoint]
	for _, d := range r.deeds {
		switch d.Kind {
		case rollout.DeedPromotion:
			words := []string{"cicd.pipeline.name", d.Pipeline, "cicd.pipeline.run.state", "executing", "cicd.pipeline.result", string(d.Result)}
			if d.Result == rollout.ResultFailure {
				words = append(words, "error.type", errorType(d.Result, ""))
			}
			r.took(&runs, d, now, words)
		case rollout.DeedRollout:
			r.took(&rollouts, d, now, []string{
				"cicd.pipeline.name", d.Pipeline, "deployment.environment.name", d.Stage, "sluice.platform", d.Platform, "cicd.pipeline.task.run.result", string(d.Result),
			})
			r.failed(&errors, d, now)
		case rollout.DeedEffect:
			r.took(&effects, d, now, []string{
				"cicd.pipeline.name", d.Pipeline, "deployment.environment.name", d.Stage, "sluice.platform", d.Platform,
				"cicd.pipeline.task.name", nameOf(d), "cicd.pipeline.task.run.result", string(d.Result),
			})
		}
	}
	var list []metric
	for _, h := range []struct {
		name, about string
		points      []histogramPoint
	}{
		{"cicd.pipeline.run.duration", "How long promotions took.", runs.points},
		{"sluice.rollout.duration", "How long rollouts took, approvals and bakes included.", rollouts.points},
		{"sluice.effect.duration", "How long platforms took for effects.", effects.points},
	} {
		if len(h.points) > 0 {
			list = append(list, metric{Name: h.name, Description: h.about, Unit: "s", Histogram: &histogram{h.points, r.temporality()}})
		}
	}
	if len(errors.points) > 0 {
		list = append(list, metric{Name: "cicd.pipeline.run.errors", Description: "How many rollouts failed.", Unit: "{error}", Sum: &sum{errors.points, r.temporality(), true}})
	}
	return list
}

// temporality is how points of several runs are added up. Each run begins at nought.
func (r *Recorder) temporality() int {
	if r.delta {
		return temporalityDelta
	}
	return temporalityCumulative
}

// took counts how long a deed took.
func (r *Recorder) took(s *series[histogramPoint], d rollout.Deed, now time.Time, words []string) {
	if d.Began.IsZero() {
		return // nobody knows
	}
	seconds := max(0, d.Ended.Sub(d.Began).Seconds())
	p := s.point(words, func(a []attribute) histogramPoint {
		buckets := make([]string, len(bounds())+1)
		for i := range buckets {
			buckets[i] = "0"
		}
		return histogramPoint{Attributes: a, Start: nanos(r.Run.Began), Time: nanos(now), Count: "0", Min: seconds, Bounds: bounds(), Buckets: buckets}
	})
	i := 0
	for i < len(p.Bounds) && seconds > p.Bounds[i] {
		i++
	}
	p.Count, p.Buckets[i] = more(p.Count), more(p.Buckets[i])
	p.Sum, p.Min, p.Max = p.Sum+seconds, min(p.Min, seconds), max(p.Max, seconds)
}

// failed counts a rollout that failed.
func (r *Recorder) failed(s *series[sumPoint], d rollout.Deed, now time.Time) {
	if d.Result != rollout.ResultFailure && d.Result != rollout.ResultTimeout {
		return
	}
	words := []string{"cicd.pipeline.name", d.Pipeline, "error.type", errorType(d.Result, d.Cause)}
	p := s.point(words, func(a []attribute) sumPoint {
		return sumPoint{Attributes: a, Start: nanos(r.Run.Began), Time: nanos(now), AsInt: "0"}
	})
	p.AsInt = more(p.AsInt)
}

// more is a count, as text, and one.
func more(count string) string {
	n, _ := strconv.Atoi(count) // it is ours
	return strconv.Itoa(n + 1)
}
