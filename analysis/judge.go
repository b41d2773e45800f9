package analysis

import "math"

// Judge judges a single value.
func (l Limits) Judge(v float64) Sample {
	switch value := Number(v); {
	case math.IsNaN(v):
		return Missing("the value is NaN, which is no value")
	case l.Inconclusive.Contains(v):
		return Unclear(value, "%s is in the inconclusive range %s", value, l.Inconclusive)
	case !l.Condition.Holds(v):
		return Fail(value, "%s is not %s", value, l.Condition)
	case math.IsInf(v, 0):
		return Missing("the value is %s, which is no value", value)
	default:
		return Pass(value)
	}
}

// JudgeAll judges what a query answered: the condition holds for every point of
// every series, and one that fails outweighs what is missing.
func (l Limits) JudgeAll(all []Series) Sample {
	if len(all) == 0 {
		return Missing("the answer has no series: there is no data")
	}
	worst, worstOf, found := Sample{}, 0.0, false
	for _, s := range all {
		if len(s.Points) == 0 {
			worst, worstOf, found = l.worse(worst, worstOf, found, Missing("the series%s has no points: there is no data", about(s)), math.NaN())
		}
		for _, p := range s.Points {
			judged := l.Judge(p.Value)
			if judged.Text != "" {
				judged.Text = clip(judged.Text + of(s))
			}
			worst, worstOf, found = l.worse(worst, worstOf, found, judged, p.Value)
		}
	}
	return worst
}

// worse keeps the worse of two judgements and its value.
func (l Limits) worse(have Sample, haveOf float64, found bool, next Sample, nextOf float64) (Sample, float64, bool) {
	a, b := rank(have), rank(next)
	if !found || b > a || b == a && l.Condition.worse(nextOf, haveOf) {
		return next, nextOf, true
	}
	return have, haveOf, true
}

// rank orders judgements by how much they weigh.
func rank(s Sample) int {
	switch {
	case s.Verdict == Failed:
		return 3
	case s.Verdict == Inconclusive && !s.Decide:
		return 2
	case s.Verdict == Inconclusive:
		return 1
	default:
		return 0
	}
}

func about(s Series) string {
	if s.Name == "" {
		return ""
	}
	return " " + s.Name
}

func of(s Series) string {
	if s.Name == "" {
		return ""
	}
	return " (" + s.Name + ")"
}
