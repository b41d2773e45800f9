package stagetest_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice/stages/driver"
	"sluice/stages/stagetest"
)

// moon is a platform in memory. Its effects become visible late, it takes
// several changes in one call, and it has rollouts of its own to approve.
type moon struct {
	mu      sync.Mutex
	now     time.Time
	apps    map[string]app
	effects int
	faults  []string
	pending map[string]bool // apps that wait for approval
}

type app struct {
	before, release string
	since           time.Time // when release took effect; readers see before until settle has passed
}

const (
	settle = 2 * time.Second
	home   = "http://127.0.0.1:9"
	token  = "good-token"
)

var errs = map[driver.Code]error{
	driver.NotFound: errors.New("no such app"), driver.Denied: errors.New("who are you?"),
	driver.Lost: errors.New("cut"), driver.Retryable: errors.New("later"), driver.Invalid: errors.New("no app is named"),
	driver.Unsupported: errors.New("nothing lasts here"),
}

func moonFacts() driver.Facts {
	return driver.Facts{
		Platform: "moon", Title: "The Moon", Batch: 3, Remote: true, Settle: settle,
		Kinds:   []driver.Kind{driver.Deploy, driver.Rollback, driver.Approve},
		Keys:    []driver.Key{{Name: "app", Type: driver.String, Required: true, Identity: true, Pattern: "[a-z]+", Hint: "letters", Doc: "The app."}},
		Backoff: driver.Backoff{Initial: time.Second, Max: time.Minute, Factor: 2},
		Secrets: []string{"MOON_TOKEN"},
	}
}

func onMoon(name string) driver.Target {
	return driver.Target{Name: name, Stage: "s", Platform: "moon", Config: json.RawMessage(`{"app": "` + name + `"}`)}
}

func newMoon(faults ...string) *moon {
	return &moon{
		now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), faults: faults, pending: map[string]bool{},
		apps: map[string]app{"source": {release: "r2"}, "one": {release: "r1"}, "two": {release: "r1"}, "new": {}},
	}
}

// harness opens drivers with the flaw named.
func harness(flaw string) stagetest.NewHarness {
	return func(_ *testing.T, faults ...string) stagetest.Harness {
		m, empty := newMoon(faults...), onMoon("new")
		return stagetest.Harness{
			Facts: moonFacts(),
			Open: func(_ context.Context, env driver.Env) (driver.Driver, error) {
				url := env.Getenv("MOON_URL")
				return &lander{moon: m, url: url, token: env.Getenv("MOON_TOKEN"), now: env.Time, flaw: flaw}, driver.CheckEndpoint("MOON_URL", url)
			},
			Env: map[string]string{"MOON_URL": home, "MOON_TOKEN": token}, Rejected: map[string]string{"MOON_TOKEN": "bad"}, RequestIDs: true,
			Now: func() time.Time { return m.now }, Advance: func(d time.Duration) { m.now = m.now.Add(d) },
			Members: []stagetest.Member{{Target: onMoon("one"), Source: onMoon("source")}, {Target: onMoon("two"), Source: onMoon("source")}},
			Unknown: onMoon("gone"), Empty: &empty,
			Effects: func() int { return m.effects },
			Intrude: func(target string) error { m.apps[target] = app{release: "r9"}; return nil },
			Reach: func(driver.Kind) driver.Change {
				m.pending["one"] = true
				return driver.Change{Target: onMoon("one"), Remote: json.RawMessage(`{"state": "PENDING_APPROVAL"}`)}
			},
		}
	}
}

// read is what an app runs as far as anybody can see.
func (m *moon) read(name string) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	a, ok := m.apps[name]
	if !ok {
		return "", errs[driver.NotFound]
	}
	if m.now.Before(a.since.Add(settle / 2)) {
		return a.before, nil
	}
	return a.release, nil
}

// change takes effect on all targets of a call, unless a fault is due.
func (m *moon) change(c driver.Call) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	how := ""
	if i := slices.IndexFunc(m.faults, func(f string) bool {
		return strings.HasPrefix(f, c.Changes[0].Target.Name+":"+string(c.Kind)+":")
	}); i >= 0 {
		how = m.faults[i][strings.LastIndex(m.faults[i], ":")+1:]
		m.faults = slices.Delete(m.faults, i, i+1)
	}
	switch how {
	case "drop":
		return errs[driver.Lost]
	case "throttle":
		return errs[driver.Retryable]
	case "deny":
		return errs[driver.Denied]
	}
	m.effects++
	for _, change := range c.Changes {
		name := change.Target.Name
		delete(m.pending, name)
		if c.Kind != driver.Approve {
			m.apps[name] = app{before: m.apps[name].release, release: change.Release.ID, since: m.now}
		}
	}
	if how == "cut" {
		return errs[driver.Lost]
	}
	return nil
}

// lander is the moon's driver.
type lander struct {
	moon       *moon
	url, token string
	now        func() time.Time
	flaw       string
	remembered bool
}

func (l *lander) reach(ctx context.Context) error {
	switch {
	case ctx.Err() != nil && l.flaw != "deaf":
		return ctx.Err()
	case l.url != home:
		return errs[driver.Retryable]
	case l.token != token:
		return errs[driver.Denied]
	}
	return nil
}

func (l *lander) Live(ctx context.Context, targets []driver.Target) ([]driver.Live, []error) {
	live, errs := make([]driver.Live, len(targets)), make([]error, len(targets))
	for i, t := range targets {
		var r driver.Release
		r, errs[i] = l.runs(ctx, t)
		live[i] = driver.Whole(r)
		if l.flaw == "exaggerates" {
			live[i].Shares = append(live[i].Shares, live[i].Shares...)
		}
	}
	switch l.flaw {
	case "blurts":
		for i := range live {
			live[i].Stands = []byte(`"as it was"`)
		}
	case "shuffles":
		slices.Reverse(live)
	case "generalises":
		if i := slices.IndexFunc(errs, func(err error) bool { return err != nil }); i >= 0 {
			return make([]driver.Live, len(targets)), slices.Repeat([]error{errs[i]}, len(targets))
		}
	}
	return live, errs
}

func (l *lander) runs(ctx context.Context, t driver.Target) (driver.Release, error) {
	if err := l.reach(ctx); err != nil {
		return driver.Release{}, err
	}
	if string(t.Config) == "[]" {
		return driver.Release{}, errs[driver.Invalid]
	}
	id, err := l.moon.read(t.Name)
	return driver.Release{ID: id}, err
}

func (l *lander) Resolve(ctx context.Context, _ driver.Target, id string) (driver.Release, error) {
	if !strings.HasPrefix(id, "r") {
		return driver.Release{}, errs[driver.NotFound]
	}
	return driver.Release{ID: id, CreateTime: l.moon.now.Add(-time.Hour)}, l.reach(ctx)
}

func (l *lander) Prepare(ctx context.Context, c driver.Call) (driver.Prepared, error) {
	p := driver.Prepared{Call: c, Before: map[string]json.RawMessage{}, After: map[string]json.RawMessage{}, Requests: []string{"POST /land"}, Commands: []string{driver.Shell("moon", "land")}}
	p.Call.Changes = nil
	before := map[string]string{}
	for _, change := range c.Changes {
		now, err := l.runs(ctx, change.Target)
		if err != nil {
			return p, err
		}
		name := change.Target.Name
		before[name] = now.ID
		p.Before[name], p.After[name] = quoted(now.ID), quoted(change.Release.ID)
		if change.Expected != nil && !change.Options.Resolved && string(change.Expected) != string(p.Before[name]) {
			p.Findings = append(p.Findings, driver.Finding{Target: name, Severity: driver.Foreign, Message: "moved"})
		}
		if now.ID == "" {
			p.First = append(p.First, name)
		}
		if now.ID == change.Release.ID {
			p.Unchanged = append(p.Unchanged, name)
			continue
		}
		p.Call.Changes = append(p.Call.Changes, change)
	}
	if l.flaw == "hasty" {
		return p, l.moon.change(c)
	}
	data, err := json.Marshal(before)
	p.Call.Data = data
	if l.flaw == "indiscreet" {
		p.Call.Data = quoted(l.token)
	}
	l.remembered = true
	return p, err
}

func quoted(s string) json.RawMessage { return json.RawMessage(`"` + s + `"`) }

func (l *lander) Begin(ctx context.Context, c driver.Call) (driver.Operation, error) {
	if err := l.reach(ctx); err != nil {
		return driver.Operation{}, err
	}
	if l.flaw == "remembers" && !l.remembered {
		return driver.Operation{}, errors.New("what was that again?")
	}
	err := l.moon.change(c)
	if l.flaw == "insists" && err != nil {
		err = l.moon.change(c)
	}
	return driver.Operation{Status: driver.Running}, err
}

func (l *lander) Make(context.Context, driver.Target, string) (driver.Release, error) {
	return driver.Release{}, errs[driver.Unsupported]
}

func (l *lander) Operation(context.Context, driver.Target, string) (driver.Operation, time.Duration, error) {
	return driver.Operation{}, 0, errs[driver.Unsupported]
}

func (l *lander) Lookup(ctx context.Context, c driver.Call) (driver.Verdict, driver.Operation, error) {
	var before map[string]string
	if err := json.Unmarshal(c.Data, &before); err != nil {
		return driver.Undecided, driver.Operation{}, err
	}
	change := c.Changes[0]
	now, err := l.runs(ctx, change.Target)
	switch {
	case err != nil:
		return driver.Undecided, driver.Operation{}, err
	case now.ID == change.Release.ID || l.flaw == "hopes":
		return driver.Found, driver.Operation{Status: driver.Running}, nil
	case now.ID != before[change.Target.Name] && l.flaw != "trusts":
		return driver.ForeignChange, driver.Operation{Results: map[string]driver.Result{change.Target.Name: {Release: now, Outcome: driver.Failed}}}, nil
	case l.now().Before(c.Intended.Add(settle)) && l.flaw != "rushes":
		return driver.Undecided, driver.Operation{}, nil
	}
	return driver.Absent, driver.Operation{}, nil
}

func (l *lander) Poll(ctx context.Context, op driver.Operation) (driver.Operation, time.Duration, error) {
	op.Results, op.Status = map[string]driver.Result{}, driver.Done
	for _, change := range op.Call.Changes {
		now, err := l.runs(ctx, change.Target)
		if err != nil {
			return op, 0, err
		}
		r := driver.Result{Outcome: driver.Succeeded, Release: now, After: quoted(now.ID)}
		if now.ID != change.Release.ID && op.Call.Kind != driver.Approve && l.flaw != "believes" {
			r.Outcome, op.Status = driver.Open, driver.Running
		}
		op.Results[change.Target.Name] = r
	}
	return op, 0, nil
}

func (l *lander) Explain(err error) driver.Explanation {
	for code, known := range errs {
		if errors.Is(err, known) {
			if l.flaw == "glib" && code == driver.Lost {
				code = driver.Retryable
			}
			return driver.Explanation{Code: code, RequestID: "m-1", Remedy: "look up"}
		}
	}
	if l.flaw == "assumes" {
		return driver.Explanation{Code: driver.Retryable}
	}
	return driver.Explanation{Code: driver.Unknown}
}
