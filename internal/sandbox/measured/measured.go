// Package measured serves what the checks of a pipeline ask beside its platforms:
// CloudWatch, Cloud Monitoring, Prometheus and Datadog, on one address.
//
// Everything that a check names is there and is well: a value that meets the check's
// condition, two samples that do not differ, alarms that are quiet. A script changes
// what is answered ([ReadScript]), and a fault makes a check of one target fail.
package measured

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/awsapi"
	"sluice/internal/sandbox/cloudwatch"
	"sluice/internal/sandbox/datadog"
	"sluice/internal/sandbox/kit"
	"sluice/internal/sandbox/metrics"
	"sluice/internal/sandbox/monitoring"
	"sluice/internal/sandbox/prometheus"
	"sluice/pipeline"
)

// Where each source is served, below one address.
const (
	cloudwatchPath = "/cloudwatch"
	monitoringPath = "/monitoring"
	datadogPath    = "/datadog"
	prometheusPath = "/prometheus/" // and the number of the server
)

const (
	region       = "us-east-1" // of checks that name none, where no platform says another
	lateness     = time.Hour   // of what is late: later than any look goes back
	pointsEvery  = time.Second // so that a bake of seconds has some
	dummySecret  = "sandbox"
	datadogSite  = "datadoghq.com"
	apiOfDatadog = "https://api."
)

// Options say what is served.
type Options struct {
	Pipelines []*pipeline.Pipeline
	Script    Script
	Faults    []sandbox.Fault // those that are [sandbox.Fault.OfChecks]
	Now       func() time.Time
	// Getenv is the environment of the checks: Datadog's site, and which of the
	// variables that headers name are set.
	Getenv func(string) string
	// Seed puts noise on what is not scripted: a look in some hundreds fails by chance,
	// the same for the same seed. 0 for none.
	Seed uint64
}

// Sources are the emulators. They are safe for concurrent use.
type Sources struct {
	cloudwatch *cloudwatch.Emulator
	datadog    *datadog.Emulator
	monitoring map[string]*monitoring.Emulator // by project
	prometheus map[string]*prometheus.Emulator // by the URL that checks name
	servers    []string                        // those URLs, in the file's order
	datadogs   []string                        // the URLs of Datadog that checks reach
	variables  []string                        // that headers name and nobody set
	getenv     func(string) string
	now        func() time.Time
	seed       uint64
	means      map[string]float64 // of metrics that must meet a condition, by title
	alarms     map[string]cloudwatch.Alarm
	policies   map[string]map[string]monitoring.Policy // by project and name
}

// New serves what the pipelines' checks ask; nil where they ask nothing. The error is
// a fault that could never happen.
func New(o Options) (*Sources, error) {
	asked := askedBy(o.Pipelines)
	if err := checkFaults(o.Faults, asked); err != nil {
		return nil, err
	}
	if len(asked) == 0 {
		return nil, nil //nolint:nilnil // nothing is asked, and nothing is wrong
	}
	s := &Sources{
		cloudwatch: cloudwatch.New(o.Now), datadog: datadog.New(o.Now, pointsEvery), getenv: o.Getenv, now: o.Now, seed: o.Seed,
		monitoring: map[string]*monitoring.Emulator{}, prometheus: map[string]*prometheus.Emulator{},
		means: map[string]float64{}, alarms: map[string]cloudwatch.Alarm{}, policies: map[string]map[string]monitoring.Policy{},
	}
	for _, a := range asked {
		if m := a.check.Metric; m != nil {
			s.means[m.Title()] = valueFor(m.Limits, true)
		}
	}
	for _, a := range asked {
		s.answer(a, "")
	}
	s.follow(o.Script)
	for _, a := range asked {
		if kind := a.spoiled(o.Faults); kind != "" {
			s.answer(a, kind)
		}
	}
	s.setAlarms()
	return s, nil
}

// setAlarms gives the emulators the alarms and policies that there are.
func (s *Sources) setAlarms() {
	s.cloudwatch.SetAlarms(kit.Sorted(s.alarms)...)
	for project, named := range s.policies {
		s.project(project).SetPolicies(kit.Sorted(named)...)
	}
}

// ServeHTTP implements http.Handler.
func (s *Sources) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	handler, prefix := s.at(r.URL.Path)
	if handler == nil {
		http.NotFound(w, r)
		return
	}
	http.StripPrefix(prefix, handler).ServeHTTP(w, r)
}

// at is which emulator serves a path, and the part of it that leads there.
func (s *Sources) at(path string) (handler http.Handler, prefix string) {
	switch {
	case strings.HasPrefix(path, cloudwatchPath+"/"):
		return s.cloudwatch, cloudwatchPath
	case strings.HasPrefix(path, datadogPath+"/"):
		return s.datadog, datadogPath
	case strings.HasPrefix(path, monitoringPath+"/"):
		return s.ofProject(strings.Split(path, "/")), monitoringPath
	}
	for i, server := range s.servers {
		if prefix := serverPath(i); strings.HasPrefix(path, prefix+"/") {
			return s.prometheus[server], prefix
		}
	}
	return nil, ""
}

// ofProject is the emulator of the project in /monitoring/VERSION/projects/PROJECT/…
func (s *Sources) ofProject(steps []string) http.Handler {
	const at = 4
	if len(steps) <= at || s.monitoring[steps[at]] == nil {
		return http.NotFoundHandler()
	}
	return s.monitoring[steps[at]]
}

// Env implements [sandbox.Beside].
func (s *Sources) Env(base string) map[string]string {
	env := awsapi.Env("CLOUDWATCH", base+cloudwatchPath, region)
	if len(s.monitoring) > 0 {
		env["CLOUDSDK_API_ENDPOINT_OVERRIDES_MONITORING"] = base + monitoringPath + "/"
	}
	if len(s.datadogs) > 0 {
		maps.Copy(env, map[string]string{"DD_API_KEY": datadog.APIKey, "DD_APP_KEY": datadog.AppKey})
	}
	for _, name := range s.variables {
		env[name] = dummySecret
	}
	return env
}

// Addresses are the URLs of checks that no environment variable can replace, each
// with where it is served below base.
func (s *Sources) Addresses(base string) map[string]string {
	all := map[string]string{}
	for i, server := range s.servers {
		all[server] = base + serverPath(i)
	}
	for _, site := range s.datadogs {
		all[site] = base + datadogPath
	}
	return all
}

// Transport has requests to the [Sources.Addresses] answered at base, and carries all
// others by next; nil is http.DefaultTransport.
func (s *Sources) Transport(base string, next http.RoundTripper) http.RoundTripper {
	if next == nil {
		next = http.DefaultTransport
	}
	return &redirected{addresses: s.Addresses(base), next: next}
}

// redirected sends requests for certain addresses elsewhere.
type redirected struct {
	addresses map[string]string
	next      http.RoundTripper
}

// RoundTrip implements [http.RoundTripper].
func (t *redirected) RoundTrip(r *http.Request) (*http.Response, error) {
	asked := r.URL.Scheme + "://" + r.URL.Host + r.URL.Path
	for from, to := range t.addresses {
		rest, ok := strings.CutPrefix(asked, strings.TrimSuffix(from, "/")+"/api/")
		if !ok {
			continue
		}
		there, err := url.Parse(to + "/api/" + rest)
		if err != nil {
			return nil, err
		}
		there.RawQuery = r.URL.RawQuery
		r = r.Clone(r.Context())
		r.URL, r.Host = there, ""
		break
	}
	return t.next.RoundTrip(r)
}

// series are the answer to a metric that is spoiled in a way, "" for none.
func series(value metrics.Value, kind sandbox.FaultKind) metrics.Series {
	switch kind {
	case FaultMissing:
		return metrics.Series{Value: metrics.Missing()}
	case FaultLate:
		return metrics.Series{Value: value, Late: lateness}
	case FaultThrottled:
		return metrics.Series{Value: value, Throttled: true}
	default:
		return metrics.Series{Value: value}
	}
}
