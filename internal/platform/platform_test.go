package platform_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/platform"
	"sluice/internal/work"
	"sluice/stages"
	"sluice/stages/driver"
)

// trouble is an error that explains itself.
type trouble struct{ driver.Explanation }

func (e *trouble) Error() string { return "it said token-12345" }

func code(c driver.Code) *trouble { return &trouble{driver.Explanation{Code: c}} }

// moon is a fake platform. It counts what it is asked for and fails as told.
type moon struct {
	mu     sync.Mutex
	asked  []string           // "live a,b", "resolve r7", "prepare", …
	fails  map[string][]error // by the same words, or a target's name: one after another
	http   *http.Client
	effect func(context.Context) error // of Begin
}

func (m *moon) say(what string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked = append(m.asked, what)
	return m.next(what)
}

// next is the next failure of what is asked. The lock is held.
func (m *moon) next(what string) error {
	if left := m.fails[what]; len(left) > 0 {
		m.fails[what] = left[1:]
		return left[0]
	}
	return nil
}

func (m *moon) had() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.asked)
}

func (m *moon) Live(_ context.Context, targets []driver.Target) ([]driver.Live, []error) {
	names := make([]string, len(targets))
	for i, t := range targets {
		names[i] = t.Name
	}
	_ = m.say("live " + strings.Join(names, ","))
	live, errs := make([]driver.Live, len(targets)), make([]error, len(targets))
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, t := range targets {
		live[i] = driver.Whole(driver.Release{ID: "on-" + t.Name})
		if err := m.next(t.Name); err != nil {
			live[i], errs[i] = driver.Live{}, err
		}
	}
	return live, errs
}

func (m *moon) Resolve(_ context.Context, _ driver.Target, id string) (driver.Release, error) {
	time.Sleep(time.Second)
	return driver.Release{ID: id}, m.say("resolve " + id)
}

func (m *moon) Prepare(_ context.Context, c driver.Call) (driver.Prepared, error) {
	return driver.Prepared{Call: c}, m.say("prepare")
}

func (m *moon) Begin(ctx context.Context, c driver.Call) (driver.Operation, error) {
	err := m.say("begin")
	if err == nil && m.effect != nil {
		err = m.effect(ctx)
	}
	return driver.Operation{Call: c, Status: driver.Done}, err
}

func (m *moon) Lookup(context.Context, driver.Call) (driver.Verdict, driver.Operation, error) {
	return driver.Found, driver.Operation{Status: driver.Done}, m.say("lookup")
}

func (m *moon) Make(_ context.Context, _ driver.Target, description string) (driver.Release, error) {
	return driver.Release{ID: description}, m.say("make")
}

func (m *moon) Operation(_ context.Context, _ driver.Target, name string) (driver.Operation, time.Duration, error) {
	return driver.Operation{ID: name, Status: driver.Done}, 3 * time.Second, m.say("operation")
}

func (m *moon) Poll(_ context.Context, op driver.Operation) (driver.Operation, time.Duration, error) {
	op.Status = driver.Done
	return op, 3 * time.Second, m.say("poll")
}

func (m *moon) Explain(err error) driver.Explanation {
	if e, ok := errors.AsType[*trouble](err); ok {
		return e.Explanation
	}
	return driver.Explanation{}
}

// open is the platforms during an invocation of a minute.
func open(t *testing.T, m *moon, limits work.Limits) (*platform.Platform, context.Context, context.CancelFunc) {
	t.Helper()
	return openAt(t, m, work.Clock{}, limits)
}

// openAt is open by a clock.
func openAt(t *testing.T, m *moon, clock work.Clock, limits work.Limits) (*platform.Platform, context.Context, context.CancelFunc) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	w := work.Begin(ctx, clock, limits)
	t.Cleanup(func() { cancel(); w.End() })
	all := platform.Open(platform.Config{
		Env:    driver.Env{Transport: answers{}},
		Redact: func(text string) string { return strings.ReplaceAll(text, "token-12345", "***") },
		Platforms: []stages.Platform{{
			Facts: driver.Facts{
				Platform: "moon", Kinds: []driver.Kind{driver.Deploy}, Batch: 2,
				Keys: []driver.Key{{Name: "orbit", Reach: true}, {Name: "app"}},
			},
			Open: func(_ context.Context, env driver.Env) (driver.Driver, error) {
				m.http = &http.Client{Transport: env.Transport}
				return m, nil
			},
		}},
	})
	return all.During(w), ctx, cancel
}

// answers answers every request.
type answers struct{}

func (answers) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
}

func target(name, orbit string) driver.Target {
	return driver.Target{Name: name, Stage: "production", Platform: "moon", Config: fmt.Appendf(nil, `{"orbit": %q, "app": %q}`, orbit, name)}
}

func call(names ...string) driver.Call {
	c := driver.Call{Key: "k", Kind: driver.Deploy}
	for _, name := range names {
		c.Changes = append(c.Changes, driver.Change{Target: target(name, "low")})
	}
	return c
}

func (m *moon) want(t *testing.T, asked ...string) {
	t.Helper()
	if got := m.had(); !slices.Equal(got, asked) {
		t.Errorf("asked %q, want %q", got, asked)
	}
}

// What runs is read once an invocation, together, and again after an effect.
func TestLiveOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &moon{}
		p, ctx, _ := open(t, m, work.Limits{})
		a, b, c := target("a", "low"), target("b", "low"), target("c", "low")
		for _, targets := range [][]driver.Target{{a, b}, {b, a}, {c, a, c}} {
			for i, r := range p.Live(ctx, targets) {
				if want := "on-" + targets[i].Name; r.Err != nil || r.Live.Release.ID != want {
					t.Errorf("%+v, want %s", r, want)
				}
			}
		}
		m.want(t, "live a,b", "live c")
		if _, err := p.Begin(ctx, call("a")); err != nil {
			t.Fatal(err)
		}
		p.Live(ctx, []driver.Target{a, b})
		p.Forget()
		p.Live(ctx, []driver.Target{a, b})
		m.want(t, "live a,b", "live c", "begin", "live a", "live a,b")
	})
}

// The targets that could not be read are asked for again, and these alone; what is
// certain is not.
func TestLiveIsRetriedWhereItFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		always := slices.Repeat([]error{code(driver.Lost)}, 10)
		m := &moon{fails: map[string][]error{"b": {code(driver.Retryable)}, "c": {code(driver.NotFound)}, "d": always}}
		p, ctx, _ := open(t, m, work.Limits{})
		targets := []driver.Target{target("a", "low"), target("b", "low"), target("c", "low"), target("d", "low")}
		readings := p.Live(ctx, targets)
		if readings[0].Err != nil || readings[1].Err != nil || readings[1].Live.Release.ID != "on-b" {
			t.Errorf("%+v", readings)
		}
		for i, want := range map[int]driver.Code{2: driver.NotFound, 3: driver.Lost} {
			if got := p.CodeOf(readings[i].Err); got != want {
				t.Errorf("%v (%s), want %s", readings[i].Err, got, want)
			}
		}
		m.want(t, "live a,b,c,d", "live b,d", "live d", "live d")
		p.Live(ctx, targets) // a moment later trouble is not asked again
		m.want(t, "live a,b,c,d", "live b,d", "live d", "live d")
		time.Sleep(time.Minute)
		p.Live(ctx, targets)
		if got := m.had()[4]; got != "live c,d" {
			t.Errorf("after a minute it asked %q", got)
		}
	})
}

// Targets with the same reach look a release up once, whoever asks when; others
// ask for themselves.
func TestResolveOnceAReach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &moon{}
		p, ctx, _ := open(t, m, work.Limits{})
		bare := driver.Target{Name: "x", Platform: "moon", Config: []byte(`{"app": "x"}`)}
		other := driver.Target{Name: "y", Platform: "moon", Config: []byte(`{"app": "y"}`)}
		var all sync.WaitGroup
		for _, at := range []driver.Target{target("a", "low"), target("b", "low"), target("c", "high"), bare, other, target("d", "low")} {
			all.Go(func() {
				if r, err := p.Resolve(ctx, at, "r7"); err != nil || r.ID != "r7" {
					t.Errorf("%s: %+v, %v", at.Name, r, err)
				}
			})
		}
		all.Wait()
		if _, err := p.Resolve(ctx, target("e", "high"), "r8"); err != nil {
			t.Error(err)
		}
		if got := m.had(); len(got) != 5 { // low, high, x and y; r8
			t.Errorf("asked %q", got)
		}
	})
}

// In a time that is counted, whoever waits for what another one reads does not hold it
// up, and pauses are the same each time.
func TestReadsByACountedTime(t *testing.T) {
	begin := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for range 20 {
		synctest.Test(t, func(t *testing.T) { readsByACountedTime(t, begin) }) // the platform takes its second there
	}
}

func readsByACountedTime(t *testing.T, begin time.Time) {
	t.Helper()
	v := work.NewVirtual(begin)
	clock := v.Clock()
	m := &moon{fails: map[string][]error{
		"resolve r7": {code(driver.Lost)}, "prepare": {code(driver.Lost), code(driver.Lost), code(driver.Lost)},
	}}
	p, ctx, _ := openAt(t, m, clock, work.Limits{Budget: time.Minute})
	clock.SideBySide(3, 3, func(i int) {
		if r, err := p.Resolve(ctx, target(strings.Repeat("a", i+1), "low"), "r7"); err != nil || r.ID != "r7" {
			t.Errorf("%+v, %v", r, err)
		}
	})
	m.want(t, "resolve r7", "resolve r7")
	if took := v.Now().Sub(begin); took != 250*time.Millisecond {
		t.Errorf("three targets waited %s for one read", took)
	}
	if _, err := p.Prepare(ctx, call("a")); err != nil {
		t.Error(err)
	}
	if took := v.Now().Sub(begin); took != 2*time.Second { // 250 ms, and 250, 500 and 1000
		t.Errorf("all in all it took %s", took)
	}
}

// What was read for another target is told of the one that asks.
func TestSharedTroubleNamesWhoAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &moon{fails: map[string][]error{"resolve r7": {code(driver.NotFound)}}}
		p, ctx, _ := open(t, m, work.Limits{})
		for _, name := range []string{"a", "b"} {
			_, err := p.Resolve(ctx, target(name, "low"), "r7")
			if want := "production/" + name + " (moon): find release r7: it said ***"; err == nil || err.Error() != want || p.CodeOf(err) != driver.NotFound {
				t.Errorf("%v, want %s", err, want)
			}
		}
		m.want(t, "resolve r7")
	})
}

// Reads are asked again four times in all, with pauses, as Retry-After says, within
// the budget; what they answered is never remembered.
func TestReadsAreRetriedHere(t *testing.T) {
	reads := map[string]func(context.Context, *platform.Platform) error{
		"prepare": func(ctx context.Context, p *platform.Platform) error { _, err := p.Prepare(ctx, call("a")); return err },
		"lookup": func(ctx context.Context, p *platform.Platform) error {
			verdict, _, err := p.Lookup(ctx, call("a"))
			if err != nil && verdict != driver.Undecided {
				t.Errorf("a lookup that failed says %s", verdict)
			}
			return err
		},
		"poll": func(ctx context.Context, p *platform.Platform) error {
			_, _, err := p.Poll(ctx, driver.Operation{Call: call("a")})
			return err
		},
	}
	slow := &trouble{driver.Explanation{Code: driver.Retryable, RetryAfter: 40 * time.Second}}
	for what, read := range reads {
		for name, tt := range map[string]struct {
			fails    []error
			asked    int
			ends     driver.Code // "" for well
			from, to time.Duration
		}{
			"well":            {nil, 1, "", 0, 0},
			"once":            {[]error{code(driver.Lost)}, 2, "", time.Millisecond, time.Second},
			"unknown":         {[]error{code(driver.Unknown), code(driver.Retryable)}, 3, "", time.Millisecond, 2 * time.Second},
			"always":          {slices.Repeat([]error{code(driver.Lost)}, 9), 4, driver.Lost, time.Millisecond, 5 * time.Second},
			"denied":          {slices.Repeat([]error{code(driver.Denied)}, 9), 1, driver.Denied, 0, 0},
			"as long as said": {[]error{slow}, 2, "", 40 * time.Second, 41 * time.Second},
			"not beyond":      {[]error{slow, slow}, 2, driver.Retryable, 40 * time.Second, 41 * time.Second},
		} {
			t.Run(what+"/"+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					m := &moon{fails: map[string][]error{what: slices.Clone(tt.fails)}}
					p, ctx, _ := open(t, m, work.Limits{Budget: time.Minute})
					began := time.Now()
					err := read(ctx, p)
					if took := time.Since(began); p.CodeOf(err) != tt.ends || len(m.had()) != tt.asked || took < tt.from || took > tt.to {
						t.Errorf("%v after %s and %q", err, took, m.had())
					}
					if tt.ends == driver.Retryable && p.RetryAfter(err) != 40*time.Second {
						t.Errorf("again after %s", p.RetryAfter(err))
					}
					if tt.ends == "" {
						before := len(m.had())
						if err := read(ctx, p); err != nil || len(m.had()) != before+1 {
							t.Errorf("a second time: %v, asked %q", err, m.had())
						}
					}
				})
			})
		}
	}
}

// A read ends with the invocation: soon after its budget, and at once when it is
// interrupted.
func TestReadsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &moon{fails: map[string][]error{"prepare": slices.Repeat([]error{code(driver.Lost)}, 9)}}
		p, ctx, cancel := open(t, m, work.Limits{Budget: time.Minute})
		go func() {
			time.Sleep(100 * time.Millisecond)
			cancel()
		}()
		began := time.Now()
		_, err := p.Prepare(ctx, call("a"))
		if took := time.Since(began); took != 100*time.Millisecond || p.CodeOf(err) != driver.Lost {
			t.Errorf("%v after %s", err, took)
		}
	})
}

// An effect is sent once, whatever comes of it.
func TestEffectsAreNeverRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []driver.Code{driver.Retryable, driver.Lost, driver.Conflict} {
			m := &moon{fails: map[string][]error{"begin": {code(c)}}}
			p, ctx, _ := open(t, m, work.Limits{})
			if _, err := p.Begin(ctx, call("a")); p.CodeOf(err) != c {
				t.Errorf("%v", err)
			}
			m.want(t, "begin")
		}
	})
}

// From the word to stop on nothing is sent, and what was sent is answered.
func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &moon{}
		p, ctx, cancel := open(t, m, work.Limits{})
		m.effect = func(ctx context.Context) error {
			cancel() // while the driver reads
			r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://moon.example/apps", nil)
			if err != nil {
				return err
			}
			resp, err := m.http.Do(r)
			if err == nil {
				resp.Body.Close()
			}
			return err
		}
		_, err := p.Begin(ctx, call("a"))
		if p.CodeOf(err) != driver.Retryable || !strings.Contains(err.Error(), "not sent") {
			t.Errorf("%v (%s)", err, p.CodeOf(err))
		}
		if _, err := p.Begin(ctx, call("a")); p.CodeOf(err) != driver.Retryable {
			t.Errorf("after it: %v", err)
		}
		m.want(t, "begin")

		answered := &moon{}
		p, ctx, cancel = open(t, answered, work.Limits{})
		answered.effect = func(under context.Context) error {
			cancel()
			time.Sleep(2 * time.Second)
			return under.Err()
		}
		if _, err := p.Begin(ctx, call("a")); err != nil {
			t.Errorf("what was sent is answered within the grace: %v", err)
		}
	})
}

func TestPanicAndRedaction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &moon{effect: func(context.Context) error { panic("with token-12345") }}
		p, ctx, _ := open(t, m, work.Limits{})
		_, err := p.Begin(ctx, call("a"))
		if err == nil || p.CodeOf(err) != driver.Lost || !strings.Contains(err.Error(), "mistake in sluice") || strings.Contains(err.Error(), "12345") {
			t.Errorf("%v (%s)", err, p.CodeOf(err))
		}
	})
}

func TestErrorsSayWhatTheyAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for want, x := range map[bool][]driver.Explanation{
			true:  {{Code: driver.Retryable, Busy: true}, {Code: driver.Retryable, Stale: true}},
			false: {{Code: driver.Retryable}, {Code: driver.Conflict}},
		} {
			for _, x := range x {
				m := &moon{fails: map[string][]error{"begin": {&trouble{x}}}}
				p, ctx, _ := open(t, m, work.Limits{})
				if _, err := p.Begin(ctx, call("a")); p.Busy(err) != want {
					t.Errorf("%+v: busy %t", x, p.Busy(err))
				}
			}
		}
		p, ctx, _ := open(t, &moon{}, work.Limits{})
		if p.CodeOf(nil) != "" || p.Busy(nil) || p.RetryAfter(nil) != 0 || p.CodeOf(context.Canceled) != driver.Unknown {
			t.Error("no error, and errors of others, say nothing")
		}
		nowhere := driver.Target{Name: "a", Platform: "mars"}
		c := driver.Call{Kind: driver.Deploy, Changes: []driver.Change{{Target: nowhere}}}
		_, prepare := p.Prepare(ctx, c)
		_, begin := p.Begin(ctx, c)
		_, _, lookup := p.Lookup(ctx, c)
		_, _, poll := p.Poll(ctx, driver.Operation{Call: c})
		_, resolve := p.Resolve(ctx, nowhere, "r")
		for _, err := range []error{prepare, begin, lookup, poll, resolve, p.Live(ctx, []driver.Target{nowhere})[0].Err} {
			if p.CodeOf(err) != driver.Unsupported || !strings.Contains(err.Error(), `no platform is called "mars"`) {
				t.Errorf("%v (%s)", err, p.CodeOf(err))
			}
		}
		if p.Facts("mars").Platform != "" || p.Facts("moon").Batch != 2 {
			t.Error("facts are a platform's own")
		}
	})
}
