package analysis

import (
	"errors"
	"fmt"
	"math"

	"github.com/aclements/go-moremath/stats"
)

// What of the chance of a wrong alarm a bake with several looks may use up before
// its last one. Testing again and again at the full level would find a
// difference between equals far more often than confidence says; so the looks
// before the last share a tenth, and the last has the rest.
const earlyShare = 0.1

// level is how improbable a difference must be to fail this look.
func (c *Compare) level(w Window) float64 {
	alpha, looks := 1-c.Confidence, w.looks()
	switch {
	case looks == 1:
		return alpha
	case w.last():
		return alpha * (1 - earlyShare)
	default:
		return alpha * earlyShare / float64(looks-1)
	}
}

// Judge compares the canary's values with the baseline's by the Mann–Whitney U
// test. It needs no distribution: latencies and error rates have none that is
// known. Before the bake's last look a difference that is not clear is none yet.
func (c *Compare) Judge(canary, baseline []Series, w Window) Sample {
	x, y := Values(canary), Values(baseline)
	if bad := usable(x, "canary"); bad != "" {
		return Missing("%s", bad)
	}
	if bad := usable(y, "baseline"); bad != "" {
		return Missing("%s", bad)
	}
	if len(x) < c.MinSamples || len(y) < c.MinSamples {
		return c.tooFew(len(x), len(y), w)
	}
	return c.test(x, y, c.level(w))
}

// tooFew is a look with too few values. While the bake goes on more may come.
func (c *Compare) tooFew(canary, baseline int, w Window) Sample {
	text := fmt.Sprintf("too few values: %d of the canary, %d of the baseline, and each needs %d", canary, baseline, c.MinSamples)
	if w.last() && !w.Begin.IsZero() {
		return Unclear("", "%s", text)
	}
	s := Missing("%s", text)
	s.Early = !w.last()
	return s
}

// usable says what is wrong with values; "" where nothing is.
func usable(values []float64, of string) string {
	for _, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Sprintf("a value of the %s is %s, which is no value", of, Number(v))
		}
	}
	if len(values) == 0 {
		return fmt.Sprintf("there are no values of the %s", of)
	}
	return ""
}

func (c *Compare) test(x, y []float64, level float64) Sample {
	p, err := uTest(x, y, c.alternative())
	if err != nil {
		return Missing("the values cannot be compared: %v", err)
	}
	canary, baseline := mean(x), mean(y)
	s := Sample{Verdict: Passed, Value: Number(canary), Baseline: Number(baseline), P: Number(p)}
	if p >= level || !c.matters(canary, baseline) {
		return s
	}
	s.Verdict = Failed
	s.Text = clip(fmt.Sprintf("the canary's mean is %s and the baseline's %s; by chance such a difference has the probability %s, below %s (Mann–Whitney U, %d and %d values)",
		s.Value, s.Baseline, s.P, Number(level), len(x), len(y)))
	return s
}

// uTest is the test's p-value. Values that are all equal differ with no
// probability at all.
func uTest(x, y []float64, alternative stats.LocationHypothesis) (float64, error) {
	result, err := stats.MannWhitneyUTest(x, y, alternative)
	switch {
	case errors.Is(err, stats.ErrSamplesEqual):
		return 1, nil
	case err != nil:
		return 0, err
	default:
		return min(result.P, 1), nil
	}
}

func (c *Compare) alternative() stats.LocationHypothesis {
	switch c.Direction {
	case Increase:
		return stats.LocationGreater
	case Decrease:
		return stats.LocationLess
	default:
		return stats.LocationDiffers
	}
}

// matters reports whether the means differ by as much as effect asks for, in the
// direction that is bad.
func (c *Compare) matters(canary, baseline float64) bool {
	difference := canary - baseline
	switch c.Direction {
	case Decrease:
		difference = -difference
	case Either:
		difference = math.Abs(difference)
	}
	return c.Effect == 0 || difference > 0 && difference >= c.Effect*math.Abs(baseline)
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// Fewest is how many values of each the test needs to be able to fail a look at
// a confidence: with fewer even values that do not overlap differ by chance more
// often. It is asked at the level of a bake's last look.
func Fewest(confidence float64, direction string) int {
	level := (1 - confidence) * (1 - earlyShare)
	if direction == Either {
		level /= 2
	}
	for n, ways := 1, 1.0; ; n++ {
		ways *= float64(2*n) * float64(2*n-1) / float64(n*n) // 2n over n
		if 1/ways < level {
			return n
		}
	}
}
