package engine_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/internal/old/engine"
	"sluice/internal/old/rollout"
	"sluice/internal/store"
	"sluice/internal/store/storetest"
	"sluice/pipeline"
	"sluice/stages/driver"
)

// world is everything outside of the engine: platforms, a store, a pipeline
// file, and processes that can die.
type world struct {
	t        *testing.T
	file     string
	skies    []*sky
	memory   *storetest.Memory
	checks   *checks
	observer *observer
	end      chan struct{} // closed when the test is over: dead processes may go
	config   func(*engine.Config)
	parsed   map[string]*pipeline.Pipeline
}

// The platforms of the tests: one target a call, several a call, and one that
// owns its rollouts.
func skyFacts() driver.Facts {
	return driver.Facts{Platform: "sky", Title: "The sky", Backoff: driver.Backoff{Initial: time.Second, Max: time.Minute, Factor: 2}}
}

func fleetFacts() driver.Facts {
	return driver.Facts{
		Platform: "fleet", Title: "A fleet", Batch: 3, Kinds: []driver.Kind{driver.Deploy, driver.Rollback},
		Backoff: driver.Backoff{Initial: time.Second, Max: time.Minute, Factor: 2},
	}
}

// one is the pipeline of most tests: what runs on web-dev goes to web.
const one = `
name: shop
stages:
  - name: dev
    targets: [{name: web-dev, sky: {spot: web-dev}}]
  - name: prod
    targets: [{name: web, sky: {spot: web}}]
`

// with adds keys to the last target of a pipeline in flow style.
func with(file, keys string) string {
	i := strings.LastIndex(file, "}]")
	return file[:i] + ", " + keys + file[i:]
}

func newWorld(t *testing.T, file string) *world {
	t.Helper()
	w := &world{
		t: t, file: file, memory: storetest.NewMemory(), checks: &checks{fails: map[string]error{}}, observer: &observer{},
		skies: []*sky{newSky(skyFacts()), newSky(fleetFacts()), newCloud()}, end: make(chan struct{}), parsed: map[string]*pipeline.Pipeline{},
	}
	t.Cleanup(func() {
		close(w.end)
		time.Sleep(48 * time.Hour) // what a dead process was about runs into its end
	})
	for _, s := range w.skies {
		for n, id := range []string{"r1", "r2", "r3"} {
			s.releases[id] = time.Date(1999, 1, 1+n, 0, 0, 0, 0, time.UTC)
		}
	}
	for target := range w.pipeline().All() {
		release := "r1"
		if target.Stage == w.pipeline().Stages[0] || target.Stage.Name.Value == "dev" {
			release = "r2"
		}
		w.platform(target.Platform.Platform).put(target.Name.Value, release)
	}
	return w
}

func (w *world) sky() *sky { return w.skies[0] }

func (w *world) platform(name string) *sky {
	return w.skies[slices.IndexFunc(w.skies, func(s *sky) bool { return s.facts.Platform == name })]
}

func (w *world) pipeline() *pipeline.Pipeline {
	w.t.Helper()
	if p := w.parsed[w.file]; p != nil {
		return p
	}
	facts := make([]driver.Facts, len(w.skies))
	for i, s := range w.skies {
		facts[i] = s.facts
	}
	p, problems := pipeline.Parse("sluice.yaml", []byte(w.file), facts)
	if pipeline.Failed(problems) {
		w.t.Fatalf("the test's own pipeline is wrong: %v", problems)
	}
	w.parsed[w.file] = p
	return p
}

// record is what the store holds of a target.
func (w *world) record(target string) rollout.Record {
	w.t.Helper()
	entries, err := w.memory.Load(context.WithoutCancel(w.t.Context()), store.Key{Pipeline: "shop", Target: target})
	if err != nil {
		w.t.Fatal(err)
	}
	if entries[0].Version == "" {
		return rollout.Record{}
	}
	r, err := rollout.Decode(entries[0].Data)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// newest is the newest rollout in a target's stored record.
func (w *world) newest(target string) rollout.Execution {
	w.t.Helper()
	r := w.record(target)
	x, ok := r.Newest()
	if !ok {
		w.t.Fatalf("%s has no rollout", target)
	}
	return *x
}

// set changes a target's stored record as another run would.
func (w *world) set(target string, change func(*rollout.Record)) {
	w.t.Helper()
	r := w.record(target)
	if r.Schema == "" {
		t, err := w.pipeline().Target(target)
		if err != nil {
			w.t.Fatal(err)
		}
		r = rollout.New("shop", t.Driver())
	}
	change(&r)
	r.Generation++
	data, err := rollout.Encode(r)
	if err != nil {
		w.t.Fatal(err)
	}
	w.memory.Set(store.Key{Pipeline: "shop", Target: target}, data)
}
