package measured_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluice/analysis"
	"sluice/internal/check"
	"sluice/internal/sandbox"
	"sluice/internal/sandbox/measured"
	"sluice/pipeline"
	"sluice/rollout"
	"sluice/stages/all"
	"sluice/stages/driver"
)

// checks are one of each kind, as a pipeline file has them. Nothing that they name is
// on this machine.
var checks = map[string]string{
	"prometheus":   `metric: {prometheus: {url: "https://prometheus.example.com/base", query: errors, headers: {Authorization: "Bearer ${PROM_TOKEN}"}}, condition: "< 0.01"}`,
	"a range":      `metric: {prometheus: {url: "https://other.example.com", query: errors, range: 10m, step: 1m}, condition: "> 5", inconclusive: [3, 6]}`,
	"cloudwatch":   `metric: {cloudwatch: {namespace: AWS/ApiGateway, metric: 5XXError, stat: Average, dimensions: {Stage: prod}, region: eu-west-1}, condition: "<= 0"}`,
	"metric math":  `metric: {cloudwatch: {expression: e/r, metrics: {e: {namespace: N, metric: E, stat: Sum}, r: {namespace: N, metric: R, stat: Sum}}, region: eu-west-1}, condition: "!= 0"}`,
	"monitoring":   `metric: {monitoring: {project: acme-prod, query: latency}, condition: "== 3"}`,
	"datadog":      `metric: {datadog: {url: "https://api.datadoghq.eu", query: "avg:errors{*}"}, condition: ">= 0.9"}`,
	"datadog gate": `metric: {datadog: {gate: {service: shop, env: production}}}`,
	"compare":      `compare: {prometheus: {url: "https://prometheus.example.com", canary: c, baseline: b, range: 30m, step: 1m}, direction: increase, minSamples: 10, effect: 0.5}`,
	"alarms":       `alarms: {names: [shop-5xx], region: eu-west-1}`,
	"alarm prefix": `alarms: {prefix: shop-, region: eu-west-1}`,
	"alert policy": `alarms: {monitoring: {project: acme-prod, policies: [Errors]}}`,
}

func parse(t *testing.T, check string) *pipeline.Pipeline {
	t.Helper()
	return parsed(t, fmt.Sprintf(`name: shop
state: {store: "file:state"}
stages:
  - name: staging
    targets: [{name: api-staging, apigateway: {restApi: a1b2c3d4e5, stage: staging, region: eu-west-1}}]
  - name: production
    targets:
      - name: api
        apigateway: {restApi: a1b2c3d4e5, stage: prod, region: eu-west-1}
        verify: [{%s}]
`, check))
}

func parsed(t *testing.T, text string) *pipeline.Pipeline {
	t.Helper()
	var facts []driver.Facts
	for _, p := range all.Platforms() {
		facts = append(facts, p.Facts)
	}
	p, problems := pipeline.Parse("sluice.yaml", []byte(text), facts)
	if pipeline.Failed(problems) {
		t.Fatal(pipeline.Format(problems))
	}
	return p
}

// gate is the production target's only check, as a run has it.
func gate(p *pipeline.Pipeline) rollout.Gate {
	for t := range p.All() {
		for _, c := range t.Checks() {
			return rollout.Gate{Timeout: rollout.Duration(c.Timeout), Metric: c.Metric, Compare: c.Compare, Alarms: c.Alarms}
		}
	}
	return rollout.Gate{}
}

// outside counts requests that left the sandbox, and lets none go.
type outside struct {
	next http.RoundTripper
	left []string
}

func (o *outside) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Hostname() != "127.0.0.1" {
		o.left = append(o.left, r.URL.Host)
		return nil, io.ErrUnexpectedEOF
	}
	return o.next.RoundTrip(r)
}

// look looks at a check as --sandbox does, spoiled by faults.
func look(t *testing.T, checkText string, script measured.Script, faults ...string) analysis.Sample {
	t.Helper()
	p := parse(t, checkText)
	options := measured.Options{Pipelines: []*pipeline.Pipeline{p}, Script: script, Now: time.Now, Getenv: func(string) string { return "" }}
	for _, text := range faults {
		f, err := sandbox.ParseFault(text)
		if err != nil || !f.OfChecks() {
			t.Fatalf("%s: %+v, %v", text, f, err)
		}
		options.Faults = append(options.Faults, f)
	}
	sources, err := measured.New(options)
	if err != nil {
		t.Fatal(err)
	}
	server, err := sandbox.Start(t.Context(), sandbox.Options{Beside: sources})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	out := &outside{next: http.DefaultTransport}
	once := func(context.Context, time.Duration) error { return context.DeadlineExceeded } // nobody looks a second time
	r := &check.Runner{Transport: sources.Transport(server.Beside(), out), Sleep: once}
	for name, value := range server.Env() {
		r.Environ = append(r.Environ, name+"="+value)
	}
	g := gate(p)
	if err := r.Preflight(g); err != nil {
		t.Fatal(err)
	}
	s := r.Look(t.Context(), g, check.Vars{}, analysis.Window{Now: time.Now()})
	if len(out.left) > 0 {
		t.Errorf("the sandbox was left for %v", out.left)
	}
	return s
}

// TestEveryCheck: each kind of check reaches its source in the sandbox and nothing
// outside, passes by default, fails when it is spoiled, and never passes without
// data, with late data or throttled.
func TestEveryCheck(t *testing.T) {
	for name, text := range checks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			step := strings.SplitN(text, ":", 2)[0]
			if s := look(t, text, measured.Script{}); s.Verdict != analysis.Passed {
				t.Errorf("by default it is %s: %s", s.Verdict, s.Text)
			}
			if s := look(t, text, measured.Script{}, "api:"+step+":bad"); s.Verdict != analysis.Failed {
				t.Errorf("spoiled it is %s: %s", s.Verdict, s.Text)
			}
			for _, kind := range []string{"missing", "late", "throttled"} {
				if kind == "late" && (name == "alert policy" || name == "alarms" || name == "alarm prefix") {
					continue // INSUFFICIENT_DATA fails, and a policy is never late
				}
				if s := look(t, text, measured.Script{}, "api:"+step+":"+kind); s.Verdict != analysis.Inconclusive {
					t.Errorf("%s it is %s: %s", kind, s.Verdict, s.Text)
				}
			}
		})
	}
}

// TestScript: a file says what is answered instead; a fault counts before it.
// TestStagesOwn: what a check of scope stage asks is there, too, and a fault of any of
// its targets spoils it.
func TestStagesOwn(t *testing.T) {
	p := parsed(t, `name: shop
stages:
  - name: production
    predeploy: [{alarms: {prefix: shop-, region: eu-west-1}, scope: stage}]
    targets: [{name: api, apigateway: {restApi: a1b2c3d4e5, stage: prod, region: eu-west-1}}]
`)
	f, err := sandbox.ParseFault("api:alarms:bad")
	if err != nil {
		t.Fatal(err)
	}
	for want, faults := range map[analysis.Verdict][]sandbox.Fault{analysis.Passed: nil, analysis.Failed: {f}} {
		sources, err := measured.New(measured.Options{Pipelines: []*pipeline.Pipeline{p}, Faults: faults, Now: time.Now, Getenv: os.Getenv})
		if err != nil {
			t.Fatal(err)
		}
		server, err := sandbox.Start(t.Context(), sandbox.Options{Beside: sources})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(server.Close)
		var environ []string
		for name, value := range sources.Env(server.Beside()) {
			environ = append(environ, name+"="+value)
		}
		runner := &check.Runner{Environ: environ, Transport: http.DefaultTransport, Now: time.Now}
		g := rollout.Gate{Alarms: p.Stages[0].Predeploy[0].Alarms}
		if got := runner.Look(t.Context(), g, check.Vars{}, analysis.Window{Begin: time.Now(), Now: time.Now()}); got.Verdict != want {
			t.Errorf("with %v: %+v", faults, got)
		}
	}
}

func TestScript(t *testing.T) {
	path := filepath.Join(t.TempDir(), "metrics.json")
	read := func(text string) (measured.Script, error) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return measured.ReadScript(path)
	}
	if s, err := measured.ReadScript(path); err != nil || s.Alarms != nil {
		t.Fatalf("a file that is not there: %+v, %v", s, err)
	}
	script, err := read(`{
		"prometheus": {"errors": [{"value": 0.001}, {"labels": {"pod": "b"}, "value": 0.001, "changes": [{"at": "2020-01-01T00:00:00Z", "value": 0.2}]}]},
		"monitoring": {"latency": []},
		"cloudwatch": {"AWS/ApiGateway 5XXError Average Stage=prod": [{"value": 9, "noise": 0.1, "late": "1m"}]},
		"alarms": {"shop-5xx": "ALARM"}, "policies": {"Errors": "disabled"}, "gates": {"shop production": "dry-run"}}`)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]analysis.Verdict{
		"prometheus": analysis.Failed, "monitoring": analysis.Inconclusive, "cloudwatch": analysis.Failed, "alarms": analysis.Failed,
		"alert policy": analysis.Inconclusive, "datadog gate": analysis.Inconclusive, "datadog": analysis.Passed,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if s := look(t, checks[name], script); s.Verdict != want {
				t.Errorf("it is %s (%s), want %s", s.Verdict, s.Text, want)
			}
		})
	}
	for text, want := range map[string]string{
		`{"prometheus": {"errors": [{"valu": 1}]}}`:            "valu",
		`{"cloudwatch": {"a b c": [{"value":1},{"value":2}]}}`: "one series, not 2",
		`{"datadog": {"q": [{"late": "soon"}]}}`:               `"soon"`,
		`{"alarms": {"a": "LOUD"}}`:                            `"a" is "LOUD"`,
	} {
		if _, err := read(text); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "metrics.json") {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// TestFaults: a fault that could never happen is refused with what there is.
func TestFaults(t *testing.T) {
	for text, want := range map[string]string{
		"api:alarms:bad":    "there are api:metric",
		"web:metric:bad":    `no check of target "web"`,
		"api:metric:drop":   "bad, missing, late, throttled",
		"api:metric#2:bad":  "leave out # and =",
		"api:metric:late=3": "leave out # and =",
	} {
		f, err := sandbox.ParseFault(text)
		if err != nil {
			t.Fatal(err)
		}
		_, err = measured.New(measured.Options{Pipelines: []*pipeline.Pipeline{parse(t, checks["datadog"])}, Faults: []sandbox.Fault{f}, Now: time.Now, Getenv: os.Getenv})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	f, err := sandbox.ParseFault("api:alarms:late")
	if err != nil {
		t.Fatal(err)
	}
	_, err = measured.New(measured.Options{Pipelines: []*pipeline.Pipeline{parse(t, checks["alert policy"])}, Faults: []sandbox.Fault{f}, Now: time.Now, Getenv: os.Getenv})
	if err == nil || !strings.Contains(err.Error(), "never late") {
		t.Errorf("a policy that is late: %v", err)
	}
}

// TestLocal: a Prometheus on this machine is somebody's own, and is asked itself.
func TestLocal(t *testing.T) {
	p := parse(t, `metric: {prometheus: {url: "http://127.0.0.1:9090", query: up}, condition: "> 0"}`)
	sources, err := measured.New(measured.Options{Pipelines: []*pipeline.Pipeline{p}, Now: time.Now, Getenv: os.Getenv})
	if err != nil || sources != nil {
		t.Errorf("%+v, %v", sources, err)
	}
}
