package planner_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"sluice/internal/planner"
	"sluice/stages/driver"
)

// fake is platforms that count what they are asked, and can be slow, refuse, or
// not answer.
type fake struct {
	as       map[string]string // by target, who asks
	pause    time.Duration     // of every request
	runs     map[string]driver.Live
	releases map[string]driver.Release // by id; made a day apart, r1 first
	trouble  map[string]error          // by request: "live web", "resolve r2", "prepare web"
	findings map[string][]driver.Finding
	bare     map[string]bool // targets without the settings of a canary
	shown    map[string]bool // targets beside which something stands for testers
	age      time.Duration   // of what Live answers

	mu       sync.Mutex
	asked    []string
	together int // the most requests under way at once
	now      int
}

func newFake() *fake {
	f := &fake{runs: map[string]driver.Live{}, releases: map[string]driver.Release{}, trouble: map[string]error{}, findings: map[string][]driver.Finding{}, bare: map[string]bool{}, shown: map[string]bool{}}
	for i, id := range []string{"r1", "r2", "r3", "abcdef0123", "abcdef0999"} {
		f.releases[id] = driver.Release{ID: id, CreateTime: t0.AddDate(0, 0, i-30)}
	}
	return f
}

// outage is a platform's error of a kind.
type outage struct {
	code  driver.Code
	after time.Duration
	busy  bool
}

func (o *outage) Error() string { return string(o.code) }

func (f *fake) CodeOf(err error) driver.Code {
	if o, ok := errors.AsType[*outage](err); ok {
		return o.code
	}
	return driver.Unknown
}

func (f *fake) RetryAfter(err error) time.Duration {
	if o, ok := errors.AsType[*outage](err); ok {
		return o.after
	}
	return 0
}

func (f *fake) Busy(err error) bool {
	o, ok := errors.AsType[*outage](err)
	return ok && o.busy
}

func (f *fake) AskedAs(t driver.Target) string { return f.as[t.Name] }

func (f *fake) Facts(platform string) driver.Facts {
	all := facts()
	i := slices.IndexFunc(all, func(have driver.Facts) bool { return have.Platform == platform })
	if i < 0 {
		return driver.Facts{}
	}
	return all[i]
}

// ask counts a request, and answers it after a while.
func (f *fake) ask(request string) {
	f.mu.Lock()
	f.asked = append(f.asked, request)
	f.now++
	f.together = max(f.together, f.now)
	f.mu.Unlock()
	time.Sleep(f.pause)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now--
}

// had is what was asked since it was last looked at, in the order of words.
func (f *fake) had() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	asked := slices.Sorted(slices.Values(f.asked))
	f.asked = nil
	return asked
}

func (f *fake) Live(_ context.Context, targets []driver.Target) []planner.Reading {
	names := make([]string, len(targets))
	readings := make([]planner.Reading, len(targets))
	for i, t := range targets {
		names[i] = t.Name
		readings[i] = planner.Reading{Live: f.runs[t.Name], Err: f.trouble["live "+t.Name], At: t0.Add(-f.age)}
		if f.Facts(t.Platform).Ahead {
			readings[i].Live.Stands = []byte(t.Name)
		}
	}
	f.ask("live " + strings.Join(names, " "))
	return readings
}

func (f *fake) Resolve(_ context.Context, _ driver.Target, id string) (driver.Release, error) {
	f.ask("resolve " + id)
	if err := f.trouble["resolve "+id]; err != nil {
		return driver.Release{}, err
	}
	for _, known := range f.releases {
		if known.Called(id) {
			return known, nil
		}
	}
	return driver.Release{}, &outage{code: driver.NotFound}
}

func (f *fake) Prepare(_ context.Context, c driver.Call) (driver.Prepared, error) {
	names := make([]string, len(c.Changes))
	for i, change := range c.Changes {
		names[i] = change.Target.Name
	}
	if c.Changes[0].Stands == nil {
		f.ask("prepare " + string(c.Kind) + " " + strings.Join(names, " "))
	} else if string(c.Changes[0].Stands) != names[0] {
		return driver.Prepared{}, &outage{code: driver.Invalid}
	}
	p := driver.Prepared{Call: c, Runs: map[string]driver.Release{}}
	p.Call.Changes = nil
	for _, change := range c.Changes {
		name := change.Target.Name
		if err := f.trouble["prepare "+name]; err != nil {
			return driver.Prepared{}, err
		}
		f.prepare(&p, change)
	}
	p.Findings = append(p.Findings, f.findings[""]...)
	return p, nil
}

// prepare says what a change would do. A canary of somebody's is what stable and
// disable are about.
func (f *fake) prepare(p *driver.Prepared, change driver.Change) {
	name := change.Target.Name
	live := f.runs[name]
	p.Findings = append(p.Findings, f.findings[name]...)
	p.Runs[name] = live.Release
	if live.Release.ID == "" {
		p.First = append(p.First, name)
	}
	if len(live.Shares) > 1 && p.Call.Kind == driver.Stable {
		change.Release = live.Shares[1].Release
	}
	there := map[driver.Kind]bool{
		driver.Stable: len(live.Shares) < 2, driver.Disable: f.bare[name],
		driver.Deploy: change.Release.ID == live.Release.ID,
		driver.Weight: change.Release.ID == live.Release.ID,
		driver.Host:   f.shown[name], driver.Unroute: !f.shown[name], driver.Unhost: !f.shown[name],
	}
	if there[p.Call.Kind] {
		p.Unchanged = append(p.Unchanged, name)
		return
	}
	p.Call.Changes = append(p.Call.Changes, change)
}
