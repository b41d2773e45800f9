package conform

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"time"

	"sluice/stages"
	"sluice/stages/driver"
)

// Bench is one fresh platform and the hands that work on it. Whatever goes
// wrong on the way ends the case.
type Bench struct {
	T
	Harness
	release driver.Release // what the source runs: it travels
	earlier driver.Release // what the first target runs
	key     int
	way     http.RoundTripper // to the platform
}

// NewBench is a bench on a fresh platform that is reached over the network.
func NewBench(t T, h Harness) *Bench {
	t.Helper()
	return newBenchOver(t, h, http.DefaultTransport)
}

// NewInside is a bench that reaches its platform within the process, if it can.
func NewInside(t T, h Harness) *Bench {
	t.Helper()
	if h.Inside == nil {
		return NewBench(t, h)
	}
	return newBenchOver(t, h, h.Inside)
}

func newBenchOver(t T, h Harness, way http.RoundTripper) *Bench {
	t.Helper()
	b := &Bench{T: t, Harness: h, way: way}
	b.release = b.pinned(b.Current(h.Members[0].Source))
	b.earlier = b.Current(h.Members[0].Target)
	if b.release.ID == "" || b.release.ID == b.earlier.ID {
		t.Fatalf("the source runs %q and the target %q: they must begin with two releases", b.release.ID, b.earlier.ID)
	}
	return b
}

// pinned is what the source runs as the first target knows it: who promotes a
// release whose time was not told asks the target for it.
func (b *Bench) pinned(r driver.Release) driver.Release {
	b.Helper()
	if r.ID == "" || !r.CreateTime.IsZero() {
		return r
	}
	known, err := b.place(b.Target()).Resolve(b.Context(), r.ID)
	b.Must(err)
	if !known.Is(r.ID) {
		b.Fatalf("%q became %+v: it must be the same, or name it as its origin", r.ID, known)
	}
	return known
}

// Target is the first member's.
func (b *Bench) Target() driver.Target { return b.Members[0].Target }

// place is a target as a new process sees it.
func (b *Bench) place(t driver.Target) *stages.Target { return b.placeWith(t, nil) }

// placeWith is place with another environment laid over.
func (b *Bench) placeWith(t driver.Target, over map[string]string) *stages.Target {
	b.Helper()
	env := maps.Clone(b.Env)
	maps.Copy(env, over)
	s := stages.New(
		driver.Env{Getenv: func(name string) string { return env[name] }, Now: b.Now, Transport: b.way},
		stages.Platform{Facts: b.Facts, Open: b.Open},
	)
	place, err := s.Target(again(b, t))
	b.Must(err)
	return place
}

// Current is what a target runs, as a new process reads it.
func (b *Bench) Current(t driver.Target) driver.Release {
	b.Helper()
	r, err := b.place(t).Current(b.Context())
	b.Must(err)
	return r
}

// change moves the source's release to a member, by whatever kind.
func (b *Bench) change(m Member) driver.Change {
	c := driver.Change{Target: m.Target, Source: &m.Source, Release: b.release, Header: b.Header}
	if b.Facts.Supports(driver.Weight) {
		c.Percent = b.share()
	}
	if b.Facts.Split.Variables {
		c.Variables = map[string]string{"flavor": "canary"}
	}
	return c
}

// share is what the canary gets: a fraction of a percent too, where that can be.
func (b *Bench) share() string {
	if b.Facts.Split.Whole {
		return "10"
	}
	return "10.5"
}

// call is a new effect on changes.
func (b *Bench) call(kind driver.Kind, changes ...driver.Change) driver.Call {
	b.key++
	return driver.Call{Key: string(kind) + "-" + time.Duration(b.key).String(), Kind: kind, Changes: changes}
}

// Prepare freezes a call that nothing speaks against, intended now.
func (b *Bench) Prepare(c driver.Call) driver.Prepared {
	b.Helper()
	p, err := b.place(b.Target()).Prepare(b.Context(), again(b, c))
	b.Must(err)
	for _, f := range p.Findings {
		if f.Severity == driver.Refuse || f.Severity == driver.Foreign {
			b.Fatalf("%s is stopped: %+v", c.Kind, f)
		}
	}
	p.Call.Intended = b.Now()
	return p
}

// Begin sends a prepared call.
func (b *Bench) Begin(c driver.Call) (driver.Operation, error) {
	b.Helper()
	op, err := b.place(b.Target()).Begin(b.Context(), again(b, c))
	return again(b, op), err
}

// follow polls until every target has its result.
func (b *Bench) follow(c driver.Call, op driver.Operation) driver.Operation {
	b.Helper()
	for range 500 {
		op = again(b, op)
		op.Call = again(b, c)
		next, wait, err := b.place(b.Target()).Poll(b.Context(), op)
		b.Must(err)
		if next.Finished() {
			return next
		}
		op = next
		b.Advance(max(wait, b.Facts.Backoff.Initial, time.Second))
	}
	b.Fatalf("%s never ends: %+v", c.Kind, op)
	return op
}

// do takes a call through the whole protocol.
func (b *Bench) do(c driver.Call) (driver.Prepared, driver.Operation) {
	b.Helper()
	p := b.Prepare(c)
	op, err := b.Begin(p.Call)
	b.Must(err)
	return p, b.follow(p.Call, op)
}

// decide looks a lost call up until it is decided. Absent before the
// platform's settling time has passed ends the test.
func (b *Bench) decide(c driver.Call) (driver.Verdict, driver.Operation) {
	b.Helper()
	for range 500 {
		verdict, op, err := b.place(b.Target()).Lookup(b.Context(), again(b, c))
		b.Must(err)
		if early := c.Intended.Add(b.Facts.Settle).Sub(b.Now()); verdict == driver.Absent && early > 0 {
			b.Fatalf("%s is called absent %s before the settling time is over", c.Kind, early)
		}
		if verdict != driver.Undecided {
			return verdict, again(b, op)
		}
		b.Advance(max(b.Facts.Settle/4, 100*time.Millisecond))
	}
	b.Fatalf("%s is never decided", c.Kind)
	return "", driver.Operation{}
}

// Bring brings the first target where a kind is possible and returns its call.
func (b *Bench) Bring(kind driver.Kind) driver.Call {
	b.Helper()
	change := b.change(b.Members[0])
	switch kind {
	case driver.Stable:
		b.step(&change, driver.Weight)
	case driver.Disable:
		b.step(&change, driver.Weight)
		if b.Facts.Split.Leaves {
			b.step(&change, driver.Stable)
		} else {
			change.Release = b.earlier // it takes away a canary that stands
		}
	case driver.Route, driver.Unroute, driver.Unhost:
		for _, before := range forTesters()[:slices.Index(forTesters(), kind)] {
			b.step(&change, before)
		}
		if kind != driver.Route {
			change.Release = b.earlier // it takes away what stands for testers
		}
	case driver.Rollback:
		first := driver.Deploy
		if b.Facts.Supports(driver.Weight) {
			first = driver.Weight
		}
		change.Baseline = b.step(&change, first)
		change.Release, change.Source = b.earlier, nil
	default:
		if kind.IsCommand() {
			if b.Reach == nil {
				b.Fatalf("%s is declared, but the harness cannot reach it", kind)
			}
			return b.call(kind, b.Reach(kind))
		}
	}
	return b.call(kind, change)
}

// step does one effect of a rollout; the change goes on from what it left.
// It returns what stood before.
func (b *Bench) step(change *driver.Change, kind driver.Kind) json.RawMessage {
	b.Helper()
	p, op := b.do(b.call(kind, *change))
	change.Expected = op.Results[change.Target.Name].After
	return p.Before[change.Target.Name]
}

// Expected is what the first target runs for all of its traffic after a kind
// that began where reach leaves off.
func (b *Bench) Expected(kind driver.Kind) string {
	if slices.Contains(forTesters(), kind) || kind == driver.Weight || kind == driver.Rollback || kind == driver.Disable && !b.Facts.Split.Leaves {
		return b.earlier.ID
	}
	return b.release.ID
}

// succeeded ends the test unless every change of the call has its release,
// read back.
func (b *Bench) succeeded(c driver.Call, op driver.Operation) {
	b.Helper()
	for _, change := range c.Changes {
		r, ok := op.Results[change.Target.Name]
		if !ok || r.Outcome != driver.Succeeded {
			b.Fatalf("%s on %s: %+v, want succeeded", c.Kind, change.Target.Name, r)
		}
		if r.Release.ID != change.Release.ID {
			b.Errorf("%s on %s read back %q, want %q", c.Kind, change.Target.Name, r.Release.ID, change.Release.ID)
		}
	}
	if len(op.Results) != len(c.Changes) {
		b.Errorf("%s has %d results for %d targets", c.Kind, len(op.Results), len(c.Changes))
	}
}

// effects runs f and ends the test unless it had so many effects.
func (b *Bench) effects(want int, f func()) {
	b.Helper()
	before := b.Effects()
	f()
	if got := b.Effects() - before; got != want {
		b.Fatalf("%d effects, want %d", got, want)
	}
}

// refused ends the test unless err has the code, wrapped once and for people.
func (b *Bench) refused(err error, codes ...driver.Code) *stages.Error {
	b.Helper()
	e, ok := err.(*stages.Error) //nolint:errorlint // it must be the outermost
	if !ok || !slices.Contains(codes, e.Code) {
		b.Fatalf("%v (%s), want %v", err, stages.CodeOf(err), codes)
	}
	return e
}

// Must ends the case where there is an error.
func (b *Bench) Must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// again is a value as another process reads it.
func again[T any](b *Bench, v T) T {
	b.Helper()
	data, err := json.Marshal(v)
	b.Must(err)
	var out T
	b.Must(json.Unmarshal(data, &out))
	return out
}
