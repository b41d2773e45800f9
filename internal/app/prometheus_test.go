package app_test

import (
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"sluice/internal/sandbox/metrics"
	"sluice/internal/sandbox/prometheus"
)

// placeholder is what a story's files have in the place of the emulator's address.
const placeholder = "PROMETHEUS"

type prometheusKey struct{}

// runningPrometheus is a story's emulator and where it is served.
type runningPrometheus struct {
	*prometheus.Emulator
	address string
}

// prometheusCommand is a Prometheus in a story:
//
//	prometheus FILE QUERY VALUE    has the query answer a value, or "none", and writes the emulator's address into FILE
func prometheusCommand(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) != 3 {
		ts.Fatalf("usage: prometheus FILE QUERY VALUE")
	}
	p := emulated(ts)
	series := metrics.Series{Value: metrics.Missing()}
	if args[2] != "none" {
		v, err := strconv.ParseFloat(args[2], 64)
		ts.Check(err)
		series.Value = metrics.Steady(v)
	}
	p.Answer(args[1], series)
	path := ts.MkAbs(args[0])
	text, err := os.ReadFile(path)
	ts.Check(err)
	ts.Check(os.WriteFile(path, []byte(strings.ReplaceAll(string(text), placeholder, p.address)), 0o600))
}

// emulated is the story's emulator, served from its first use on.
func emulated(ts *testscript.TestScript) *runningPrometheus {
	held := ts.Value(prometheusKey{}).(map[prometheusKey]*runningPrometheus)
	if p, ok := held[prometheusKey{}]; ok {
		return p
	}
	p := &runningPrometheus{Emulator: prometheus.New(time.Now)}
	server := httptest.NewServer(p)
	ts.Defer(server.Close)
	p.address = strings.TrimPrefix(server.URL, "http://")
	held[prometheusKey{}] = p
	return p
}
