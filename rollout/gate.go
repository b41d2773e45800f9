package rollout

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"sluice/analysis"
)

// Gates are the checks of the rollout's jobs.
type Gates struct {
	Predeploy  []Gate         `json:"predeploy,omitempty"`
	Verify     []Gate         `json:"verify,omitempty"`
	Analysis   []Gate         `json:"analysis,omitempty"`
	Postdeploy []Gate         `json:"postdeploy,omitempty"`
	Unknown    jsontext.Value `json:",embed"`
}

// Of returns the checks of a job.
func (g Gates) Of(job string) []Gate {
	switch job {
	case JobPredeploy:
		return g.Predeploy
	case JobVerify:
		return g.Verify
	case JobAnalysis:
		return g.Analysis
	case JobPostdeploy:
		return g.Postdeploy
	default:
		return nil
	}
}

// Own are a job's checks that each target runs for itself. An analysis is each
// target's own, for so is its bake.
func (g Gates) Own(job string) []Gate {
	return slices.DeleteFunc(slices.Clone(g.Of(job)), func(c Gate) bool { return c.StageScope && job != JobAnalysis })
}

// Stage are a job's checks that run once for the targets of a wave.
func (g Gates) Stage(job string) []Gate {
	if job == JobAnalysis {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(g.Of(job)), func(c Gate) bool { return !c.StageScope })
}

// onRollback keeps the checks that run in rollbacks too.
func (g Gates) onRollback() Gates {
	keep := func(gates []Gate) []Gate {
		return slices.DeleteFunc(slices.Clone(gates), func(g Gate) bool { return !g.OnRollback })
	}
	return Gates{Predeploy: keep(g.Predeploy), Verify: keep(g.Verify), Postdeploy: keep(g.Postdeploy)}
}

// Gate is one check: a program or a URL, which may measure, or alarms, a metric or
// a comparison. Values of headers may name environment variables as ${NAME}; they
// are looked up when it runs and never stored.
type Gate struct {
	Run        []string           `json:"run,omitempty"`
	Shell      bool               `json:"shell,omitzero"`
	HTTP       *HTTPGate          `json:"http,omitzero"`
	Measured   *analysis.Measured `json:"measured,omitzero"` // the number that the answer of Run or HTTP holds
	Alarms     *analysis.Alarms   `json:"alarms,omitzero"`
	Metric     *analysis.Metric   `json:"metric,omitzero"`
	Compare    *analysis.Compare  `json:"compare,omitzero"`
	StageScope bool               `json:"stageScope,omitzero"` // runs once for the targets of a wave
	Timeout    Duration           `json:"timeout,omitzero"`
	DryRun     bool               `json:"dryRun,omitzero"`
	OnRollback bool               `json:"onRollback,omitzero"`
	Unknown    jsontext.Value     `json:",embed"`
}

// Measures reports whether the check measures something: it passes, fails or is
// inconclusive, and is looked at over a bake at its own pace.
func (g Gate) Measures() bool {
	return g.Measured != nil || g.Alarms != nil || g.Metric != nil || g.Compare != nil
}

// Pace is how often what a check measures is looked at.
func (g Gate) Pace() analysis.Pace {
	switch {
	case g.Measured != nil:
		return g.Measured.Pace
	case g.Alarms != nil:
		return g.Alarms.Pace
	case g.Metric != nil:
		return g.Metric.Pace
	case g.Compare != nil:
		return g.Compare.Pace
	default:
		return analysis.Pace{}
	}
}

// Permissions are what whoever runs the check needs, in the words of the system that
// is asked; none where it needs none that has a name.
func (g Gate) Permissions() []string {
	switch {
	case g.Alarms != nil:
		return g.Alarms.Permissions()
	case g.Metric != nil:
		return g.Metric.Permissions()
	case g.Compare != nil:
		return g.Compare.Canary.Permissions()
	default:
		return nil
	}
}

// Vendor is whom the check asks as somebody that the pipeline file may name; "" where
// nobody can be named.
func (g Gate) Vendor() string {
	switch {
	case g.Alarms != nil:
		return g.Alarms.Vendor()
	case g.Metric != nil:
		return g.Metric.Vendor()
	case g.Compare != nil:
		return g.Compare.Canary.Vendor()
	default:
		return ""
	}
}

// mostName is how many characters name a check.
const mostName = 80

// Name is the check in one line, for people.
func (g Gate) Name() string {
	words := []rune(strings.Join(strings.Fields(g.words()), " "))
	if len(words) > mostName {
		return string(words[:mostName-1]) + "…"
	}
	return string(words)
}

func (g Gate) words() string {
	switch {
	case g.HTTP != nil:
		return g.HTTP.URL
	case g.Alarms != nil:
		return "alarms " + g.Alarms.Title()
	case g.Metric != nil:
		return "metric " + g.Metric.Title()
	case g.Compare != nil:
		return "compare " + g.Compare.Canary.Title() + " with " + g.Compare.Baseline.Title()
	default:
		return strings.Join(g.Run, " ")
	}
}

// HTTPGate asks a URL until it answers as wanted.
type HTTPGate struct {
	URL      string            `json:"url"`
	Method   string            `json:"method,omitzero"`
	Status   int               `json:"status,omitzero"`
	Contains string            `json:"contains,omitzero"`
	Attempts int               `json:"attempts,omitzero"`
	Interval Duration          `json:"interval,omitzero"`
	Headers  map[string]string `json:"headers,omitempty"`
	Unknown  jsontext.Value    `json:",embed"`
}
