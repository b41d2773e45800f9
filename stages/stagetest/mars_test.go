package stagetest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice/stages/driver"
	"sluice/stages/stagetest"
)

// mars is a platform behind HTTP: PUT /apps/NAME runs another release.
type mars struct {
	mu      sync.Mutex
	apps    map[string]string
	effects int
}

func (m *mars) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	kind, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	answer := map[string]any{"id": name, "made": 86}
	if kind == "apps" {
		if r.Method == http.MethodPut {
			body, _ := io.ReadAll(r.Body) //nolint:errcheck // a test's own
			m.apps[name] = string(body)
			m.effects++
		}
		answer = map[string]any{"name": name, "release": map[string]any{"id": m.apps[name]}}
	}
	json.NewEncoder(w).Encode(answer) //nolint:errcheck // the client went away
}

// rover is a driver of mars, which may have a flaw.
type rover struct {
	flaw   string
	base   string
	client *http.Client
}

var errUnbelievable = errors.New("the answer lacks its ids")

type marsApp struct {
	Name    string    `json:"name"`
	Release *released `json:"release"`
}

type released struct {
	ID   string `json:"id"`
	Made int64  `json:"made"`
}

func (d *rover) ask(ctx context.Context, method, path, body string, value any) error {
	r, err := http.NewRequestWithContext(ctx, method, d.base+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := d.client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // it was read
	if to := resp.Header.Get("Location"); to != "" && d.flaw == "wanders" {
		return (&rover{base: to, client: d.client}).ask(ctx, method, "", body, value)
	}
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	if err := json.Unmarshal(data, value); err != nil && d.flaw != "believes" {
		return err
	}
	return nil
}

func (d *rover) app(ctx context.Context, method string, t driver.Target, body string) (string, error) {
	var a marsApp
	err := d.ask(ctx, method, "/apps/"+t.Name, body, &a)
	switch {
	case err != nil:
		return "", err
	case d.flaw == "stumbles":
		return a.Release.ID, nil
	case d.flaw == "believes" && a.Release == nil:
		return "", nil
	case a.Name != t.Name || a.Release == nil || a.Release.ID == "":
		return "", errUnbelievable
	}
	return a.Release.ID, nil
}

func (d *rover) Live(ctx context.Context, targets []driver.Target) ([]driver.Live, []error) {
	live, errs := make([]driver.Live, len(targets)), make([]error, len(targets))
	for i, t := range targets {
		var r driver.Release
		r, errs[i] = d.runs(ctx, t)
		live[i] = driver.Whole(r)
	}
	return live, errs
}

func (d *rover) runs(ctx context.Context, t driver.Target) (driver.Release, error) {
	id, err := d.app(ctx, http.MethodGet, t, "")
	if err != nil && d.flaw == "dawdles" {
		time.Sleep(time.Hour)
	}
	return driver.Release{ID: id}, err
}

func (d *rover) Resolve(ctx context.Context, _ driver.Target, id string) (driver.Release, error) {
	var r released
	if err := d.ask(ctx, http.MethodGet, "/releases/"+id, "", &r); err != nil {
		return driver.Release{}, err
	}
	if r.ID != id || r.Made == 0 {
		return driver.Release{}, errUnbelievable
	}
	return driver.Release{ID: r.ID, CreateTime: time.Unix(r.Made, 0)}, nil
}

func (d *rover) Prepare(ctx context.Context, c driver.Call) (driver.Prepared, error) {
	change := c.Changes[0]
	runs, err := d.app(ctx, http.MethodGet, change.Target, "")
	p := driver.Prepared{Call: c, Before: map[string]json.RawMessage{change.Target.Name: json.RawMessage(fmt.Sprintf("%q", runs))}}
	if err != nil && d.flaw == "blames" {
		p.Findings = []driver.Finding{{Target: change.Target.Name, Severity: driver.Foreign, Message: "somebody else was there"}}
		return p, nil
	}
	if runs == change.Release.ID {
		p.Unchanged, p.Call.Changes = []string{change.Target.Name}, nil
	}
	if runs == "" && err == nil {
		p.First = []string{change.Target.Name}
	}
	return p, err
}

func (d *rover) Begin(ctx context.Context, c driver.Call) (driver.Operation, error) {
	change := c.Changes[0]
	id, err := d.app(ctx, http.MethodPut, change.Target, change.Release.ID)
	if err != nil && d.flaw == "insists" {
		id, err = d.app(ctx, http.MethodPut, change.Target, change.Release.ID)
	}
	if err != nil && d.flaw == "hopes" {
		id, err = change.Release.ID, nil
	}
	if err == nil && id != change.Release.ID {
		err = errUnbelievable
	}
	return done(change), err
}

func done(change driver.Change) driver.Operation {
	return driver.Operation{Status: driver.Done, Results: map[string]driver.Result{
		change.Target.Name: {Outcome: driver.Succeeded, Release: change.Release},
	}}
}

func (d *rover) Make(context.Context, driver.Target, string) (driver.Release, error) {
	return driver.Release{}, errors.ErrUnsupported
}

func (d *rover) Operation(context.Context, driver.Target, string) (driver.Operation, time.Duration, error) {
	return driver.Operation{}, 0, errors.ErrUnsupported
}

func (d *rover) Lookup(ctx context.Context, c driver.Call) (driver.Verdict, driver.Operation, error) {
	change := c.Changes[0]
	id, err := d.app(ctx, http.MethodGet, change.Target, "")
	switch {
	case err != nil && d.flaw == "despairs":
		return driver.Absent, driver.Operation{}, nil
	case err != nil:
		return driver.Undecided, driver.Operation{}, err
	case id == change.Release.ID:
		return driver.Found, done(change), nil
	}
	return driver.Absent, driver.Operation{}, nil
}

func (d *rover) Poll(_ context.Context, op driver.Operation) (driver.Operation, time.Duration, error) {
	return op, 0, nil
}

func (d *rover) Explain(error) driver.Explanation {
	if d.flaw == "judges" {
		return driver.Explanation{Code: driver.Invalid}
	}
	return driver.Explanation{Code: driver.Lost}
}

func onMars(name string) driver.Target {
	return driver.Target{Name: name, Stage: "s", Platform: "mars", Config: json.RawMessage(`{}`)}
}

// landing is a harness on mars for a driver with a flaw.
func landing(flaw string) stagetest.NewHarness {
	return func(t *testing.T, _ ...string) stagetest.Harness {
		m := &mars{apps: map[string]string{"home": "r2", "away": "r1"}}
		server := httptest.NewServer(m)
		t.Cleanup(server.Close)
		now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
		return stagetest.Harness{
			Facts: driver.Facts{Platform: "mars", Title: "Mars", Kinds: []driver.Kind{driver.Deploy}},
			Open: func(_ context.Context, env driver.Env) (driver.Driver, error) {
				stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
				return &rover{flaw: flaw, base: server.URL, client: &http.Client{Transport: env.Transport, CheckRedirect: stay}}, nil
			},
			Now: func() time.Time { return now }, Advance: func(d time.Duration) { now = now.Add(d) },
			Members: []stagetest.Member{{Target: onMars("away"), Source: onMars("home")}},
			Effects: func() int {
				m.mu.Lock()
				defer m.mu.Unlock()
				return m.effects
			},
		}
	}
}
