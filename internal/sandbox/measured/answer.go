package measured

import (
	"hash/fnv"
	"math"
	"os"
	"slices"
	"strings"

	"sluice/analysis"
	"sluice/internal/sandbox"
	"sluice/internal/sandbox/cloudwatch"
	"sluice/internal/sandbox/datadog"
	"sluice/internal/sandbox/metrics"
	"sluice/internal/sandbox/monitoring"
	"sluice/internal/sandbox/prometheus"
)

// looksOfLate are so many that an evaluation does not end while a check looks.
const looksOfLate = 1 << 30

// answer has what a check asks answered: well, or spoiled in a way.
func (s *Sources) answer(a *asked, kind sandbox.FaultKind) {
	switch c := a.check; {
	case c.Metric != nil && c.Metric.Datadog != nil && c.Metric.Datadog.Gate != nil:
		s.gate(c.Metric.Datadog, kind)
	case c.Metric != nil:
		s.set(c.Metric.Source, series(s.about(c.Metric, valueFor(c.Metric.Limits, kind != FaultBad)), kind))
	case c.Compare != nil:
		s.compare(c.Compare, kind)
	case c.Alarms != nil && c.Alarms.Monitoring != nil:
		s.alertPolicies(c.Alarms.Monitoring, kind)
	case c.Alarms != nil:
		s.sound(c.Alarms, kind)
	}
}

// noiseShare is how much of the way to the bound of a condition the noise on a value is:
// three deviations reach it, which one value in seven hundred is beyond.
const noiseShare = 3

// about is a value, with noise where a seed says so.
func (s *Sources) about(m *analysis.Metric, value float64) metrics.Value {
	if s.seed == 0 {
		return metrics.Steady(value)
	}
	return metrics.Noisy(s.seedOf(m.Title()), value, math.Abs(m.Condition.Bound-value)/noiseShare)
}

// seedOf is a seed of a metric's own, or the usual one.
func (s *Sources) seedOf(title string) uint64 {
	if s.seed == 0 {
		return seed
	}
	h := fnv.New64a()
	h.Write([]byte(title)) //nolint:errcheck // it never fails
	return s.seed ^ h.Sum64()
}

// set has a source answer a series.
func (s *Sources) set(from analysis.Source, answer metrics.Series) {
	switch {
	case from.Prometheus != nil:
		s.server(from.Prometheus).Answer(from.Prometheus.Query, answer)
	case from.Monitoring != nil:
		s.project(from.Monitoring.Project).Answer(from.Monitoring.Query, answer)
	case from.CloudWatch != nil && from.CloudWatch.Expression != "":
		s.cloudwatch.Answer(from.CloudWatch.Expression, answer)
	case from.CloudWatch != nil:
		m := from.CloudWatch.CloudWatchMetric
		s.cloudwatch.Answer(cloudwatch.Key(m.Namespace, m.Metric, m.Stat, m.Dimensions), answer)
	case from.Datadog != nil:
		s.site(from.Datadog)
		s.datadog.Answer(from.Datadog.Query, answer)
	}
}

// server is the Prometheus of a check.
func (s *Sources) server(p *analysis.Prometheus) *prometheus.Emulator {
	if s.prometheus[p.URL] == nil {
		s.prometheus[p.URL] = prometheus.New(s.now)
		s.servers = append(s.servers, p.URL)
	}
	for _, value := range p.Headers {
		os.Expand(value, func(name string) string {
			if s.getenv(name) == "" && strings.Contains(value, "${"+name+"}") && !slices.Contains(s.variables, name) {
				s.variables = append(s.variables, name)
			}
			return ""
		})
	}
	return s.prometheus[p.URL]
}

// project is the Cloud Monitoring of a project.
func (s *Sources) project(name string) *monitoring.Emulator {
	if s.monitoring[name] == nil {
		s.monitoring[name] = monitoring.New(s.now, name)
	}
	return s.monitoring[name]
}

// site notes the address of Datadog that a check reaches.
func (s *Sources) site(d *analysis.Datadog) {
	address := d.URL
	if address == "" {
		site := datadogSite
		for _, name := range []string{"DATADOG_SITE", "DD_SITE"} { // the latter counts
			if said := strings.TrimSpace(s.getenv(name)); said != "" {
				site = said
			}
		}
		address = apiOfDatadog + site
	}
	if !slices.Contains(s.datadogs, address) {
		s.datadogs = append(s.datadogs, address)
	}
}

// gate has a deployment gate pass, or not.
//
// docs/metrics.md: "gate_status is in_progress, pass or fail"
func (s *Sources) gate(d *analysis.Datadog, kind sandbox.FaultKind) {
	s.site(d)
	if kind == FaultMissing {
		s.datadog.RemoveGate(d.Gate.Service, d.Gate.Env)
		return
	}
	g := datadog.Gate{Pass: kind != FaultBad, Throttled: kind == FaultThrottled}
	if kind == FaultLate {
		g.Looks = looksOfLate
	}
	s.datadog.SetGate(d.Gate.Service, d.Gate.Env, g)
}

const (
	usual  = 1.0  // the mean of what is compared
	spread = 0.05 // of what is compared, as a share of its mean
	seed   = 7
)

// compare has two samples that do not differ, or a canary that is worse by more than
// the check lets pass.
func (s *Sources) compare(c *analysis.Compare, kind sandbox.FaultKind) {
	canary, noise := usual, usual*spread
	for _, source := range []analysis.Source{c.Baseline, c.Canary} {
		if mean, known := s.means[source.Title()]; known {
			canary, noise = mean, 0 // it has a condition to meet
		}
	}
	baseline := canary
	if kind == FaultBad {
		canary = worse(c, baseline)
	}
	s.set(c.Baseline, metrics.Series{Value: metrics.Noisy(s.seedOf(c.Baseline.Title()), baseline, noise)})
	s.set(c.Canary, series(metrics.Noisy(s.seedOf(c.Canary.Title()), canary, noise), kind))
}

func worse(c *analysis.Compare, mean float64) float64 {
	difference := max(math.Abs(mean), usual) * (1 + 2*c.Effect)
	if c.Direction == analysis.Decrease {
		return mean - difference
	}
	return mean + difference
}

// alertPolicies has policies without an open incident, or with one.
func (s *Sources) alertPolicies(a *analysis.AlertPolicies, kind sandbox.FaultKind) {
	s.project(a.Project)
	if s.policies[a.Project] == nil {
		s.policies[a.Project] = map[string]monitoring.Policy{}
	}
	for _, name := range a.Policies {
		if kind == FaultMissing {
			delete(s.policies[a.Project], name)
			continue
		}
		p := policy(name)
		p.Throttled = kind == FaultThrottled
		if kind == FaultBad {
			p.Open = 1
		}
		s.policies[a.Project][name] = p
	}
}

// policy is the one that a check calls by its display name, id or full name.
func policy(name string) monitoring.Policy {
	return monitoring.Policy{ID: name[strings.LastIndex(name, "/")+1:], Display: name}
}

// sound has alarms that are quiet, or sound.
//
// docs/metrics.md: "A name that does not exist is simply absent"
func (s *Sources) sound(a *analysis.Alarms, kind sandbox.FaultKind) {
	names := a.Names
	if a.Prefix != "" {
		names = []string{a.Prefix + "sandbox"}
	}
	for _, name := range names {
		switch kind {
		case FaultMissing:
			delete(s.alarms, name)
		case FaultBad:
			s.alarms[name] = cloudwatch.Alarm{Name: name, State: "ALARM", Reason: "the sandbox was told so"}
		case FaultLate:
			s.alarms[name] = cloudwatch.Alarm{Name: name, State: "INSUFFICIENT_DATA"}
		default:
			s.alarms[name] = cloudwatch.Alarm{Name: name, State: "OK", Throttled: kind == FaultThrottled}
		}
	}
}

// valueFor is a value that passes, or one that fails: no value that hands the
// decision to a person.
func valueFor(l analysis.Limits, passes bool) float64 {
	bound := l.Condition.Bound
	half := math.Abs(bound) / 2
	candidates := []float64{bound / 2, bound, bound - half, bound + half, 2 * bound, bound - 1, bound + 1, 0}
	if r := l.Inconclusive; r != nil {
		candidates = append(candidates, r.Low-1, r.High+1, r.Low-half, r.High+half)
	}
	for _, v := range candidates {
		if l.Condition.Holds(v) == passes && !l.Inconclusive.Contains(v) {
			return v
		}
	}
	return math.NaN() // nothing the file can say leads here; it is no value
}
