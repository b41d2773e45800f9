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
	var worst *judged
	for _, series := range all {
		if len(series.Points) == 0 {
			worst = l.worse(worst, judged{Missing("the series%s has no points: there is no data", about(series)), math.NaN()})
		}
		for _, p := range series.Points {
			one := judged{l.Judge(p.Value), p.Value}
			if one.Text != "" {
				one.Text = clip(one.Text + of(series))
			}
			worst = l.worse(worst, one)
		}
	}
	return worst.Sample
}

// judged is a judgement and the value that it is about.
type judged struct {
	Sample
	of float64
}

// worse keeps the worse of two judgements.
func (l Limits) worse(have *judged, next judged) *judged {
	if have == nil {
		return &next
	}
	if a, b := rank(have.Sample), rank(next.Sample); b > a || b == a && l.Condition.worse(next.of, have.of) {
		return &next
	}
	return have
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
