package app_test

import (
	"fmt"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"sluice/internal/telemetry/telemetrytest"
)

// collectorKey is under which a story's collector is kept.
type collectorKey struct{}

// collectorCommand is OpenTelemetry's collector in a story:
//
//	collector serve           from here on the environment leads to it
//	collector answer CODE…    how it answers next
//	collector tree FILE       writes its spans into FILE, each below what it is part of
//	collector metrics FILE    writes its metrics into FILE
//	collector attributes FILE NAME   writes the attributes of the spans of that name
//	collector requests COUNT  so many requests came
func collectorCommand(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) == 0 {
		ts.Fatalf("usage: collector serve|answer|tree|metrics|attributes|requests …")
	}
	c := ts.Value(collectorKey{}).(*telemetrytest.Collector)
	switch args[0] {
	case "serve":
		server := httptest.NewServer(c)
		ts.Defer(server.Close)
		ts.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.URL)
	case "answer":
		for _, code := range args[1:] {
			n, err := strconv.Atoi(code)
			ts.Check(err)
			c.Answer(telemetrytest.Answer{Code: n})
		}
	case "tree":
		write(ts, args[1], c.Tree())
	case "metrics":
		write(ts, args[1], measured(c))
	case "attributes":
		for _, s := range c.Spans() {
			if s.Name == args[2] {
				write(ts, args[1], fmt.Sprint(s.Attributes.Map(), s.Links))
			}
		}
	case "requests":
		if n := len(c.Requests()); strconv.Itoa(n) != args[1] {
			ts.Fatalf("%d requests, want %s; it refused %q", n, args[1], c.Wrong())
		}
	}
}

// measured are a collector's metrics, a line a point.
func measured(c *telemetrytest.Collector) string {
	var lines []string
	for _, m := range c.Metrics() {
		if m.Sum != nil {
			for _, p := range m.Sum.DataPoints {
				lines = append(lines, fmt.Sprintf("%s %d %v", m.Name, p.AsInt, p.Attributes.Map()["error.type"]))
			}
			continue
		}
		for _, p := range m.Histogram.DataPoints {
			a := p.Attributes.Map()
			how := a["cicd.pipeline.result"]
			if how == nil {
				how = a["cicd.pipeline.task.run.result"]
			}
			lines = append(lines, fmt.Sprintf("%s %d %v", m.Name, p.Count, how))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n") + "\n"
}

// write writes a file of the story.
func write(ts *testscript.TestScript, name, text string) {
	ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o600))
}
