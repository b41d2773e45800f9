package canary

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// Percent is a share of traffic as decimal text: "10", "10.5". Made by
// [ParsePercent] it is canonical, so that two shares are equal exactly when
// their texts are. The zero value "" is no traffic, as "0" is.
type Percent string

// ParsePercent reads a decimal from 0 to 100. API Gateway keeps a share as a
// double; digits that a double cannot hold are lost here as they are there.
func ParsePercent(text string) (Percent, error) {
	f, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || math.IsNaN(f) || f < 0 || f > 100 {
		return "", fmt.Errorf("%q is not a percentage; give a decimal from 0 to 100, such as 10.5", text)
	}
	return PercentOf(f), nil
}

// PercentOf is a share of traffic as an SDK has it.
func PercentOf(f float64) Percent {
	if f == 0 { // also -0, which would be written with its sign
		return "0"
	}
	return Percent(strconv.FormatFloat(f, 'f', -1, 64))
}

// PercentOfFraction is a share that an API has as a part of one: "10.5" of 0.105.
func PercentOfFraction(f float64) Percent {
	shifted, err := strconv.ParseFloat(strconv.FormatFloat(f, 'f', -1, 64)+"e2", 64)
	if err != nil {
		return "" // not a number
	}
	return PercentOf(shifted)
}

// Fraction is the share as a part of one, the nearest that a double can hold:
// 0.105 of "10.5".
func (p Percent) Fraction() float64 {
	f, err := strconv.ParseFloat(p.String()+"e-2", 64)
	if err != nil {
		return 0 // not made by ParsePercent
	}
	return f
}

// IsZero reports whether it is no traffic at all.
func (p Percent) IsZero() bool { return p == "" || p == "0" }

// Rest is what p leaves of the whole, exactly: "89.5" of "10.5".
func (p Percent) Rest() Percent {
	share, ok := new(big.Rat).SetString(p.String())
	if !ok {
		return ""
	}
	rest := new(big.Rat).Sub(big.NewRat(100, 1), share)
	digits, _ := rest.FloatPrec() // a decimal's difference from a whole number is one
	return Percent(rest.FloatString(digits))
}

// String is the decimal, "0" for the zero value.
func (p Percent) String() string {
	if p.IsZero() {
		return "0"
	}
	return string(p)
}

// MarshalJSON writes a JSON number with exactly the decimal's digits.
func (p Percent) MarshalJSON() ([]byte, error) {
	canonical, err := ParsePercent(p.String())
	return []byte(canonical), err
}

// UnmarshalJSON reads a JSON number, or a string that holds one.
func (p *Percent) UnmarshalJSON(data []byte) error {
	var n json.Number
	if err := json.Unmarshal(data, &n); err != nil {
		return err
	}
	if n == "" { // null
		*p = "0"
		return nil
	}
	parsed, err := ParsePercent(n.String())
	if err != nil {
		return err
	}
	*p = parsed
	return nil
}
