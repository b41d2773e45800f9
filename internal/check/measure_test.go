package check

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sluice/analysis"
	"sluice/internal/sandbox/cloudwatch"
	"sluice/internal/sandbox/datadog"
	"sluice/internal/sandbox/metrics"
	"sluice/internal/sandbox/monitoring"
	"sluice/internal/sandbox/prometheus"
	"sluice/rollout"
)

// bed is a runner with all emulators behind it, reached over no connection so that
// time can be virtual.
type bed struct {
	*Runner
	prometheus *prometheus.Emulator
	cloudwatch *cloudwatch.Emulator
	monitoring *monitoring.Emulator
	datadog    *datadog.Emulator
}

// hosts are served by handlers.
type hosts map[string]http.Handler

func (h hosts) RoundTrip(r *http.Request) (*http.Response, error) {
	handler, ok := h[r.URL.Host]
	if !ok {
		return nil, fmt.Errorf("nothing is served at %s", r.URL.Host)
	}
	served := r.Clone(r.Context())
	served.RequestURI = r.URL.RequestURI()
	if served.Body == nil {
		served.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, served)
	resp := w.Result()
	resp.Request = r
	return resp, nil
}

const project = "my-project-123"

func newBed() *bed {
	b := &bed{
		prometheus: prometheus.New(time.Now), cloudwatch: cloudwatch.New(time.Now),
		monitoring: monitoring.New(time.Now, project), datadog: datadog.New(time.Now, time.Minute),
	}
	b.Runner = &Runner{
		Transport: hosts{"127.0.0.1:1": b.prometheus, "127.0.0.1:2": b.cloudwatch, "127.0.0.1:3": b.monitoring, "127.0.0.1:4": b.datadog},
		Now:       time.Now,
		Environ: []string{
			"AWS_ENDPOINT_URL_CLOUDWATCH=http://127.0.0.1:2", "AWS_REGION=eu-west-1", "AWS_ACCESS_KEY_ID=AKID", "AWS_SECRET_ACCESS_KEY=secret",
			"CLOUDSDK_API_ENDPOINT_OVERRIDES_MONITORING=http://127.0.0.1:3",
			"DD_API_KEY=" + datadog.APIKey, "DD_APP_KEY=" + datadog.AppKey, "TOKEN=swordfish",
		},
	}
	return b
}

func below(bound float64) analysis.Limits {
	return analysis.Limits{Condition: analysis.Condition{Op: "<", Bound: bound}}
}

func promMetric(query string, bound float64) rollout.Gate {
	return rollout.Gate{Metric: &analysis.Metric{
		Source: analysis.Source{Prometheus: &analysis.Prometheus{URL: "http://127.0.0.1:1", Query: query}}, Limits: below(bound),
	}}
}

func cloudwatchMetric(bound float64) rollout.Gate {
	return rollout.Gate{Metric: &analysis.Metric{
		Source: analysis.Source{CloudWatch: &analysis.CloudWatch{CloudWatchMetric: analysis.CloudWatchMetric{
			Namespace: "AWS/ApiGateway", Metric: "5XXError", Stat: "Average", Period: analysis.Duration(time.Minute), Dimensions: map[string]string{"ApiName": "shop", "Stage": "prod"},
		}}}, Limits: below(bound),
	}}
}

var cloudwatchKey = cloudwatch.Key("AWS/ApiGateway", "5XXError", "Average", map[string]string{"ApiName": "shop", "Stage": "prod"})

func expression(bound float64) rollout.Gate {
	g := cloudwatchMetric(bound)
	metric := g.Metric.CloudWatch.CloudWatchMetric
	g.Metric.CloudWatch = &analysis.CloudWatch{
		CloudWatchMetric: analysis.CloudWatchMetric{Period: analysis.Duration(time.Minute)},
		Expression:       "errors / requests", Metrics: map[string]analysis.CloudWatchMetric{"errors": metric, "requests": metric},
	}
	return g
}

func googleMetric(query string, bound float64) rollout.Gate {
	return rollout.Gate{Metric: &analysis.Metric{Source: analysis.Source{Monitoring: &analysis.Monitoring{Project: project, Query: query}}, Limits: below(bound)}}
}

func datadogMetric(query string, bound float64) rollout.Gate {
	return rollout.Gate{Metric: &analysis.Metric{
		Source: analysis.Source{Datadog: &analysis.Datadog{URL: "http://127.0.0.1:4", Query: query}}, Limits: below(bound),
	}}
}

func alarms(a analysis.Alarms) rollout.Gate { return rollout.Gate{Alarms: &a} }

func policies(names ...string) rollout.Gate {
	return alarms(analysis.Alarms{Monitoring: &analysis.AlertPolicies{Project: project, Policies: names}})
}

func gate(service string) rollout.Gate {
	return rollout.Gate{Metric: &analysis.Metric{Source: analysis.Source{Datadog: &analysis.Datadog{
		URL: "http://127.0.0.1:4", Gate: &analysis.DatadogGate{Service: service, Env: "prod"},
	}}}}
}

// TestLooks: one look within a bake, at every source, with series that are good,
// bad, missing, late or throttled.
func TestLooks(t *testing.T) {
	one := func(v metrics.Value) metrics.Series { return metrics.Series{Value: v} }
	bad := metrics.Series{Value: metrics.Steady(0.5), Labels: map[string]string{"pod": "b"}}
	tests := map[string]struct {
		gate    rollout.Gate
		script  func(*bed)
		verdict analysis.Verdict
		value   string
		decide  bool
		early   bool
		text    string // in what it says
	}{
		"prometheus: good": {gate: promMetric("up", 0.1), script: func(b *bed) { b.prometheus.Answer("up", one(metrics.Steady(0.05))) }, verdict: analysis.Passed, value: "0.05"},
		"prometheus: one series bad": {
			gate: promMetric("up", 0.1), script: func(b *bed) { b.prometheus.Answer("up", one(metrics.Steady(0.05)), bad) }, verdict: analysis.Failed, value: "0.5", text: `0.5 is not < 0.1 ({pod="b"})`,
		},
		"prometheus: scalar":       {gate: promMetric("1", 2), script: func(b *bed) { b.prometheus.Scalar("1", 1) }, verdict: analysis.Passed, value: "1"},
		"prometheus: empty vector": {gate: promMetric("up", 0.1), verdict: analysis.Inconclusive, text: "no series"},
		"prometheus: 0/0": {
			gate: promMetric("x/y", 0.1), script: func(b *bed) { b.prometheus.Scalar("x/y", nan()) }, verdict: analysis.Inconclusive, text: "NaN",
		},
		"prometheus: query wrong": {gate: promMetric("", 0.1), verdict: analysis.Inconclusive, decide: true, text: "400 bad_data"},
		"prometheus: overloaded":  {gate: promMetric("up", 0.1), script: func(b *bed) { b.prometheus.Throttle(1) }, verdict: analysis.Inconclusive, text: "503 timeout"},
		"prometheus: not there":   {gate: rollout.Gate{Metric: &analysis.Metric{Source: analysis.Source{Prometheus: &analysis.Prometheus{URL: "http://127.0.0.1:9", Query: "up"}}, Limits: below(1)}}, verdict: analysis.Inconclusive, text: "nothing is served"},

		"cloudwatch: good": {gate: cloudwatchMetric(0.1), script: func(b *bed) { b.cloudwatch.Answer(cloudwatchKey, one(metrics.Steady(0.05))) }, verdict: analysis.Passed, value: "0.05"},
		"cloudwatch: bad":  {gate: cloudwatchMetric(0.1), script: func(b *bed) { b.cloudwatch.Answer(cloudwatchKey, bad) }, verdict: analysis.Failed, value: "0.5"},
		"cloudwatch: the last minutes grow": {
			gate: cloudwatchMetric(0.1), script: func(b *bed) {
				b.cloudwatch.Answer(cloudwatchKey, one(metrics.From(start.Add(-110*time.Second), metrics.Steady(0.05), metrics.Steady(9))))
			}, verdict: analysis.Passed, value: "0.05",
		},
		"cloudwatch: no points": {gate: cloudwatchMetric(0.1), script: func(b *bed) { b.cloudwatch.Answer(cloudwatchKey, one(metrics.Missing())) }, verdict: analysis.Inconclusive, text: "no points"},
		"cloudwatch: late": {gate: cloudwatchMetric(0.1), script: func(b *bed) {
			b.cloudwatch.Answer(cloudwatchKey, metrics.Series{Value: metrics.Steady(0), Late: time.Hour})
		}, verdict: analysis.Inconclusive, text: "no points"},
		"cloudwatch: throttled once": {
			gate: cloudwatchMetric(0.1), script: func(b *bed) { b.cloudwatch.Answer(cloudwatchKey, one(metrics.Steady(0))); b.cloudwatch.Throttle(1) }, verdict: analysis.Passed, value: "0",
		},
		"cloudwatch: throttled": {gate: cloudwatchMetric(0.1), script: func(b *bed) { b.cloudwatch.Throttle(100) }, verdict: analysis.Inconclusive, text: "Throttling: Rate exceeded"},
		"cloudwatch: denied":    {gate: cloudwatchMetric(0.1), script: func(b *bed) { b.cloudwatch.Deny(true) }, verdict: analysis.Inconclusive, decide: true, text: "not authorized"},
		"cloudwatch: not whole": {
			gate: cloudwatchMetric(0.1), script: func(b *bed) { b.cloudwatch.Answer(cloudwatchKey, one(metrics.Steady(0))); b.cloudwatch.Partial(true) }, verdict: analysis.Inconclusive, text: "not whole",
		},
		"cloudwatch: math": {gate: expression(0.1), script: func(b *bed) { b.cloudwatch.Answer("errors / requests", one(metrics.Steady(0.02))) }, verdict: analysis.Passed, value: "0.02"},
		"cloudwatch: period not over": {
			gate: func() rollout.Gate {
				g := cloudwatchMetric(0.1)
				g.Metric.CloudWatch.Period = analysis.Duration(time.Hour)
				return g
			}(), verdict: analysis.Inconclusive, early: true, text: "no period of 1h0m0s has ended",
		},

		"monitoring: good":    {gate: googleMetric("up", 0.1), script: func(b *bed) { b.monitoring.Answer("up", one(metrics.Steady(0.05))) }, verdict: analysis.Passed, value: "0.05"},
		"monitoring: missing": {gate: googleMetric("up", 0.1), verdict: analysis.Inconclusive, text: "no series"},
		"monitoring: denied":  {gate: rollout.Gate{Metric: &analysis.Metric{Source: analysis.Source{Monitoring: &analysis.Monitoring{Project: "another", Query: "up"}}, Limits: below(1)}}, verdict: analysis.Inconclusive, decide: true, text: "404"},

		"datadog: good":            {gate: datadogMetric("avg:x{*}", 0.1), script: func(b *bed) { b.datadog.Answer("avg:x{*}", one(metrics.Steady(0.05))) }, verdict: analysis.Passed, value: "0.05"},
		"datadog: bad":             {gate: datadogMetric("avg:x{*}", 0.1), script: func(b *bed) { b.datadog.Answer("avg:x{*}", bad) }, verdict: analysis.Failed, value: "0.5", text: "pod:b"},
		"datadog: no series":       {gate: datadogMetric("avg:x{*}", 0.1), verdict: analysis.Inconclusive, text: "no series"},
		"datadog: null":            {gate: datadogMetric("avg:x{*}", 0.1), script: func(b *bed) { b.datadog.Answer("avg:x{*}", one(metrics.Missing())) }, verdict: analysis.Inconclusive, text: "no points"},
		"datadog: an error as 200": {gate: datadogMetric("avg:x{*}", 0.1), script: func(b *bed) { b.datadog.Break(true) }, verdict: analysis.Inconclusive, text: "unable to parse"},
		"datadog: throttled":       {gate: datadogMetric("avg:x{*}", 0.1), script: func(b *bed) { b.datadog.Throttle(1) }, verdict: analysis.Inconclusive, text: "Rate limit"},
		"datadog: the last is open": {gate: datadogMetric("avg:x{*}", 0.1), script: func(b *bed) {
			b.datadog.Answer("avg:x{*}", one(metrics.From(start, metrics.Steady(0.05), metrics.Steady(9))))
		}, verdict: analysis.Passed, value: "0.05"},

		"gate: passes":          {gate: gate("shop"), script: func(b *bed) { b.datadog.SetGate("shop", "prod", datadog.Gate{Pass: true, Looks: 3}) }, verdict: analysis.Passed},
		"gate: fails":           {gate: gate("shop"), script: func(b *bed) { b.datadog.SetGate("shop", "prod", datadog.Gate{Looks: 1}) }, verdict: analysis.Failed, text: "rule errors: fail"},
		"gate: dry run":         {gate: gate("shop"), script: func(b *bed) { b.datadog.SetGate("shop", "prod", datadog.Gate{Pass: true, DryRun: true}) }, verdict: analysis.Inconclusive, decide: true, text: "dry run"},
		"gate: not there":       {gate: gate("shop"), verdict: analysis.Inconclusive, decide: true, text: "no gate found"},
		"gate: never over":      {gate: gate("shop"), script: func(b *bed) { b.datadog.SetGate("shop", "prod", datadog.Gate{Pass: true, Looks: 1000}) }, verdict: analysis.Inconclusive, text: "not over"},
		"alarms: quiet":         {gate: alarms(analysis.Alarms{Names: []string{"a", "c", "l"}}), script: quiet3, verdict: analysis.Passed, value: "OK"},
		"alarms: by prefix":     {gate: alarms(analysis.Alarms{Prefix: "loud"}), script: quiet3, verdict: analysis.Failed, value: "loud-composite, loud-log", text: "loud-composite is ALARM (it is bad)"},
		"alarms: none":          {gate: alarms(analysis.Alarms{Prefix: "z"}), script: quiet3, verdict: analysis.Inconclusive, decide: true, text: "no alarm's name begins with z"},
		"alarms: not there":     {gate: alarms(analysis.Alarms{Names: []string{"a", "gone"}}), script: quiet3, verdict: analysis.Inconclusive, decide: true, text: "no alarm is called gone"},
		"alarms: no data":       {gate: alarms(analysis.Alarms{Names: []string{"new"}, InsufficientData: "fail"}), script: quiet3, verdict: analysis.Failed, value: "new", text: "INSUFFICIENT_DATA"},
		"alarms: no data is ok": {gate: alarms(analysis.Alarms{Names: []string{"new"}, InsufficientData: "pass"}), script: quiet3, verdict: analysis.Passed, value: "OK"},
		"alarms: half OK":       {gate: alarms(analysis.Alarms{Names: []string{"half"}}), script: quiet3, verdict: analysis.Inconclusive, text: "PARTIAL_DATA"},
		"policies: quiet":       {gate: policies("Errors", "two"), script: googlePolicies, verdict: analysis.Passed, value: "OK"},
		"policies: open":        {gate: policies("Errors", "Latency"), script: googlePolicies, verdict: analysis.Failed, value: "Latency"},
		"policies: disabled":    {gate: policies("off"), script: googlePolicies, verdict: analysis.Inconclusive, decide: true, text: "disabled"},
		"policies: not there":   {gate: policies("gone"), script: googlePolicies, verdict: analysis.Inconclusive, decide: true, text: "is called gone"},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBed()
				if c.script != nil {
					c.script(b)
				}
				w := analysis.Window{Begin: time.Now().Add(-20 * time.Minute), From: time.Now().Add(-10 * time.Minute), Now: time.Now(), End: time.Now().Add(time.Hour), Interval: 10 * time.Minute}
				got := b.Look(t.Context(), c.gate, Vars{}, w)
				if got.Verdict != c.verdict || got.Value != c.value || got.Decide != c.decide || got.Early != c.early || !strings.Contains(got.Text, c.text) || !got.At.Equal(w.Now) {
					t.Errorf("%+v", got)
				}
			})
		})
	}
}

func nan() float64 { var zero float64; return zero / zero }

func quiet3(b *bed) {
	b.cloudwatch.SetAlarms(
		cloudwatch.Alarm{Name: "a", State: "OK"}, cloudwatch.Alarm{Name: "c", State: "OK", Kind: "CompositeAlarm"}, cloudwatch.Alarm{Name: "l", State: "OK", Kind: "LogAlarm"},
		cloudwatch.Alarm{Name: "loud-composite", State: "ALARM", Reason: "it is bad", Kind: "CompositeAlarm"}, cloudwatch.Alarm{Name: "loud-log", State: "ALARM", Kind: "LogAlarm"},
		cloudwatch.Alarm{Name: "new", State: "INSUFFICIENT_DATA"}, cloudwatch.Alarm{Name: "half", State: "OK", Evaluation: "PARTIAL_DATA"},
	)
}

func googlePolicies(b *bed) {
	b.monitoring.SetPolicies(
		monitoring.Policy{ID: "1", Display: "Errors", Closed: 3}, monitoring.Policy{ID: "two", Display: "x"}, monitoring.Policy{ID: "3", Display: "off", Disabled: true},
		monitoring.Policy{ID: "4", Display: "Latency", Open: 3},
	)
}

// TestSingleLook: without a bake a look is repeated until it tells something: after
// one that told nothing, and after failures that may be.
func TestSingleLook(t *testing.T) {
	tests := map[string]struct {
		value    metrics.Value
		failures int
		verdict  analysis.Verdict
		took     time.Duration
		looks    int
	}{
		"good at once":    {value: metrics.Steady(0), verdict: analysis.Passed, looks: 1},
		"bad at once":     {value: metrics.Steady(1), verdict: analysis.Failed, looks: 1},
		"late":            {value: metrics.From(start.Add(70*time.Second), metrics.Missing(), metrics.Steady(0)), verdict: analysis.Passed, took: 90 * time.Second, looks: 4},
		"never":           {value: metrics.Missing(), verdict: analysis.Inconclusive, took: 5 * time.Minute, looks: 10},
		"may fail twice":  {value: metrics.From(start.Add(50*time.Second), metrics.Steady(1), metrics.Steady(0)), failures: 2, verdict: analysis.Passed, took: time.Minute, looks: 3},
		"fails too often": {value: metrics.Steady(1), failures: 2, verdict: analysis.Failed, took: time.Minute, looks: 3},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBed()
				b.prometheus.Answer("x", metrics.Series{Value: c.value})
				g := promMetric("x", 0.5)
				g.Timeout, g.Metric.Failures = rollout.Duration(5*time.Minute-time.Second), c.failures
				begin := time.Now()
				got := b.Look(t.Context(), g, Vars{}, analysis.Window{Now: begin})
				if took := time.Since(begin).Round(time.Minute / 2); got.Verdict != c.verdict || took != c.took || len(b.prometheus.Asked()) != c.looks {
					t.Errorf("%+v after %s and %d looks", got, took, len(b.prometheus.Asked()))
				}
			})
		})
	}
}

// start is when a bubble's time begins.
var start = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// TestCompareLooks: the values of the whole bake are compared, from either source.
func TestCompareLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed()
		at := func(stage string) string {
			return cloudwatch.Key("AWS/ApiGateway", "Latency", "p99", map[string]string{"Stage": stage})
		}
		stage := func(name string) analysis.Source {
			return analysis.Source{CloudWatch: &analysis.CloudWatch{CloudWatchMetric: analysis.CloudWatchMetric{
				Namespace: "AWS/ApiGateway", Metric: "Latency", Stat: "p99", Period: analysis.Duration(time.Minute), Dimensions: map[string]string{"Stage": name},
			}}}
		}
		query := func(q string) analysis.Source {
			return analysis.Source{Prometheus: &analysis.Prometheus{URL: "http://127.0.0.1:1", Query: q, Span: analysis.Span{Range: analysis.Duration(time.Hour), Step: analysis.Duration(time.Minute)}}}
		}
		same, slower := metrics.Noisy(1, 100, 10), metrics.Noisy(2, 140, 10)
		b.cloudwatch.Answer(at("prod"), metrics.Series{Value: same})
		b.cloudwatch.Answer(at("prod/Canary"), metrics.Series{Value: slower})
		b.cloudwatch.Answer(at("equal"), metrics.Series{Value: metrics.Noisy(3, 100, 10)})
		b.prometheus.Answer("old", metrics.Series{Value: same})
		b.prometheus.Answer("new", metrics.Series{Value: slower})
		w := analysis.Window{Begin: time.Now(), End: time.Now().Add(30 * time.Minute), Interval: 10 * time.Minute}
		time.Sleep(20 * time.Minute)
		w.From, w.Now = w.Begin.Add(10*time.Minute), time.Now()
		for name, c := range map[string]struct {
			canary, baseline analysis.Source
			verdict          analysis.Verdict
		}{
			"cloudwatch, slower": {stage("prod/Canary"), stage("prod"), analysis.Failed},
			"cloudwatch, equal":  {stage("equal"), stage("prod"), analysis.Passed},
			"cloudwatch, none":   {stage("nowhere"), stage("prod"), analysis.Inconclusive},
			"prometheus, slower": {query("new"), query("old"), analysis.Failed},
			"prometheus, none":   {query("nothing"), query("old"), analysis.Inconclusive},
		} {
			g := rollout.Gate{Compare: &analysis.Compare{Canary: c.canary, Baseline: c.baseline, Direction: analysis.Increase, Confidence: 0.95, MinSamples: 15}}
			if got := b.Look(t.Context(), g, Vars{}, w); got.Verdict != c.verdict {
				t.Errorf("%s: %+v", name, got)
			}
		}
	})
}

// TestNumbers: a program and a URL may answer a number.
func TestNumbers(t *testing.T) {
	site := serve(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/number":
			fmt.Fprint(w, " 0.25\n")
		case "/broken":
			w.WriteHeader(http.StatusBadGateway)
		case "/big":
			fmt.Fprint(w, `{"n": 12345678901234567890}`)
		default:
			fmt.Fprint(w, `{"data": {"rates": [0.1, "0.3"], "none": null}}`)
		}
	})
	url := func(path, json string) rollout.Gate {
		return rollout.Gate{HTTP: &rollout.HTTPGate{URL: site.URL + path}, Measured: &analysis.Measured{Limits: below(0.28), JSON: json}}
	}
	program := func(script, json string) rollout.Gate {
		g := shell(script)
		g.Measured = &analysis.Measured{Limits: below(0.28), JSON: json}
		return g
	}
	w := analysis.Window{Begin: time.Now(), Now: time.Now(), End: time.Now().Add(time.Hour), Interval: time.Minute}
	for name, c := range map[string]struct {
		gate    rollout.Gate
		verdict analysis.Verdict
		value   string
		text    string
	}{
		"whole answer":      {url("/number", ""), analysis.Passed, "0.25", ""},
		"an index":          {url("/", "data.rates.0"), analysis.Passed, "0.1", ""},
		"a number as text":  {url("/", "data.rates.1"), analysis.Failed, "0.3", "0.3 is not < 0.28"},
		"a large number":    {url("/big", "n"), analysis.Failed, "1.23457e+19", ""},
		"nothing there":     {url("/", "data.rates.2"), analysis.Inconclusive, "", "nothing at data.rates.2"},
		"null":              {url("/", "data.none"), analysis.Inconclusive, "", "is no number"},
		"no JSON":           {url("/number", "a"), analysis.Inconclusive, "", "nothing at a"},
		"no number":         {url("/", ""), analysis.Inconclusive, "", "no number"},
		"wrong status":      {url("/broken", ""), analysis.Failed, "", "answered 502, not 200"},
		"last line":         {program("echo 5; echo 0.2", ""), analysis.Passed, "0.2", ""},
		"not what it says":  {program("echo 0.2; echo 9 >&2", ""), analysis.Passed, "0.2", ""},
		"a program's JSON":  {program(`printf '{\n"rate": 0.2}'`, "rate"), analysis.Passed, "0.2", ""},
		"a program fails":   {program("echo 0.1; exit 3", ""), analysis.Failed, "", "exit status 3"},
		"it says nothing":   {program("true", ""), analysis.Inconclusive, "", "no number"},
		"it says something": {program("echo well", ""), analysis.Inconclusive, "", `"well"`},
	} {
		if got := runner(t).Look(t.Context(), c.gate, Vars{}, w); got.Verdict != c.verdict || got.Value != c.value || !strings.Contains(got.Text, c.text) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// TestSecretsOfQueries: headers come from the environment, are masked before they
// are sent, and no sample holds one.
func TestSecretsOfQueries(t *testing.T) {
	b := newBed()
	var sent http.Header
	b.Transport.(hosts)["127.0.0.1:1"] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent = r.Header.Clone()
		http.Error(w, "swordfish is not welcome", http.StatusForbidden)
	})
	var masked []string
	b.Mask = func(values ...string) { masked = append(masked, values...) }
	b.Redact = func(text string) string { return strings.ReplaceAll(text, "swordfish", "***") }
	g := promMetric("up", 1)
	g.Metric.Prometheus.Headers = map[string]string{"Authorization": "Bearer ${TOKEN}"}
	got := b.Look(t.Context(), g, Vars{}, analysis.Window{Begin: time.Now(), Now: time.Now()})
	if sent.Get("Authorization") != "Bearer swordfish" || !slices.Contains(masked, "swordfish") || strings.Contains(got.Text, "swordfish") || !got.Decide {
		t.Errorf("sent %v, masked %v, said %+v", sent, masked, got)
	}
	g.Metric.Prometheus.Headers = map[string]string{"Authorization": "${NOT_SET}"}
	if err := b.Preflight(g); err == nil || !strings.Contains(err.Error(), "NOT_SET") {
		t.Errorf("preflight: %v", err)
	}
	b.Environ = nil
	if err := b.Preflight(gate("shop")); err == nil || !strings.Contains(err.Error(), "DD_API_KEY and DD_APP_KEY") {
		t.Errorf("preflight: %v", err)
	}
}
