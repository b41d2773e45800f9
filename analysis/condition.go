package analysis

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// Condition is what a value must meet, such as "< 0.01". The zero Condition is
// none.
type Condition struct {
	Op    string // one of < <= > >= == !=
	Bound float64
}

var conditionPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^\s*(<=|>=|==|!=|<|>)\s*(\S+)\s*$`) })

// ParseCondition reads a condition.
func ParseCondition(text string) (Condition, error) {
	const want = `want an operator and a number such as "< 0.01"; the operators are <, <=, >, >=, == and !=`
	found := conditionPattern().FindStringSubmatch(text)
	if found == nil {
		return Condition{}, fmt.Errorf("%q is not a condition; %s", text, want)
	}
	bound, err := strconv.ParseFloat(found[2], 64)
	if err != nil || math.IsNaN(bound) || math.IsInf(bound, 0) || strings.ContainsAny(found[2], "_xXpP") {
		return Condition{}, fmt.Errorf("%q is not a condition: %q is not a number; %s", text, found[2], want)
	}
	return Condition{Op: found[1], Bound: bound}, nil
}

// String is the condition as it is written: "< 0.01"; "" for none.
func (c Condition) String() string {
	if c.IsZero() {
		return ""
	}
	return c.Op + " " + strconv.FormatFloat(c.Bound, 'g', -1, 64)
}

// IsZero reports whether there is no condition.
func (c Condition) IsZero() bool { return c.Op == "" }

// MarshalText is [Condition.String].
func (c Condition) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads what [Condition.MarshalText] wrote.
func (c *Condition) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*c = Condition{}
		return nil
	}
	read, err := ParseCondition(string(text))
	*c = read
	return err
}

// Holds reports whether a value meets the condition. NaN meets none.
func (c Condition) Holds(v float64) bool {
	switch c.Op {
	case "<":
		return v < c.Bound
	case "<=":
		return v <= c.Bound
	case ">":
		return v > c.Bound
	case ">=":
		return v >= c.Bound
	case "==":
		return v == c.Bound
	case "!=":
		return v != c.Bound && !math.IsNaN(v)
	default:
		return false
	}
}

// worse reports whether a is nearer to not meeting the condition than b, or
// further from meeting it.
func (c Condition) worse(a, b float64) bool {
	switch c.Op {
	case "<", "<=":
		return a > b
	case ">", ">=":
		return a < b
	case "!=":
		return math.Abs(a-c.Bound) < math.Abs(b-c.Bound)
	default:
		return math.Abs(a-c.Bound) > math.Abs(b-c.Bound)
	}
}

// Range are the values between two, both included.
type Range struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// Contains reports whether a value is in the range.
func (r *Range) Contains(v float64) bool { return r != nil && r.Low <= v && v <= r.High }

// String is the range as it is written: "[0.01, 0.05]".
func (r Range) String() string {
	return fmt.Sprintf("[%s, %s]", strconv.FormatFloat(r.Low, 'g', -1, 64), strconv.FormatFloat(r.High, 'g', -1, 64))
}
