// Package sandboxtest helps to test emulators and what talks to them.
package sandboxtest

import (
	"encoding/json"
	"sync"
	"testing"
	"time"

	"sluice/internal/sandbox"
	"sluice/pipeline"
	"sluice/stages/driver"
)

// Target is one target of a pipeline under test.
type Target struct {
	Name      string
	Component string
	From      string
	Config    any            // the platform's keys, marshalled to JSON
	Header    *driver.Header // what its testers send; nil for a target without a canary
}

// Pipeline is a pipeline on one platform. Its stages are s1, s2, … with the
// given targets.
func Pipeline(tb testing.TB, platform string, stages ...[]Target) *pipeline.Pipeline {
	tb.Helper()
	p := &pipeline.Pipeline{File: "sluice.yaml", Name: pipeline.At[string]{Value: "test"}}
	for i, targets := range stages {
		stage := &pipeline.Stage{Name: pipeline.At[string]{Value: "s" + string(rune('1'+i))}}
		for _, t := range targets {
			config, err := json.Marshal(t.Config)
			if err != nil {
				tb.Fatal(err)
			}
			stage.Targets = append(stage.Targets, &pipeline.Target{
				Name:      pipeline.At[string]{Value: t.Name},
				Component: pipeline.At[string]{Value: t.Component},
				From:      pipeline.At[string]{Value: t.From},
				Stage:     stage,
				Platform:  driver.Facts{Platform: platform},
				Config:    config,
				Canary:    canaryOf(t.Header),
			})
		}
		p.Stages = append(p.Stages, stage)
	}
	return p
}

// canaryOf is a canary that testers are led to by a header; nil without one.
func canaryOf(h *driver.Header) *pipeline.Canary {
	if h == nil {
		return nil
	}
	at := func(text string) pipeline.At[string] { return pipeline.At[string]{Value: text} }
	return &pipeline.Canary{Header: &pipeline.Header{Domain: at(h.Domain), Name: at(h.Name), Value: at(h.Value)}}
}

// Start serves a sandbox until the test ends.
func Start(tb testing.TB, o sandbox.Options) *sandbox.Server {
	tb.Helper()
	s, err := sandbox.Start(tb.Context(), o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.Close)
	return s
}

// Faults parses faults as the command line gives them.
func Faults(tb testing.TB, specs ...string) []sandbox.Fault {
	tb.Helper()
	var faults []sandbox.Fault
	for _, spec := range specs {
		f, err := sandbox.ParseFault(spec)
		if err != nil {
			tb.Fatal(err)
		}
		faults = append(faults, f)
	}
	return faults
}

// Clock is a clock that stands until it is moved. The zero Clock shows the zero
// time.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock is a clock that shows t.
func NewClock(t time.Time) *Clock { return &Clock{now: t} }

// Now is what the clock shows.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Snapshot keeps what an emulator and its clock show, and returns what puts both
// back. Nothing is served meanwhile.
func Snapshot(t testing.TB, e sandbox.Emulator, c *Clock) (putBack func()) {
	t.Helper()
	saved, err := e.Save()
	if err != nil {
		t.Fatal(err)
	}
	at := c.Now()
	return func() {
		t.Helper()
		if err := e.Restore(saved); err != nil {
			t.Fatal(err)
		}
		c.Move(at.Sub(c.Now()))
	}
}

// Move puts the clock forward.
func (c *Clock) Move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}
