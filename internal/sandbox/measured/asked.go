package measured

import (
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"sluice/analysis"
	"sluice/internal/sandbox"
	"sluice/pipeline"
)

// The faults of what a check asks. They hold as long as the sandbox runs.
const (
	FaultBad       sandbox.FaultKind = "bad"       // the value does not meet the condition, the alarm sounds, the canary is worse
	FaultMissing   sandbox.FaultKind = "missing"   // there is no data, no such alarm
	FaultLate      sandbox.FaultKind = "late"      // the data come an hour late, an alarm says INSUFFICIENT_DATA, a gate is not evaluated in time
	FaultThrottled sandbox.FaultKind = "throttled" // who asks is refused, as for too many requests
)

func kinds() []sandbox.FaultKind {
	return []sandbox.FaultKind{FaultBad, FaultMissing, FaultLate, FaultThrottled}
}

// asked is what one check of some targets asks.
type asked struct {
	step    string // as a fault names it
	targets []string
	check   *pipeline.Check
}

// askedBy is what the pipelines' checks ask, in the order of the files.
func askedBy(pipelines []*pipeline.Pipeline) []*asked {
	var all []*asked
	found := map[*pipeline.Check]*asked{}
	for _, p := range pipelines {
		for t := range p.All() {
			for _, c := range append(t.Checks(), t.Stage.Checks()...) {
				step := stepOf(c)
				if step == "" {
					continue
				}
				if found[c] == nil {
					found[c] = &asked{step: step, check: c}
					all = append(all, found[c])
				}
				found[c].targets = append(found[c].targets, t.Name.Value)
			}
		}
	}
	return all
}

// stepOf is what a check asks; "" for nothing that is served here.
func stepOf(c *pipeline.Check) string {
	switch {
	case c.Metric != nil && served(c.Metric.Source):
		return sandbox.StepMetric
	case c.Compare != nil && served(c.Compare.Canary) && served(c.Compare.Baseline):
		return sandbox.StepCompare
	case c.Alarms != nil:
		return sandbox.StepAlarms
	default:
		return ""
	}
}

// served reports whether a source is no server on this machine already: what is local
// is somebody's own, and is asked itself.
func served(s analysis.Source) bool {
	switch {
	case s.Prometheus != nil:
		return !isLocal(s.Prometheus.URL)
	case s.Datadog != nil:
		return !isLocal(s.Datadog.URL)
	default:
		return true
	}
}

func isLocal(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// spoiled is how the first fault spoils it; "" for none.
func (a *asked) spoiled(faults []sandbox.Fault) sandbox.FaultKind {
	for _, f := range faults {
		if a.matches(f) {
			return f.Kind
		}
	}
	return ""
}

func (a *asked) matches(f sandbox.Fault) bool {
	return f.Step == a.step && slices.Contains(a.targets, f.Target)
}

// checkFaults refuses faults that could never happen.
func checkFaults(faults []sandbox.Fault, all []*asked) error {
	for _, f := range faults {
		matching := func(a *asked) bool { return a.matches(f) }
		switch {
		case !slices.ContainsFunc(all, matching):
			return fmt.Errorf("fault %s: no check of target %q asks for %s; %s", f, f.Target, f.Step, there(all))
		case !slices.Contains(kinds(), f.Kind):
			return fmt.Errorf("fault %s: unknown kind %q; what checks ask knows bad, missing, late, throttled", f, f.Kind)
		case f.Nth > 1 || f.Times > 1:
			return fmt.Errorf("fault %s: what checks ask is spoiled as long as the sandbox runs; leave out # and =", f)
		case f.Kind == FaultLate && slices.ContainsFunc(all, func(a *asked) bool { return a.matches(f) && isPolicy(a.check) }):
			return fmt.Errorf("fault %s: an alert policy is never late; give bad, missing or throttled", f)
		}
	}
	return nil
}

func isPolicy(c *pipeline.Check) bool { return c.Alarms != nil && c.Alarms.Monitoring != nil }

// there says what faults could be about.
func there(all []*asked) string {
	about := map[string]bool{}
	for _, a := range all {
		for _, target := range a.targets {
			about[target+":"+a.step] = true
		}
	}
	if len(about) == 0 {
		return "no check here asks for metrics or alarms"
	}
	return "there are " + strings.Join(sorted(about), ", ")
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func serverPath(i int) string { return prometheusPath + strconv.Itoa(i) }
