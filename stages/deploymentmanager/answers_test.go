package deploymentmanager_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice/stages"
	"sluice/stages/deploymentmanager"
	"sluice/stages/driver"
	"sluice/stages/google/googletest"
	"sluice/stages/stagetest"
)

// One bad answer to whatever request is read again and changes nothing.
func TestOneBadAnswerHeals(t *testing.T) {
	for _, kind := range deploymentmanager.Facts().Kinds {
		t.Run(string(kind), func(t *testing.T) {
			googletest.Heals(t, func(t *testing.T) googletest.Platform { return badAnswers(t, kind) })
		})
	}
}

// The first deployment is concluded from proof alone.
func TestOneBadAnswerHealsWhereNothingRuns(t *testing.T) {
	googletest.Heals(t, func(t *testing.T) googletest.Platform {
		b := newBench(t)
		return b.platform(t, b.call(driver.Deploy, b.change(t, target("fresh"))))
	})
}

func badAnswers(t *testing.T, kind driver.Kind) googletest.Platform {
	b := newBench(t)
	if kind == driver.Terminate {
		b = newBench(t, "prod:deploy:hang") // else it is over before it is stopped
	}
	change := b.change(t, target("prod"))
	switch kind {
	case driver.Terminate:
		b.begin(t, driver.Deploy, change)
	case driver.Rollback:
		p, _ := b.do(t, driver.Deploy, change)
		change = driver.Change{Target: target("prod"), Baseline: p.Before["prod"], Expected: p.After["prod"]}
	case driver.Approve, driver.Reject:
		change, _ = b.previewed(t)
	}
	return b.platform(t, b.call(kind, change))
}

func (b *bench) platform(t *testing.T, call driver.Call) googletest.Platform {
	return googletest.Platform{
		Open: func(rt http.RoundTripper) driver.Driver { return openOver(t, b.server.Env(), rt) },
		Call: call, Move: func() { b.clock.Move(5 * time.Second) },
		Effects: func() int { return len(b.server.Effects()) },
	}
}

// stopAt passes requests on and closes the stop when the answer to the one that
// it waits for is there.
type stopAt struct {
	method, part string
	stop         func()
	puts         int
}

func (s *stopAt) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodPut {
		s.puts++
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if r.Method == s.method && strings.Contains(r.URL.Path, s.part) {
		s.stop()
	}
	return res, err
}

// Begin reads the manifest before it sends its content. Once the run was told to
// stop in between, nothing is sent, and that is known for certain.
func TestNothingIsSentAfterTheStop(t *testing.T) {
	b := newBench(t)
	p := b.prepare(t, b.call(driver.Deploy, b.change(t, target("prod"))))
	stopping := make(chan struct{})
	via := &stopAt{method: http.MethodGet, part: "/manifests/", stop: sync.OnceFunc(func() { close(stopping) })}
	env := driver.Env{Transport: via, Getenv: func(name string) string { return b.server.Env()[name] }}
	prod, err := stages.New(env, stages.Platform{Facts: deploymentmanager.Facts(), Open: deploymentmanager.Open}).Target(target("prod"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = prod.Begin(stages.WithStop(t.Context(), stopping), p.Call)
	if !stages.NotSent(err) || via.puts != 0 || len(b.server.Effects()) != 0 {
		t.Errorf("%v after %d PUTs and %d effects", err, via.puts, len(b.server.Effects()))
	}
	if _, err := prod.Begin(t.Context(), p.Call); err != nil || via.puts != 1 {
		t.Errorf("the next run: %v after %d PUTs", err, via.puts)
	}
}

// A deployment that is answered by {} for ever is never called absent, so that
// its update is never sent again.
func TestEmptyAnswersAreNeverAbsent(t *testing.T) {
	d := deployed(t, before, map[string]string{"deployments/prod": "{}"})
	for range 3 {
		verdict, _, err := d.Lookup(t.Context(), begun(driver.Deploy).Call)
		if x := d.Explain(err); verdict != driver.Undecided || x.Code != driver.Lost || !strings.Contains(x.Message, "it has no name") {
			t.Errorf("%s, %+v", verdict, x)
		}
	}
	if _, err := stagetest.Current(t.Context(), d, target("prod")); d.Explain(err).Code != driver.Lost {
		t.Errorf("current: %v", err)
	}
}

// What an answer must carry, each without one part of it.
func TestWhatAnswersCarry(t *testing.T) {
	imports := `resources: []\nimports:\n- path: app.jinja\n`
	for path, texts := range map[string][]string{
		"deployments/prod": {
			`{}`, `{"name":"other","fingerprint":"bmV3","manifest":"x/m1"}`, `{"name":"prod","manifest":"x/m1"}`, `{"name":"prod","fingerprint":"bmV3"}`,
			`{"name":"prod","fingerprint":"bmV3","manifest":"x/"}`, `{"name":"prod","fingerprint":"bmV3","manifest":"x/m1","Manifest":""}`,
			`{"name":"prod","fingerprint":"bmV3","manifest":"x/m1","operation":{"status":"DONE"}}`, `{"name":"prod","fingerprint":"bmV3","manifest":"x/m1","operation":{"name":"o"}}`,
			`{"name":"prod","fingerprint":"bmV3","manifest":"x/gone"}`, `{"name":"prod","fingerprint":"bmV3","manifest":"x/m1","labels":[null]}`,
		},
		"deployments/prod/manifests/m1": {
			`{}`, `{"name":"m2","config":{"content":"a"}}`, `{"name":"m1"}`, `{"name":"m1","config":{}}`, `{"name":"m1","config":{"content":""}}`, `{"name":"m1","config":{"content":7}}`,
			`{"name":"m1","config":{"content":"` + imports + `"}}`, `{"name":"m1","config":{"content":"a"},"imports":[{"content":"x"}]}`,
		},
	} {
		for _, text := range texts {
			d := deployed(t, before, map[string]string{path: text})
			if r, err := stagetest.Current(t.Context(), d, target("prod")); err == nil || d.Explain(err).Code != driver.Lost {
				t.Errorf("%s of %s: %+v, %v", text, path, r, err)
			}
		}
	}
	for _, text := range []string{`{}`, `{"name":"op-2","status":"DONE","progress":100}`, `{"name":"op-1"}`} {
		d := deployed(t, before, map[string]string{"operations/op-1": text})
		if op, _, err := d.Poll(t.Context(), begun(driver.Deploy)); err == nil || d.Explain(err).Code != driver.Lost {
			t.Errorf("%s: %+v, %v", text, op, err)
		}
	}
}

// A list that hides what is there does not make a release unknown: the deployment
// names a manifest, and is itself there.
func TestListsThatHide(t *testing.T) {
	own := `{"deployments":[{"name":"prod","fingerprint":"bmV3","manifest":"x/m1"}]}`
	for name, over := range map[string]map[string]string{
		"no manifests":   {"deployments/prod/manifests": "{}", "deployments": own},
		"no deployments": {"deployments": "{}"},
	} {
		d := deployed(t, before, over)
		if _, err := d.Resolve(t.Context(), target("prod"), release(wanted)); d.Explain(err).Code != driver.Lost {
			t.Errorf("%s: %v (%s)", name, err, d.Explain(err).Code)
		}
	}
	d := deployed(t, before, map[string]string{"deployments": own})
	if _, err := d.Resolve(t.Context(), target("prod"), release(wanted)); d.Explain(err).Code != driver.NotFound {
		t.Errorf("a release that never was: %v (%s)", err, d.Explain(err).Code)
	}
}

// FuzzAnyAnswer: whatever is answered to everything, no method panics, and none
// concludes that nothing runs from a text without the operation that would say why.
func FuzzAnyAnswer(f *testing.F) {
	for _, text := range []string{
		"", "null", "{}", "[]", `""`, `{"name":null}`, `{"name":"prod","fingerprint":"a","manifest":"x/prod","config":{"content":"x"},"status":"DONE","progress":100}`,
		`{"name":"prod","fingerprint":"a","operation":{"name":"o","status":"RUNNING"},"deployments":[{"name":"prod","fingerprint":"a","manifest":"m"}],"manifests":[null]}`,
		`{"manifests":[{"name":"m1","config":{"content":"x"},"imports":[{"name":"a"}]}],"nextPageToken":"1"}`,
	} {
		f.Add(text, http.StatusOK)
	}
	f.Add(`{"error":{"code":404,"errors":[null]}}`, http.StatusNotFound)
	f.Fuzz(func(t *testing.T, text string, status int) {
		d := openOver(t, map[string]string{override: "http://127.0.0.1:1/"}, googletest.Always(status, text))
		op := begun(driver.Deploy)
		calls := map[string]error{}
		r, err := stagetest.Current(t.Context(), d, target("prod"))
		if calls["current"] = err; err == nil && r.ID == "" && !strings.Contains(text, "operation") {
			t.Errorf("%d %s: nothing runs", status, text)
		}
		_, calls["resolve"] = d.Resolve(t.Context(), target("prod"), op.Call.Changes[0].Release.ID)
		_, calls["prepare"] = d.Prepare(t.Context(), op.Call)
		_, calls["begin"] = d.Begin(t.Context(), op.Call)
		_, _, calls["lookup"] = d.Lookup(t.Context(), op.Call)
		_, _, calls["poll"] = d.Poll(t.Context(), op)
		for name, err := range calls {
			if err != nil && d.Explain(err).Code == "" {
				t.Errorf("%s: %v is not explained", name, err)
			}
		}
	})
}
