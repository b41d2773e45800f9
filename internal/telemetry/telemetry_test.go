package telemetry_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/telemetry"
	"sluice/internal/telemetry/telemetrytest"
	"sluice/rollout"
	"sluice/stages/driver"
)

var epoch = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func read(t *testing.T, env map[string]string) (telemetry.Settings, []string) {
	t.Helper()
	return telemetry.Read(func(name string) string { return env[name] })
}

func TestSettings(t *testing.T) {
	const all = "OTEL_EXPORTER_OTLP_ENDPOINT"
	for name, tt := range map[string]struct {
		env  map[string]string
		to   []string // where traces and metrics go
		says string   // "" for nothing
	}{
		"nothing":            {map[string]string{}, nil, ""},
		"nothing of ours":    {map[string]string{"OTEL_SERVICE_NAME": "x", "TRACEPARENT": "x"}, nil, ""},
		"all":                {map[string]string{all: "https://otel.example.com"}, []string{"https://otel.example.com/v1/traces", "https://otel.example.com/v1/metrics"}, ""},
		"a path":             {map[string]string{all: "https://otel.example.com/otlp/"}, []string{"https://otel.example.com/otlp/v1/traces", "https://otel.example.com/otlp/v1/metrics"}, ""},
		"one as it stands":   {map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://otel.example.com/here"}, []string{"https://otel.example.com/here"}, ""},
		"metrics alone":      {map[string]string{all: "https://otel.example.com", "OTEL_TRACES_EXPORTER": "none"}, []string{"https://otel.example.com/v1/metrics"}, ""},
		"the default":        {map[string]string{"OTEL_TRACES_EXPORTER": "otlp"}, []string{"http://localhost:4318/v1/traces"}, ""},
		"disabled":           {map[string]string{all: "https://otel.example.com", "OTEL_SDK_DISABLED": "True"}, nil, ""},
		"never sampled":      {map[string]string{all: "https://otel.example.com", "OTEL_TRACES_SAMPLER": "always_off"}, []string{"https://otel.example.com/v1/metrics"}, ""},
		"another sampler":    {map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://x/y", "OTEL_TRACES_SAMPLER": "traceidratio"}, []string{"https://x/y"}, "OTEL_TRACES_SAMPLER=traceidratio is not supported"},
		"http/json":          {map[string]string{all: "https://x", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json", "OTEL_METRICS_EXPORTER": "none"}, []string{"https://x/v1/traces"}, ""},
		"grpc":               {map[string]string{all: "https://x", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, nil, "OTEL_EXPORTER_OTLP_PROTOCOL=grpc is not supported, and no traces are exported; set OTEL_EXPORTER_OTLP_PROTOCOL=http/json"},
		"protobuf of one":    {map[string]string{all: "https://x", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf"}, []string{"https://x/v1/metrics"}, "set OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/json"},
		"another exporter":   {map[string]string{all: "https://x", "OTEL_TRACES_EXPORTER": "zipkin"}, []string{"https://x/v1/metrics"}, "OTEL_TRACES_EXPORTER=zipkin is not supported, and no traces are exported; set otlp or none"},
		"loopback":           {map[string]string{all: "http://127.0.0.1:4318"}, []string{"http://127.0.0.1:4318/v1/traces", "http://127.0.0.1:4318/v1/metrics"}, ""},
		"a name nearby":      {map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://otel-collector:4318/v1/traces"}, []string{"http://otel-collector:4318/v1/traces"}, ""},
		"unencrypted":        {map[string]string{all: "http://otel.example.com"}, nil, "would be sent unencrypted over a network; use https"},
		"headers nearby":     {map[string]string{all: "http://otel-collector:4318", "OTEL_EXPORTER_OTLP_HEADERS": "a=secret-1"}, nil, "would send the headers unencrypted"},
		"no address":         {map[string]string{all: "otel.example.com:4318"}, nil, "OTEL_EXPORTER_OTLP_ENDPOINT is not a URL with a host"},
		"a password":         {map[string]string{all: "https://me:secret-1@otel.example.com"}, nil, "has a user or password in it"},
		"no headers":         {map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://x/y", "OTEL_EXPORTER_OTLP_HEADERS": "secret-1"}, []string{"https://x/y"}, "OTEL_EXPORTER_OTLP_HEADERS: want key=value"},
		"no timeout":         {map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://x/y", "OTEL_EXPORTER_OTLP_TIMEOUT": "10s"}, []string{"https://x/y"}, "OTEL_EXPORTER_OTLP_TIMEOUT=10s is no number of milliseconds"},
		"a certificate":      {map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://x/y", "OTEL_EXPORTER_OTLP_CERTIFICATE": "ca.pem"}, []string{"https://x/y"}, "SSL_CERT_FILE"},
		"compressed somehow": {map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://x/y", "OTEL_EXPORTER_OTLP_COMPRESSION": "zstd"}, []string{"https://x/y"}, "none of gzip, none"},
		"no parent":          {map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://x/y", "TRACEPARENT": "00-0-0-0"}, []string{"https://x/y"}, "TRACEPARENT is no trace context"},
		"no temporality":     {map[string]string{"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "https://x/y", "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "x"}, []string{"https://x/y"}, "is none of cumulative, delta, lowmemory"},
	} {
		t.Run(name, func(t *testing.T) {
			s, warnings := read(t, tt.env)
			said := strings.Join(warnings, "\n")
			if got := s.Addresses(); !slices.Equal(got, tt.to) || s.On() != (len(tt.to) > 0) {
				t.Errorf("goes to %q, want %q", got, tt.to)
			}
			if (tt.says == "") != (said == "") || !strings.Contains(said, tt.says) || strings.Contains(said, "secret-1") {
				t.Errorf("says %q, want %q", said, tt.says)
			}
		})
	}
}

// bench is a recorder of one run that tells a collector.
type bench struct {
	*telemetry.Recorder
	collector *telemetrytest.Collector
	warned    []string
}

func newBench(t *testing.T, collector *telemetrytest.Collector, run string, more ...string) *bench {
	t.Helper()
	env := map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "https://otel.example.com", "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20secret-1"}
	for pair := range slices.Chunk(more, 2) {
		env[pair[0]] = pair[1]
	}
	s, warnings := read(t, env)
	b := &bench{collector: collector}
	if len(warnings) > 0 {
		t.Error(warnings)
	}
	now := epoch.Add(48 * time.Hour)
	b.Recorder = &telemetry.Recorder{
		Settings: s, Run: telemetry.Run{Version: "1.2.3", ID: run, Command: "promote", URL: "https://github.com/o/r/actions/runs/1", Began: epoch},
		Transport: collector, Now: func() time.Time { return now },
		Redact: func(text string) string { return strings.ReplaceAll(text, "token-12345", "***") },
		Warn:   func(text string) { b.warned = append(b.warned, text) },
	}
	return b
}

func (b *bench) export(t *testing.T, promotions ...string) {
	t.Helper()
	b.Export(t.Context(), []telemetry.Ending{{Pipeline: "shop", Promotions: promotions, Result: rollout.ResultSuccess, Status: "succeeded"}})
	if wrong := b.collector.Wrong(); len(wrong) > 0 {
		t.Errorf("it refused %q", wrong)
	}
}

// deed is one of the rollout of api; from and to are minutes.
func deed(kind rollout.DeedKind, from, to int, change func(*rollout.Deed)) rollout.Deed {
	d := rollout.Deed{
		Kind: kind, Pipeline: "shop", Stage: "production", Promotion: "promote-1", Target: "api", Platform: "apigateway", Rollout: "r2-to-api-0001",
		Release: driver.Release{ID: "r2"}, Command: "promote", Made: epoch, Began: epoch.Add(time.Duration(from) * time.Minute),
		Ended: epoch.Add(time.Duration(to) * time.Minute), Result: rollout.ResultSuccess, RunURL: "https://github.com/o/r/actions/runs/1",
	}
	if change != nil {
		change(&d)
	}
	return d
}

func phase(d *rollout.Deed) { d.Phase, d.PhaseBegan = "canary-10", epoch }

func job(name string) func(*rollout.Deed) {
	return func(d *rollout.Deed) {
		phase(d)
		d.Job, d.Run = name, "r2-to-api-0001/canary-10-"+name+"-1"
	}
}

// TestOneTrace: what runs on two days tell of one promotion is one trace, each span in
// what it is part of.
func TestOneTrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &telemetrytest.Collector{}
		first := newBench(t, c, "run-1", "TRACEPARENT", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
		first.Deed(deed(rollout.DeedEffect, 0, 1, func(d *rollout.Deed) { job("deploy")(d); d.Key, d.Effect = "k1", driver.Weight }))
		first.Deed(deed(rollout.DeedJob, 0, 2, job("deploy")))
		first.export(t)
		if c.Spans()[0].Links[0].SpanID != "00f067aa0ba902b7" {
			t.Errorf("what started it is not linked: %+v", c.Spans()[0])
		}
		second := newBench(t, c, "run-2")
		failed := func(d *rollout.Deed) { d.Result, d.Cause = rollout.ResultFailure, rollout.ExecutionFailed }
		second.Deed(deed(rollout.DeedCheck, 3, 4, func(d *rollout.Deed) {
			job("verify")(d)
			d.Check, d.Value, d.Result = "errors token-12345", "0.2", rollout.ResultFailure
		}))
		second.Deed(deed(rollout.DeedJob, 3, 4, func(d *rollout.Deed) { job("verify")(d); failed(d) }))
		second.Deed(deed(rollout.DeedPhase, 0, 4, func(d *rollout.Deed) { phase(d); failed(d) }))
		second.Deed(deed(rollout.DeedRollout, 0, 5, failed))
		second.Deed(deed(rollout.DeedPromotion, 0, 5, failed))
		second.export(t)
		want := "trace 1\n" + `  RUN shop failed
    promote api failed
      canary-10 failed
        deploy
          weight
        verify failed
          check failed
    promote
    promote
`
		if got := c.Tree(); sorted(got) != sorted(want) || !strings.HasPrefix(got, "trace 1\n  RUN shop failed\n") || strings.Count(got, "          weight") != 1 {
			t.Errorf("it is\n%s\nwant\n%s", got, want)
		}
		for _, s := range c.Spans() {
			if text := fmt.Sprint(s.Attributes.Map()); strings.Contains(text, "token-12345") || strings.Contains(text, "secret-1") {
				t.Errorf("a secret in %s", text)
			}
		}
		if len(first.warned)+len(second.warned) > 0 {
			t.Error(first.warned, second.warned)
		}
	})
}

func sorted(text string) string {
	lines := strings.Split(text, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// TestConventions: the attributes that the conventions require are there, and a span's
// kind.
func TestConventions(t *testing.T) { synctest.Test(t, conventions) }

func conventions(t *testing.T) {
	c := &telemetrytest.Collector{}
	b := newBench(t, c, "run-1", "OTEL_RESOURCE_ATTRIBUTES", "team=a%20b,service.name=other", "OTEL_SERVICE_NAME", "deployer", "OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
	b.Deed(deed(rollout.DeedPromotion, 0, 5, nil))
	b.Deed(deed(rollout.DeedRollout, 0, 5, func(d *rollout.Deed) { d.Result, d.Cause = rollout.ResultTimeout, rollout.DeadlineExceeded }))
	b.Deed(deed(rollout.DeedCheck, 9, 4, func(d *rollout.Deed) { d.DryRun, d.Result = true, rollout.ResultFailure }))
	b.export(t)
	spans := c.Spans()
	root, one, check := spans[1], spans[2], spans[3]
	want := map[string]any{
		"cicd.pipeline.name": "shop", "cicd.pipeline.run.id": "promote-1", "cicd.pipeline.result": "success", "cicd.pipeline.action.name": "RUN",
		"cicd.pipeline.run.url.full": "https://github.com/o/r/actions/runs/1", "deployment.environment.name": "production",
	}
	for key, value := range want {
		if root.Attributes.Map()[key] != value {
			t.Errorf("%s is %v, want %v", key, root.Attributes.Map()[key], value)
		}
	}
	if root.Kind != 2 || one.Kind != 1 || root.Start.Time() != epoch || root.End.Time() != epoch.Add(5*time.Minute) || root.Failed() {
		t.Errorf("%+v", root)
	}
	if a := one.Attributes.Map(); !one.Failed() || a["error.type"] != "timeout" || a["cicd.pipeline.task.run.result"] != "timeout" || a["deployment.status"] != "failed" || a["cicd.pipeline.task.type"] != "deploy" {
		t.Errorf("%v", a)
	}
	if a := check.Attributes.Map(); check.Failed() || a["sluice.check.dry_run"] != true || check.Start != check.End {
		t.Errorf("%v", a)
	}
	if r := c.Resources()[0]; r["service.name"] != "deployer" || r["team"] != "a b" || r["service.version"] != "1.2.3" {
		t.Errorf("%v", r)
	}
	for _, r := range c.Requests() {
		if r.Header.Get("Authorization") != "Bearer secret-1" || r.Header.Get("Content-Encoding") != "gzip" {
			t.Errorf("%v", r.Header)
		}
	}
	if s := b.Secrets(); !slices.Contains(s, "Bearer secret-1") || !slices.Contains(s, "secret-1") {
		t.Errorf("%q are masked", s)
	}
}

// TestMetrics: durations and outcomes, each run's own.
func TestMetrics(t *testing.T) { synctest.Test(t, testMetrics) }

func testMetrics(t *testing.T) {
	c := &telemetrytest.Collector{}
	b := newBench(t, c, "run-1")
	for i := range 3 {
		b.Deed(deed(rollout.DeedRollout, 0, i, func(d *rollout.Deed) {
			if i == 2 {
				d.Result, d.Cause = rollout.ResultFailure, rollout.ExecutionFailed
			}
		}))
		b.Deed(deed(rollout.DeedEffect, 0, i, func(d *rollout.Deed) { d.Effect = driver.Stable }))
	}
	b.Deed(deed(rollout.DeedPromotion, 0, 90, func(d *rollout.Deed) { d.Result = rollout.ResultFailure }))
	b.export(t)
	points := map[string][]telemetrytest.Histogram{}
	for _, m := range c.Metrics() {
		if m.Histogram != nil {
			points[m.Name] = m.Histogram.DataPoints
			if m.Unit != "s" || m.Histogram.Temporality != 2 {
				t.Errorf("%+v", m)
			}
		} else if p := m.Sum.DataPoints; m.Name != "cicd.pipeline.run.errors" || len(p) != 1 || p[0].AsInt != 1 || p[0].Attributes.Map()["error.type"] != "execution_failed" {
			t.Errorf("%+v", m)
		}
	}
	run := points["cicd.pipeline.run.duration"]
	if len(run) != 1 || run[0].Sum != 5400 || run[0].Attributes.Map()["cicd.pipeline.result"] != "failure" || run[0].Attributes.Map()["cicd.pipeline.run.state"] != "executing" {
		t.Errorf("%+v", run)
	}
	if r := points["sluice.rollout.duration"]; len(r) != 2 || r[0].Count != 2 || r[0].Sum != 60 || r[0].Max != 60 || r[0].Min != 0 || r[0].Buckets[0] != 1 || r[0].Buckets[4] != 1 {
		t.Errorf("%+v", r)
	}
	if e := points["sluice.effect.duration"]; len(e) != 1 || e[0].Count != 3 || e[0].Attributes.Map()["cicd.pipeline.task.name"] != "stable" {
		t.Errorf("%+v", e)
	}
	b = newBench(t, c, "run-2", "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "delta")
	b.Deed(deed(rollout.DeedPromotion, 0, 90, nil))
	b.export(t)
	if all := c.Metrics(); all[len(all)-1].Histogram.Temporality != 1 {
		t.Errorf("%+v", all[len(all)-1])
	}
}

// TestAnswers: what may be taken the next time is sent again, as the collector says
// when; nothing else is; and whatever it does, telling ends in time with a warning.
func TestAnswers(t *testing.T) {
	ok := telemetrytest.Answer{Code: http.StatusOK, Body: "{}"}
	code := func(n int, after string) telemetrytest.Answer {
		return telemetrytest.Answer{Code: n, RetryAfter: after}
	}
	hangs := telemetrytest.Answer{Hangs: true}
	partly := telemetrytest.Answer{Code: http.StatusOK, Body: `{"partialSuccess": {"rejectedSpans": "1", "errorMessage": "too long"}}`}
	for name, tt := range map[string]struct {
		answers  []telemetrytest.Answer
		requests int
		says     string
		from, to time.Duration
	}{
		"well":               {[]telemetrytest.Answer{ok}, 1, "", 0, 0},
		"bad data":           {[]telemetrytest.Answer{code(400, "")}, 1, "it answered 400: as scripted", 0, 0},
		"too large":          {[]telemetrytest.Answer{code(413, "")}, 1, "it answered 413", 0, 0},
		"denied":             {[]telemetrytest.Answer{code(401, "")}, 1, "it answered 401", 0, 0},
		"a mistake of its":   {[]telemetrytest.Answer{code(500, "")}, 1, "it answered 500", 0, 0},
		"elsewhere":          {[]telemetrytest.Answer{code(307, "")}, 1, "it answered 307", 0, 0},
		"busy":               {[]telemetrytest.Answer{code(503, ""), ok}, 2, "", time.Millisecond, time.Second},
		"throttled":          {[]telemetrytest.Answer{code(429, "3"), ok}, 2, "", 3 * time.Second, 3 * time.Second},
		"throttled long":     {[]telemetrytest.Answer{code(429, "3600")}, 1, "it answered 429, and wants to be asked again after 1h0m0s", 0, 0},
		"throttled for ever": {slices.Repeat([]telemetrytest.Answer{code(429, "1")}, 20), 5, "it answered 429", 4 * time.Second, 5 * time.Second},
		"gateways":           {[]telemetrytest.Answer{code(502, ""), code(504, ""), ok}, 3, "", time.Millisecond, 3 * time.Second},
		"silent":             {slices.Repeat([]telemetrytest.Answer{hangs}, 9), 1, "it cannot be reached", 10 * time.Second, 10 * time.Second},
		"in part":            {[]telemetrytest.Answer{partly}, 1, "OpenTelemetry's collector says: 1 were not taken: too long", 0, 0},
		"a word":             {[]telemetrytest.Answer{{Code: 200, Body: `{"partialSuccess": {"rejectedSpans": 0, "errorMessage": "move"}}`}}, 1, "says: move", 0, 0},
		"no JSON":            {[]telemetrytest.Answer{{Code: 200, Body: "<html>"}}, 1, "", 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := &telemetrytest.Collector{}
				c.Answer(tt.answers...)
				b := newBench(t, c, "run-1", "OTEL_METRICS_EXPORTER", "none")
				b.Deed(deed(rollout.DeedPromotion, 0, 5, nil))
				began := time.Now()
				b.export(t)
				took := time.Since(began)
				if n := len(c.Requests()); n != tt.requests || took < tt.from || took > tt.to {
					t.Errorf("%d requests in %s, want %d in %s to %s", n, took, tt.requests, tt.from, tt.to)
				}
				said := strings.Join(b.warned, "\n")
				if (tt.says == "") != (said == "") || !strings.Contains(said, tt.says) || strings.Contains(said, "otel.example.com") {
					t.Errorf("says %q, want %q", said, tt.says)
				}
			})
		})
	}
}

// TestHostile: what a collector says is told in one line that no runner and no terminal
// obeys, and as short as what it may say.
func TestHostile(t *testing.T) {
	const evil = `long\r\n::error::owned\u001b[31m` + "\u202e"
	for _, answer := range []telemetrytest.Answer{
		{Code: 200, Body: `{"partialSuccess": {"rejectedSpans": "1", "errorMessage": "` + evil + `"}}`},
		{Code: 200, Body: `{"partialSuccess": {"rejectedSpans": "` + evil + `", "errorMessage": "x"}}`},
		{Code: 400, Body: `{"message": "` + evil + `"}`},
		{Code: 200, Body: `{"partialSuccess": {"errorMessage": "` + strings.Repeat("m", 1<<20) + `"}}`},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := &telemetrytest.Collector{}
			c.Answer(answer)
			b := newBench(t, c, "run-1", "OTEL_METRICS_EXPORTER", "none")
			b.Deed(deed(rollout.DeedPromotion, 0, 5, nil))
			b.export(t)
			said := strings.Join(b.warned, "")
			if strings.ContainsAny(said, "\r\n\x1b\u202e") || len(said) > 4096 {
				t.Errorf("%d bytes: %.300q", len(said), said)
			}
		})
	}
}

// TestManySpans are sent in parts, and an interruption ends that.
func TestManySpans(t *testing.T) { synctest.Test(t, manySpans) }

func manySpans(t *testing.T) {
	c := &telemetrytest.Collector{}
	b := newBench(t, c, "run-1", "OTEL_METRICS_EXPORTER", "none")
	for i := range 2100 {
		b.Deed(deed(rollout.DeedRollout, 0, 5, func(d *rollout.Deed) { d.Target = fmt.Sprint("t", i) }))
	}
	b.export(t)
	if n := len(c.Requests()); n != 2 || len(c.Spans()) != 2101 {
		t.Errorf("%d requests, %d spans", n, len(c.Spans()))
	}
	ids := map[string]bool{}
	for _, s := range c.Spans() {
		ids[s.SpanID] = true
	}
	if len(ids) != 2101 {
		t.Errorf("%d ids", len(ids))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b.Export(ctx, nil)
	if len(c.Requests()) != 2 || !strings.Contains(strings.Join(b.warned, ""), "2100 of 2100 spans were not taken") {
		t.Errorf("%d requests, %q", len(c.Requests()), b.warned)
	}
}

// TestNothingToTell sends nothing.
func TestNothingToTell(t *testing.T) {
	c := &telemetrytest.Collector{}
	b := newBench(t, c, "run-1")
	b.export(t)
	b.Deed(rollout.Deed{Kind: rollout.DeedRollout, Pipeline: "shop"}) // of no promotion
	b.Settings, _ = read(t, map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://x/v1/traces"})
	b.export(t)
	if n := len(c.Requests()); n != 0 {
		t.Errorf("%d requests", n)
	}
}

// TestTheCollectorIsStrict: it refuses what the specification does not have.
func TestTheCollectorIsStrict(t *testing.T) {
	good := `{"resourceSpans":[{"resource":{"attributes":[]},"scopeSpans":[{"scope":{"name":"x"},"spans":[{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7","name":"x","kind":1,"startTimeUnixNano":"1","endTimeUnixNano":"2","attributes":[{"key":"a","value":{"stringValue":"b"}}]}]}],"schemaUrl":""}]}`
	send := func(body string) int {
		c := &telemetrytest.Collector{}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://x/v1/traces", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		resp, err := c.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode
	}
	if code := send(good); code != http.StatusOK || !json.Valid([]byte(good)) {
		t.Fatalf("%d", code)
	}
	for _, change := range [][2]string{
		{`"kind":1`, `"kind":"SPAN_KIND_INTERNAL"`}, {`"kind":1`, `"kind":0`}, {`"startTimeUnixNano":"1"`, `"startTimeUnixNano":1`}, {`"endTimeUnixNano":"2"`, `"endTimeUnixNano":"0"`},
		{`4bf92f3577b34da6a3ce929d0e0e4736`, `S/kvNXezTaajzpKdDg5HNg==`}, {`"spanId":"00f067aa0ba902b7"`, `"spanId":"0000000000000000"`},
		{`"name":"x","kind"`, `"name":"x","span_kind":1,"kind"`}, {`{"stringValue":"b"}`, `{"stringValue":"b","boolValue":true}`}, {`{"stringValue":"b"}`, `{"intValue":7}`},
	} {
		if body := strings.Replace(good, change[0], change[1], 1); body == good || send(body) != http.StatusBadRequest {
			t.Errorf("%s was taken", change[1])
		}
	}
}
