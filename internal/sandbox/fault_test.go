package sandbox_test

import (
	"strings"
	"testing"

	"sluice/internal/sandbox"
)

func TestParseFault(t *testing.T) {
	for text, want := range map[string]sandbox.Fault{
		"web:stable:cut":           {Target: "web", Step: "stable", Nth: 1, Kind: sandbox.FaultCut, Times: 1},
		"web:weight#2:drop":        {Target: "web", Step: "weight", Nth: 2, Kind: sandbox.FaultDrop, Times: 1},
		"web:*:throttle=2":         {Target: "web", Step: "*", Nth: 1, Kind: sandbox.FaultThrottle, Times: 2},
		"web:read#3:kill-before=4": {Target: "web", Step: "read", Nth: 3, Kind: sandbox.FaultKillBefore, Times: 4},
	} {
		got, err := sandbox.ParseFault(text)
		if err != nil || got != want {
			t.Errorf("ParseFault(%q) = %+v, %v; want %+v", text, got, err, want)
		}
		if got.String() != text {
			t.Errorf("written back: %q, want %q", got, text)
		}
	}
}

func TestParseFaultRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                  "want TARGET:STEP:KIND, such as web:stable:cut",
		"web":               "want TARGET:STEP:KIND",
		"web:stable":        "want TARGET:STEP:KIND",
		":stable:cut":       "want TARGET:STEP:KIND",
		"web::cut":          "want TARGET:STEP:KIND",
		"web:stable:":       "want TARGET:STEP:KIND",
		"web:stabel:cut":    `unknown step "stabel"; give one of deploy, weight, stable, disable,`,
		"web:stable#0:cut":  "after # comes a number from 1",
		"web:stable#x:cut":  "after # comes a number from 1",
		"web:stable:cut=0":  "after = comes a number from 1",
		"web:stable:=1":     "a kind comes before =",
		"web:stable:cut=-1": "after = comes a number from 1",
	} {
		_, err := sandbox.ParseFault(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseFault(%q): %v, want it to say %q", text, err, want)
		}
	}
}

func FuzzParseFault(f *testing.F) {
	for _, seed := range []string{"web:stable:cut", "web:weight#2:throttle=2", "::", "a:*:#=", "web:read#1:drop=1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := sandbox.ParseFault(text)
		if err != nil {
			return
		}
		again, err := sandbox.ParseFault(parsed.String())
		if err != nil || again != parsed {
			t.Errorf("%q is %+v, but %q is %+v, %v", text, parsed, parsed, again, err)
		}
	})
}
