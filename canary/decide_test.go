package canary_test

import (
	"strings"
	"testing"

	"sluice/canary"
)

func TestDecide(t *testing.T) {
	whole, split := canary.Split{Stable: "a"}, canary.Split{Stable: "a", Canary: "b", Percent: "10"}
	tests := map[string]struct {
		decide  func(canary.Split, canary.Want) (canary.Split, *canary.Refusal)
		stands  canary.Split
		want    canary.Want
		after   canary.Split
		refused string
		foreign bool
	}{
		"deploy":                         {canary.Deploy, whole, canary.Want{Release: "b"}, canary.Split{Stable: "b"}, "", false},
		"deploy what runs":               {canary.Deploy, whole, canary.Want{Release: "a"}, whole, "", false},
		"deploy over a canary":           {canary.Deploy, split, canary.Want{Release: "c", Ours: true}, split, "10 % to b", false},
		"give":                           {canary.Give, whole, canary.Want{Release: "b", Percent: "10"}, split, "", false},
		"give again":                     {canary.Give, split, canary.Want{Release: "b", Percent: "10"}, split, "", false},
		"give what runs":                 {canary.Give, whole, canary.Want{Release: "a", Percent: "10"}, whole, "", false},
		"give more":                      {canary.Give, split, canary.Want{Release: "b", Percent: "50", Ours: true}, canary.Split{Stable: "a", Canary: "b", Percent: "50"}, "", false},
		"give beside somebody's canary":  {canary.Give, split, canary.Want{Release: "c", Percent: "10"}, split, "did not make has 10 %", false},
		"promote":                        {canary.Promote, split, canary.Want{Release: "b"}, canary.Split{Stable: "b"}, "", false},
		"promote what stands":            {canary.Promote, split, canary.Want{}, canary.Split{Stable: "b"}, "", false},
		"promote again":                  {canary.Promote, canary.Split{Stable: "b"}, canary.Want{Release: "b"}, canary.Split{Stable: "b"}, "", false},
		"promote nothing":                {canary.Promote, whole, canary.Want{Release: "b"}, whole, "nothing to promote", false},
		"promote somebody's":             {canary.Promote, split, canary.Want{Release: "c"}, split, "runs b, not c", true},
		"promote somebody's, decided":    {canary.Promote, split, canary.Want{Release: "c", Ours: true}, split, "runs b, not c", false},
		"remove":                         {canary.Remove, split, canary.Want{Ours: true}, whole, "", false},
		"remove nothing":                 {canary.Remove, whole, canary.Want{}, whole, "", false},
		"remove somebody's":              {canary.Remove, split, canary.Want{}, split, "still has 10 %", false},
		"restore":                        {canary.Restore, split, canary.Want{Before: &whole}, whole, "", false},
		"restore without its own canary": {canary.Restore, canary.Split{Stable: "c"}, canary.Want{Before: &split}, whole, "", false},
		"restore what nobody knows":      {canary.Restore, split, canary.Want{}, split, "not recorded", false},
		"restore nothing":                {canary.Restore, split, canary.Want{Before: &canary.Split{}}, split, "nothing ran", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			after, refusal := tt.decide(tt.stands, tt.want)
			if after != tt.after {
				t.Errorf("after it %+v, want %+v", after, tt.after)
			}
			switch {
			case refusal == nil && tt.refused != "":
				t.Error("it is not refused")
			case refusal != nil && (tt.refused == "" || !strings.Contains(refusal.Message, tt.refused) || refusal.Foreign != tt.foreign):
				t.Errorf("refused: %+v", refusal)
			}
		})
	}
}

// A share of one becomes the decimal that people wrote, and goes back to it.
func TestFraction(t *testing.T) {
	for percent, fraction := range map[canary.Percent]float64{"": 0, "0": 0, "10": 0.1, "10.5": 0.105, "33.3": 0.333, "0.1": 0.001, "99.99": 0.9999, "100": 1} {
		if got := percent.Fraction(); got != fraction {
			t.Errorf("%s %% is %v, want %v", percent, got, fraction)
		}
		if got := canary.PercentOfFraction(fraction); got.String() != percent.String() {
			t.Errorf("%v is %s %%, want %s", fraction, got, percent)
		}
	}
}
