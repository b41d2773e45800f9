package canary_test

import (
	"slices"
	"testing"

	"sluice/canary"
)

func TestPercent(t *testing.T) {
	for text, want := range map[string]string{
		"10.5": "10.5", "10": "10", "10.50": "10.5", " 0.0 ": "0", "-0": "0", "100": "100",
		"1.05E1": "10.5", "5.0E-4": "0.0005", "33.3": "33.3", "0.1": "0.1",
	} {
		p, err := canary.ParsePercent(text)
		if err != nil || p.String() != want {
			t.Errorf("ParsePercent(%q) = %s, %v; want %s", text, p, err, want)
		}
	}
	for _, text := range []string{"", "x", "-1", "100.01", "NaN", "Inf", "10,5", "1e999"} {
		if p, err := canary.ParsePercent(text); err == nil {
			t.Errorf("ParsePercent(%q) = %s, want an error", text, p)
		}
	}
}

// What is left of a share has exactly the share's digits.
func TestRest(t *testing.T) {
	for share, want := range map[canary.Percent]canary.Percent{
		"": "100", "0": "100", "10": "90", "10.5": "89.5", "100": "0", "0.0005": "99.9995", "33.3": "66.7", "99.999999999": "0.000000001",
	} {
		if got := share.Rest(); got != want {
			t.Errorf("of %q %q is left, want %q", share, got, want)
		}
	}
}

func TestShares(t *testing.T) {
	for name, tt := range map[string]struct {
		split canary.Split
		want  []canary.Share
	}{
		"nothing runs":             {canary.Split{}, nil},
		"no canary":                {canary.Split{Stable: "a"}, []canary.Share{{"a", "100"}}},
		"a canary without traffic": {canary.Split{"a", "b", "0"}, []canary.Share{{"a", "100"}}},
		"a canary":                 {canary.Split{"a", "b", "10.5"}, []canary.Share{{"a", "89.5"}, {"b", "10.5"}}},
		"a canary of the same":     {canary.Split{"a", "a", "10.5"}, []canary.Share{{"a", "100"}}},
		"a canary with all":        {canary.Split{"a", "b", "100"}, []canary.Share{{"b", "100"}}},
	} {
		if got := tt.split.Shares(); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}
