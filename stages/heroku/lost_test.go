package heroku_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice/stages/driver"
	"sluice/stages/stagetest"
)

// errKilled ends a process in the middle of a request.
var errKilled = errors.New("killed")

// A process that dies at any of the protocol's requests, before or after it
// reached Heroku, leaves a batch of three that the next process finishes: with
// one promotion, whatever happened.
func TestKilledAtEveryRequest(t *testing.T) {
	for _, reached := range []bool{false, true} {
		for n := 1; ; n++ {
			a := newAccount(t)
			if died := a.lifeUntil(n, reached); !died {
				if n < 8 {
					t.Fatalf("the protocol has %d requests only: nothing was tried", n)
				}
				break
			}
			if t.Failed() {
				t.Fatalf("killed at request %d, which reached Heroku: %t", n, reached)
			}
		}
	}
}

// lifeUntil runs the protocol in a process that dies at its n-th request, and
// then in one that lives. It reports whether the first died.
func (a *account) lifeUntil(n int, reached bool) bool {
	a.Helper()
	c := a.promotion("web-staging", "web-eu", "web-us", "web-ap")
	life, die := context.WithCancel(a.Context())
	defer die()
	var mu sync.Mutex
	count := 0
	mortal := a.openWith(func(r *http.Request) (*http.Response, error) {
		mu.Lock()
		defer mu.Unlock()
		count++
		switch {
		case life.Err() != nil:
			return nil, errKilled
		case count < n:
			return http.DefaultTransport.RoundTrip(r)
		case reached:
			if resp, err := http.DefaultTransport.RoundTrip(r.WithContext(a.Context())); err == nil {
				resp.Body.Close()
			}
		}
		die()
		return nil, errKilled
	})
	saved := &memory{}
	saved.live(life, a, mortal, c)
	died := life.Err() != nil
	if died {
		a.clock.Move(time.Minute / 2)
		saved.live(a.Context(), a, a.open(), c)
	}
	if saved.op == nil || !saved.op.Finished() {
		a.Errorf("not finished: %+v", saved.op)
		return died
	}
	for name, r := range saved.op.Results {
		if r.Outcome != driver.Succeeded {
			a.Errorf("%s: %+v", name, r)
		}
	}
	if len(a.effects()) != 1 {
		a.Errorf("%d promotions, want 1", len(a.effects()))
	}
	return died
}

// memory is what processes leave each other: the intent and the operation.
type memory struct {
	intent *driver.Call
	op     *driver.Operation
}

// live goes on from what is saved, until the end or an error.
func (m *memory) live(ctx context.Context, a *account, d driver.Driver, c driver.Call) {
	if m.intent == nil {
		p, err := d.Prepare(ctx, c)
		if err != nil {
			return
		}
		call := again(a, p.Call)
		call.Intended = a.clock.Now()
		m.intent = &call
		if !m.begin(ctx, a, d) {
			return
		}
	}
	if m.op == nil && !m.confirm(ctx, a, d) {
		return
	}
	for range 50 {
		if m.op.Finished() {
			return
		}
		op := *m.op
		op.Call = *m.intent
		next, _, err := d.Poll(ctx, op)
		if err != nil {
			return
		}
		next = again(a, next)
		m.op = &next
		a.clock.Move(time.Second)
	}
}

func (m *memory) begin(ctx context.Context, a *account, d driver.Driver) bool {
	op, err := d.Begin(ctx, *m.intent)
	if err != nil {
		return false
	}
	op = again(a, op)
	m.op = &op
	return true
}

// confirm finds out what became of the intent.
func (m *memory) confirm(ctx context.Context, a *account, d driver.Driver) bool {
	for range 50 {
		verdict, op, err := d.Lookup(ctx, *m.intent)
		switch {
		case err != nil:
			return false
		case verdict == driver.Found:
			op = again(a, op)
			m.op = &op
			return true
		case verdict == driver.Absent:
			return m.begin(ctx, a, d)
		case verdict != driver.Undecided:
			a.Errorf("verdict %s", verdict)
			return false
		}
		a.clock.Move(10 * time.Second)
	}
	return false
}

// again is a value as another process reads it.
func again[T any](a *account, v T) T {
	a.Helper()
	data, err := json.Marshal(v)
	a.must(err)
	var out T
	a.must(json.Unmarshal(data, &out))
	return out
}

func TestLookupWaitsForTheSettlingTime(t *testing.T) {
	a := newAccount(t, "web-eu:deploy:late")
	p := a.prepare(a.promotion("web-staging", "web-eu"))
	op, err := a.open().Begin(t.Context(), p.Call)
	a.must(err)
	var verdicts []string
	for range 4 {
		verdict, _, err := a.open().Lookup(t.Context(), p.Call)
		a.must(err)
		verdicts = append(verdicts, string(verdict))
		a.clock.Move(8 * time.Second)
	}
	if got := strings.Join(verdicts, " "); got != "undecided undecided undecided found" {
		t.Errorf("verdicts %s", got)
	}
	a.follow(p.Call, op)
}

// One release is enough to know that all were asked for.
func TestOneHitMeansTheWholeBatch(t *testing.T) {
	a := newAccount(t, "web-us:deploy:late")
	p := a.prepare(a.promotion("web-staging", "web-eu", "web-us"))
	_, err := a.open().Begin(t.Context(), p.Call)
	a.must(err)
	verdict, op, err := a.open().Lookup(t.Context(), p.Call)
	a.must(err)
	if verdict != driver.Found || len(op.Results) != 2 {
		t.Fatalf("%s %+v", verdict, op)
	}
	for name, r := range a.follow(p.Call, op).Results {
		if r.Outcome != driver.Succeeded {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// A target that Heroku refused makes no release; without the promotion's answer
// nobody can say why.
func TestLateAppOfALostPromotion(t *testing.T) {
	a := newAccount(t, "web-us:deploy:reject")
	p := a.prepare(a.promotion("web-staging", "web-eu", "web-us"))
	_, err := a.open().Begin(t.Context(), p.Call)
	a.must(err)
	_, op, err := a.open().Lookup(t.Context(), p.Call)
	a.must(err)
	op = a.follow(p.Call, op)
	if r := op.Results["web-us"]; r.Outcome != driver.Failed || !strings.Contains(r.Errors[0].Message, "was lost") {
		t.Errorf("%+v", r)
	}
	if r := op.Results["web-eu"]; r.Outcome != driver.Succeeded {
		t.Errorf("%+v", r)
	}
}

// The same slug was there before, failed and was taken off again: such releases
// are older than the call and prove nothing.
func TestOlderReleasesOfTheSlugProveNothing(t *testing.T) {
	a := newAccount(t, "web-eu:deploy:fail", "web-eu:deploy#2:drop")
	c := a.promotion("web-staging", "web-eu")
	a.do(c)
	a.clock.Move(time.Hour)
	p := a.prepare(c)
	_, err := a.open().Begin(t.Context(), p.Call)
	if x := a.open().Explain(err); x.Code != driver.Lost {
		t.Fatalf("%v: %+v", err, x)
	}
	verdict, op, err := a.open().Lookup(t.Context(), p.Call)
	a.must(err)
	if verdict != driver.Undecided {
		t.Errorf("%s %+v, want undecided", verdict, op)
	}
	a.clock.Move(2 * time.Minute)
	if verdict, _, err = a.open().Lookup(t.Context(), p.Call); verdict != driver.Absent {
		t.Errorf("%s %v, want absent", verdict, err)
	}
}

// A config var that somebody sets meanwhile is a release, and no intruder.
func TestConfigVarWhileLost(t *testing.T) {
	a := newAccount(t)
	p := a.prepare(a.promotion("web-staging", "web-eu"))
	a.call("PATCH", "/apps/storefront-eu/config-vars", map[string]string{"LEVEL": "debug"}, nil)
	a.clock.Move(2 * time.Minute)
	verdict, _, err := a.open().Lookup(t.Context(), p.Call)
	a.must(err)
	if verdict != driver.Absent {
		t.Errorf("%s, want absent", verdict)
	}
}

// Every refusal that Heroku has for the promotion itself: a clear error, what
// to do about it, and no effect.
func TestRefusedPromotion(t *testing.T) {
	tests := map[string]struct {
		code   driver.Code
		remedy string
	}{
		"unauthorized":  {driver.Denied, "heroku authorizations:create"},
		"delinquent":    {driver.Denied, "bill"},
		"suspended":     {driver.Denied, "suspended"},
		"two-factor":    {driver.Denied, "second factor"},
		"deny":          {driver.Denied, "access"},
		"unprocessable": {driver.Invalid, ""},
		"throttle":      {driver.Retryable, ""},
		"error":         {driver.Lost, ""},
	}
	for fault, want := range tests {
		t.Run(fault, func(t *testing.T) {
			a := newAccount(t, "web-us:deploy:"+fault)
			p := a.prepare(a.promotion("web-staging", "web-eu", "web-us"))
			_, err := a.open().Begin(t.Context(), p.Call)
			x := a.open().Explain(err)
			if x.Code != want.code || !strings.Contains(x.Remedy, want.remedy) || x.RequestID == "" || x.Message == "" {
				t.Errorf("%v: %+v", err, x)
			}
			if n := len(a.effects()); n != 0 {
				t.Errorf("%d effects", n)
			}
		})
	}
}

// A read that fails is an error that may be tried again, and nothing is lost by
// it: the driver asks once.
func TestReadsAreAskedOnce(t *testing.T) {
	for _, fault := range []string{"throttle", "error", "drop", "cut"} {
		t.Run(fault, func(t *testing.T) {
			a := newAccount(t, "web-eu:read:"+fault)
			_, err := stagetest.Current(t.Context(), a.open(), a.target("web-eu"))
			if x := a.open().Explain(err); x.Code != driver.Retryable || x.RequestID == "" {
				t.Errorf("%v %+v", err, x)
			}
			if n := len(a.server.Requests()); n != 1 {
				t.Errorf("asked %d times", n)
			}
			if r, err := stagetest.Current(t.Context(), a.open(), a.target("web-eu")); err != nil || r.ID == "" {
				t.Errorf("a second time: %+v %v", r, err)
			}
		})
	}
}
