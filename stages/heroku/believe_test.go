package heroku_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	emulator "sluice/internal/sandbox/heroku"
	"sluice/internal/sandbox/sandboxtest"
	"sluice/stages"
	"sluice/stages/driver"
	"sluice/stages/heroku"
	"sluice/stages/stagetest"
)

// liar is an account in this process whose answers to one request are spoiled.
type liar struct {
	*testing.T
	clock    *sandboxtest.Clock
	emulator *emulator.Emulator

	mu      sync.Mutex
	path    string                       // "METHOD /path" of what is spoiled; "" for nothing
	spoil   func(resp *http.Response)    // what is done to the answer
	times   int                          // how often
	header  http.Header                  // of every answer
	asked   map[string]int               // by "METHOD /path"
	effects int                          // promotions and releases that were sent
	release driver.Release               // what the source runs
	runs    map[string]driver.Release    // what the targets run
	kinds   map[driver.Severity][]string // findings
}

func newLiar(t *testing.T) *liar {
	l := &liar{T: t, clock: sandboxtest.NewClock(start), asked: map[string]int{}, runs: map[string]driver.Release{}, kinds: map[driver.Severity][]string{}}
	l.emulator = emulator.New(l.clock.Now)
	l.emulator.Env("http://127.0.0.1:1")
	for _, p := range sandboxPipelines(t, three(t)) {
		if err := l.emulator.Seed(p); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

// RoundTrip asks the emulator, and spoils its answer where it shall.
func (l *liar) RoundTrip(r *http.Request) (*http.Response, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := r.Method + " " + r.URL.Path
	l.asked[key]++
	if r.Method == http.MethodPost && r.URL.Path != "/filters/apps" {
		l.effects++
	}
	in := r.Clone(r.Context())
	if in.Body == nil {
		in.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	l.emulator.ServeHTTP(w, in)
	resp := w.Result()
	maps.Copy(resp.Header, l.header)
	end, ends := strings.CutPrefix(l.path, "*")
	if l.times > 0 && l.spoil != nil && (key == l.path || ends && strings.HasSuffix(key, end)) {
		l.times--
		l.spoil(resp)
	}
	return resp, nil
}

func (l *liar) open() driver.Driver {
	l.Helper()
	env := map[string]string{"HEROKU_API_KEY": "key", "HEROKU_HOST": "http://127.0.0.1:1"}
	d, err := heroku.Open(l.Context(), driver.Env{Getenv: func(name string) string { return env[name] }, Now: l.clock.Now, Transport: l})
	if err != nil {
		l.Fatal(err)
	}
	return d
}

// reads asks as the engine does: again while that may help.
func reads[T any](l *liar, read func(driver.Driver) (T, error)) (T, error) {
	l.Helper()
	var last error
	for range 4 {
		d := l.open()
		v, err := read(d)
		if err == nil {
			return v, nil
		}
		last = err
		if !l.doubts(d, err) {
			break
		}
	}
	var none T
	return none, last
}

// doubts reports whether err is one after which a read is tried again.
func (l *liar) doubts(d driver.Driver, err error) bool {
	l.Helper()
	switch code := d.Explain(err).Code; code {
	case driver.Unknown, driver.Lost, driver.Retryable:
		return true
	default:
		l.Errorf("explained as %s: %v", code, err)
		return false
	}
}

// life is a whole life of a call: what the source runs, prepare, begin, poll,
// lookup. It reports whether the call succeeded everywhere.
func (l *liar) life(call func(*liar) driver.Call) bool {
	l.Helper()
	release, err := reads(l, func(d driver.Driver) (driver.Release, error) {
		return stagetest.Current(l.Context(), d, target("web-staging", "staging", "storefront-staging"))
	})
	if err != nil {
		return false
	}
	if release.ID == "" {
		l.Error("nothing is said to run on the source")
		return false
	}
	l.release = release
	if release, err = reads(l, func(d driver.Driver) (driver.Release, error) {
		return d.Resolve(l.Context(), target("web-eu", "production", "storefront-eu"), l.release.ID)
	}); err != nil {
		return false
	}
	if release.ID != l.release.ID {
		l.Errorf("asked for %s and resolved %s", l.release.ID, release.ID)
	}
	p, err := reads(l, func(d driver.Driver) (driver.Prepared, error) { return d.Prepare(l.Context(), call(l)) })
	if err != nil {
		return false
	}
	for _, f := range p.Findings {
		if f.Severity == driver.Refuse || f.Severity == driver.Foreign {
			l.Errorf("stopped by a bad answer: %+v", f)
			return false
		}
	}
	if len(p.First)+len(p.Unchanged) > 0 {
		l.Errorf("first %v, unchanged %v", p.First, p.Unchanged)
		return false
	}
	p.Call.Intended = l.clock.Now()
	return l.see(p.Call)
}

// see sends a prepared call and follows it.
func (l *liar) see(c driver.Call) bool {
	l.Helper()
	op, found := l.send(c)
	if !found {
		return false
	}
	for range 20 {
		op.Call = c
		next, err := reads(l, func(d driver.Driver) (driver.Operation, error) {
			next, _, err := d.Poll(l.Context(), op)
			return next, err
		})
		if err != nil {
			return false
		}
		if op = next; op.Finished() {
			break
		}
		l.clock.Move(time.Second)
	}
	for name, r := range op.Results {
		if r.Outcome == driver.Failed {
			l.Errorf("%s failed by a bad answer: %+v", name, r)
		}
	}
	return op.Finished()
}

// send begins a call, again where that provably did nothing, and looks it up
// where it may have done something.
func (l *liar) send(c driver.Call) (driver.Operation, bool) {
	l.Helper()
	for range 4 {
		d := l.open()
		op, err := d.Begin(l.Context(), c)
		if err == nil {
			return op, true
		}
		if !l.doubts(d, err) {
			return driver.Operation{}, false
		}
		if d.Explain(err).Code != driver.Retryable {
			return l.lookUp(c)
		}
	}
	return driver.Operation{}, false
}

func (l *liar) lookUp(c driver.Call) (driver.Operation, bool) {
	l.Helper()
	type found struct {
		verdict driver.Verdict
		op      driver.Operation
	}
	for range 20 {
		f, err := reads(l, func(d driver.Driver) (found, error) {
			verdict, op, err := d.Lookup(l.Context(), c)
			return found{verdict, op}, err
		})
		switch {
		case err != nil:
			return driver.Operation{}, false
		case f.verdict == driver.Found:
			return f.op, true
		case f.verdict != driver.Undecided:
			l.Errorf("a bad answer decides: %s %+v", f.verdict, f.op)
			return driver.Operation{}, false
		}
		l.clock.Move(5 * time.Second)
	}
	return driver.Operation{}, false
}

// lives are the calls whose requests are spoiled.
func lives() map[string]func(*liar) driver.Call {
	source := target("web-staging", "staging", "storefront-staging")
	return map[string]func(*liar) driver.Call{
		"a promotion": func(l *liar) driver.Call {
			c := driver.Call{Key: "promotion", Kind: driver.Deploy}
			for _, name := range []string{"eu", "us"} {
				c.Changes = append(c.Changes, driver.Change{Target: target("web-"+name, "production", "storefront-"+name), Source: &source, Release: l.release})
			}
			return c
		},
		"a release": func(l *liar) driver.Call {
			return direct(target("web-eu", "production", "storefront-eu"), l.release.ID)
		},
		"a declared pipeline": func(l *liar) driver.Call {
			to := with(target("web-eu", "production", "storefront-eu"), map[string]any{"pipeline": "storefront", "couple": true})
			return driver.Call{Key: "declared", Kind: driver.Deploy, Changes: []driver.Change{{Target: to, Source: &source, Release: l.release}}}
		},
	}
}

// body replaces an answer's.
func body(resp *http.Response, text string) {
	resp.Body = io.NopCloser(strings.NewReader(text))
	resp.ContentLength = int64(len(text))
}

// edited is the answer's own JSON, changed.
func edited(edit func(any) any) func(*http.Response) {
	return func(resp *http.Response) {
		var value any
		if json.NewDecoder(resp.Body).Decode(&value) != nil {
			value = nil
		}
		data, _ := json.Marshal(edit(value)) //nolint:errchkjson // it was JSON
		body(resp, string(data))
	}
}

// fields applies change to every field of every object.
func fields(v any, change func(object map[string]any, key string)) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			fields(v[i], change)
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			fields(v[key], change)
			change(v, key)
		}
	}
	return v
}

// spoils are what is done to answers.
func spoils() map[string]func(*http.Response) {
	all := map[string]func(*http.Response){}
	for name, text := range map[string]string{
		"empty": ``, "null": `null`, "{}": `{}`, "[]": `[]`, "[null]": `[null]`, "[{}]": `[{}]`, "{null}": `{"id":null,"app":null,"slug":null,"status":null,"version":null}`,
		"HTML": `<html><body>It works!</body></html>`, "a text": `"ok"`, "a number": `7`, "cut": `{"id":"0123`,
	} {
		all[name] = func(resp *http.Response) { body(resp, text) }
	}
	for _, status := range []int{301, 307, 400, 404, 409, 422} {
		all[fmt.Sprintf("HTML with %d", status)] = func(resp *http.Response) {
			resp.StatusCode, resp.Status = status, http.StatusText(status)
			resp.Header.Set("Location", "/elsewhere")
			body(resp, "<html>")
		}
	}
	all["no ids"] = edited(func(v any) any {
		return fields(v, func(o map[string]any, key string) {
			if key == "id" || key == "version" {
				delete(o, key)
			}
		})
	})
	all["ids of another type"] = edited(func(v any) any {
		return fields(v, func(o map[string]any, key string) {
			if key == "id" || key == "status" {
				o[key] = []any{o[key]}
			}
		})
	})
	all["no slug, no status"] = edited(func(v any) any {
		return fields(v, func(o map[string]any, key string) {
			if key == "slug" || key == "status" || key == "created_at" || key == "current" {
				delete(o, key)
			}
		})
	})
	all["about another"] = edited(another)
	all["an entry twice"] = edited(func(v any) any {
		if list, ok := v.([]any); ok {
			return append(list, list...)
		}
		return []any{v}
	})
	all["without its first entry"] = edited(func(v any) any {
		if list, ok := v.([]any); ok && len(list) > 0 {
			return list[1:]
		}
		return nil
	})
	all["a list that leads back"] = func(resp *http.Response) {
		resp.StatusCode = http.StatusPartialContent
		resp.Header.Set("Next-Range", "id ..; max=1000")
	}
	return all
}

// another is an answer about other apps, pipelines and promotions.
func another(v any) any {
	rename := func(o map[string]any) {
		for _, key := range []string{"id", "name"} {
			if text, ok := o[key].(string); ok {
				o[key] = text + "-x"
			}
		}
	}
	each := func(o map[string]any) {
		for _, key := range []string{"app", "pipeline", "pipeline_promotion", "source"} {
			if of, ok := o[key].(map[string]any); ok {
				rename(of)
				if app, ok := of["app"].(map[string]any); ok {
					rename(app)
				}
			}
		}
	}
	switch v := v.(type) {
	case map[string]any:
		rename(v)
		each(v)
	case []any:
		for _, item := range v {
			if o, ok := item.(map[string]any); ok {
				each(o)
			}
		}
	}
	return v
}

// statusOf changes the status of every promotion target and of the newest
// release of a list.
func statusOf(status string, current any) func(*http.Response) {
	return edited(func(v any) any {
		list, _ := v.([]any)
		for i, item := range list {
			o, _ := item.(map[string]any)
			_, isTarget := o["pipeline_promotion"]
			if isTarget || i == 0 {
				o["status"] = status
				o["current"] = current
			}
			if !isTarget && i == 1 && current == false {
				o["current"] = true
			}
		}
		return v
	})
}

// A status that nobody knows is shown and waited for; it is neither success nor
// failure, and what Heroku marks as current runs whatever its status.
func TestUnknownStatuses(t *testing.T) {
	tests := map[string]struct {
		path    string
		spoil   func(*http.Response)
		outcome driver.Outcome
		want    string
	}{
		"a promotion target":     {"promotion-targets", statusOf("successful", nil), driver.Open, `Heroku says "successful"`},
		"a release, not current": {"releases", statusOf("expired", false), driver.Open, `Heroku says "expired"`},
		"a release, current":     {"releases", statusOf("successful", true), driver.Succeeded, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLiar(t)
				d := l.open()
				release, err := stagetest.Current(t.Context(), d, target("web-staging", "staging", "storefront-staging"))
				l.release = release
				must(t, err)
				call := lives()["a declared pipeline"](l)
				p, err := d.Prepare(t.Context(), call)
				must(t, err)
				op, err := d.Begin(t.Context(), p.Call)
				must(t, err)
				for range 3 { // the emulator's release phase
					op.Call = p.Call
					l.under(test.path, test.spoil)
					op, _, err = d.Poll(t.Context(), op)
					must(t, err)
				}
				if got := op.Results["web-eu"]; got.Outcome != test.outcome || !strings.Contains(fmt.Sprint(op.Warnings), test.want) || (len(op.Warnings) > 0) != (test.want != "") {
					t.Errorf("%+v, warned %v", got, op.Warnings)
				}
				l.path = ""
				op.Call = p.Call
				op, _, err = d.Poll(t.Context(), op)
				must(t, err)
				if got := op.Results["web-eu"]; got.Outcome != driver.Succeeded || len(op.Warnings) > 0 {
					t.Errorf("with a status that is known: %+v, warned %v", got, op.Warnings)
				}
			})
		})
	}
}

// under spoils the answers to requests whose paths end so.
func (l *liar) under(end string, spoil func(*http.Response)) {
	l.path, l.spoil, l.times = "*/"+end, spoil, 1_000_000
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// What may run is not told where Heroku marks no release as current and the
// newest one's status is not known.
func TestUnknownStatusOfWhatRuns(t *testing.T) {
	d := answering(t, func(*http.Request) (*http.Response, error) {
		return answer(200, "["+releaseOn("storefront-eu", 2, "successful", "s2")+","+releaseOn("storefront-eu", 1, "succeeded", "s1")+"]"), nil
	})
	_, err := stagetest.Current(t.Context(), d, target("web-eu", "production", "storefront-eu"))
	if x := d.Explain(err); x.Code != driver.Unknown || !strings.Contains(fmt.Sprint(err), `release v2 is "successful"`) || x.Remedy == "" {
		t.Errorf("%v %+v", err, x)
	}
}

// The clock in Heroku's answers may be wrong: versions tell what came after the
// call, so that a promotion that was lost is found and not sent again.
func TestLostUnderAWrongClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLiar(t)
		l.header = http.Header{"Date": {start.AddDate(1, 0, 0).Format(http.TimeFormat)}}
		release, err := stagetest.Current(t.Context(), l.open(), target("web-staging", "staging", "storefront-staging"))
		must(t, err)
		l.release = release
		d := l.open()
		p, err := d.Prepare(t.Context(), lives()["a promotion"](l))
		must(t, err)
		p.Call.Intended = l.clock.Now()
		_, err = d.Begin(t.Context(), p.Call)
		must(t, err)
		l.clock.Move(time.Hour)
		if verdict, _, err := d.Lookup(t.Context(), p.Call); verdict != driver.Found {
			t.Errorf("%s %v, want found", verdict, err)
		}
	})
}

// Lists and operations that contradict what is known of a call decide nothing
// about it.
func TestAnswersThatContradictTheCall(t *testing.T) {
	of := func(releases ...string) string { return "[" + strings.Join(releases, ",") + "]" }
	v := func(version int, status, slug string) string {
		return releaseOn("storefront-eu", version, status, slug)
	}
	tests := map[string]struct {
		releases, targets string
		progress          string // of the operation that is polled; "" looks the call up
		want              string
	}{
		"older than at Prepare":        {of(v(2, "succeeded", "old"), v(1, "succeeded", "")), "", "", "v3 was there before"},
		"ends before Prepare's":        {of(v(5, "succeeded", "old")), "", "", "ends before v1"},
		"not in order":                 {of(v(5, "failed", "old"), v(6, "succeeded", "old")), "", "", "v6 comes after v5"},
		"no targets of the promotion":  {of(v(4, "succeeded", "s"), v(3, "succeeded", "old")), `[]`, `{"promotion":"x"}`, "lack app storefront-eu"},
		"the release has another slug": {of(v(4, "failed", "other"), v(3, "succeeded", "old")), "", `{"release":"r4"}`, `v4, which is said to be made by this call, has slug "other"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := answering(t, func(r *http.Request) (*http.Response, error) {
					if strings.HasSuffix(r.URL.Path, "/promotion-targets") {
						return answer(200, test.targets), nil
					}
					return answer(200, test.releases), nil
				})
				c := driver.Call{Kind: driver.Deploy, Data: []byte(`{"slug":"s","source":{"app":"a0","release":"r0"}}`), Changes: []driver.Change{{
					Target: target("web-eu", "production", "storefront-eu"), Data: []byte(`{"app":"storefront-eu","version":3,"slug":"old"}`),
				}}}
				var err error
				if test.progress == "" {
					var verdict driver.Verdict
					verdict, _, err = d.Lookup(t.Context(), c)
					if verdict != driver.Undecided {
						t.Errorf("looked up: %s", verdict)
					}
				} else {
					_, _, err = d.Poll(t.Context(), driver.Operation{Call: c, Data: []byte(test.progress)})
				}
				if err == nil || d.Explain(err).Code != driver.Unknown || !strings.Contains(err.Error(), test.want) {
					t.Errorf("%v, want %q", err, test.want)
				}
			})
		})
	}
}

// The pipeline of a promotion is not that of another app's coupling.
func TestCouplingOfAnotherApp(t *testing.T) {
	l := newLiar(t)
	release, err := stagetest.Current(t.Context(), l.open(), target("web-staging", "staging", "storefront-staging"))
	must(t, err)
	l.release = release
	l.path, l.times = "GET /apps/storefront-staging/pipeline-couplings", 1
	l.spoil = edited(func(v any) any {
		v.(map[string]any)["app"] = map[string]any{"id": "another"}
		return v
	})
	d := l.open()
	if _, err = d.Prepare(t.Context(), lives()["a promotion"](l)); err == nil || d.Explain(err).Code != driver.Unknown || !strings.Contains(err.Error(), "about app") {
		t.Errorf("%v", err)
	}
}

// Whatever the answers hold, each method of the driver ends with an error that
// is explained or with something that can be shown, and none panics.
func FuzzAnswers(f *testing.F) {
	f.Add(200, "["+releaseOn("storefront-eu", 1, "succeeded", "s")+"]", "")
	f.Add(200, releaseOn("storefront-eu", 1, "odd", "s"), "")
	f.Add(206, `[null,{"slug":{}}]`, "version ]3..; order=desc,max=10")
	f.Add(201, `{"id":"p","pipeline":{"id":"p1"},"source":{"app":{"id":"a0"},"release":{"id":"r0"}}}`, "")
	f.Add(200, `[{"app":{"id":"storefront-eu"},"pipeline_promotion":{"id":"x"},"status":"successful"}]`, "")
	f.Add(300, `[{"id":"p","name":"n"},{"id":"q","name":"n"}]`, "")
	f.Add(403, `{"id":"two_factor","message":"…"}`, "")
	f.Add(502, `<html>`, "")
	f.Fuzz(func(t *testing.T, status int, text, next string) {
		if status < 200 || status > 599 {
			status = 200
		}
		synctest.Test(t, func(t *testing.T) {
			d := answering(t, func(*http.Request) (*http.Response, error) {
				resp := answer(status, text)
				resp.Header.Set("Next-Range", next)
				return resp, nil
			})
			everyMethod(t, d)
		})
	})
}

// everyMethod calls what a driver can do.
func everyMethod(t *testing.T, d driver.Driver) {
	t.Helper()
	to, from := target("web-eu", "production", "storefront-eu"), target("web-staging", "staging", "storefront-staging")
	explained := func(err error) {
		if err != nil && d.Explain(err).Code == "" {
			t.Errorf("no code for %v", err)
		}
	}
	_, err := stagetest.Current(t.Context(), d, to)
	explained(err)
	_, err = d.Resolve(t.Context(), to, "s")
	explained(err)
	for _, data := range []string{`{"slug":"s"}`, `{"slug":"s","pipeline":"p1","source":{"app":"a0","release":"r0"}}`} {
		c := driver.Call{Kind: driver.Deploy, Data: []byte(data), Changes: []driver.Change{{
			Target: to, Source: &from, Release: driver.Release{ID: "s"}, Data: []byte(`{"app":"storefront-eu","version":1}`),
		}}}
		_, err = d.Prepare(t.Context(), c)
		explained(err)
		_, err = d.Begin(t.Context(), c)
		explained(err)
		_, _, err = d.Lookup(t.Context(), c)
		explained(err)
		for _, known := range []string{``, `{"promotion":"x"}`, `{"release":"r1"}`} {
			_, _, err = d.Poll(t.Context(), driver.Operation{Call: c, Data: []byte(known)})
			explained(err)
		}
	}
}

// Every answer to every request of a call's life, spoiled in every way, once and
// for ever: once, nobody notices; for ever, nothing is concluded from it, and
// never is an effect repeated.
func TestBadAnswers(t *testing.T) {
	for name, call := range lives() {
		var paths []string
		synctest.Test(t, func(t *testing.T) {
			l := newLiar(t)
			if !l.life(call) || l.effects != 1 {
				t.Fatalf("%s: does not succeed unspoiled, with %d effects", name, l.effects)
			}
			paths = slices.Sorted(maps.Keys(l.asked))
		})
		if len(paths) < 7 {
			t.Fatalf("%s asks %v only", name, paths)
		}
		for _, path := range paths {
			for kind, spoil := range spoils() {
				t.Run(name+"/"+path+"/"+kind, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						l := newLiar(t)
						l.path, l.spoil, l.times = path, spoil, 1
						if !l.life(call) || l.effects != 1 {
							t.Errorf("one bad answer: did not succeed, or not with one effect: %d", l.effects)
						}
					})
					synctest.Test(t, func(t *testing.T) {
						l := newLiar(t)
						l.path, l.spoil, l.times = path, spoil, 1_000_000
						l.life(call)
						if l.effects > 1 {
							t.Errorf("bad answers for ever: %d effects", l.effects)
						}
					})
				})
			}
		}
	}
}

// White space around the token is not part of it, and what is left is never
// shown.
func TestTokenIsTrimmedAndKept(t *testing.T) {
	var kept []string
	sent := ""
	env := driver.Env{
		Getenv: func(name string) string { return map[string]string{"HEROKU_API_KEY": " \tsecret-token\r\n"}[name] },
		Secret: func(value string) { kept = append(kept, value) },
		Transport: transport(func(r *http.Request) (*http.Response, error) {
			sent = r.Header.Get("Authorization")
			return answer(200, "["+releaseOn("storefront-eu", 1, "succeeded", "")+"]"), nil
		}),
	}
	d, err := heroku.Open(t.Context(), env)
	must(t, err)
	if !slices.Equal(kept, []string{"secret-token"}) {
		t.Errorf("kept %q before the first request", kept)
	}
	_, err = stagetest.Current(t.Context(), d, target("web-eu", "production", "storefront-eu"))
	must(t, err)
	if sent != "Bearer secret-token" {
		t.Errorf("sent %q", sent)
	}
}

// A stop that comes at any request of Begin keeps the next effect from being
// sent, also where Begin only reads yet.
func TestNoEffectAfterTheStop(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(lives())) {
		for n := 1; ; n++ {
			l := newLiar(t)
			release, err := stagetest.Current(t.Context(), l.open(), target("web-staging", "staging", "storefront-staging"))
			must(t, err)
			l.release = release
			p, err := l.open().Prepare(t.Context(), lives()[name](l))
			must(t, err)
			stop := make(chan struct{})
			asked := 0
			env := map[string]string{"HEROKU_API_KEY": "key", "HEROKU_HOST": "http://127.0.0.1:1"}
			s := stages.New(driver.Env{
				Getenv: func(name string) string { return env[name] }, Now: l.clock.Now,
				Transport: transport(func(r *http.Request) (*http.Response, error) {
					if asked++; asked == n {
						close(stop)
					}
					return l.RoundTrip(r)
				}),
			}, stages.Platform{Facts: heroku.Facts(), Open: heroku.Open})
			place, err := s.Target(p.Call.Changes[0].Target)
			must(t, err)
			_, err = place.Begin(stages.WithStop(t.Context(), stop), p.Call)
			if asked < n {
				break // all requests were tried
			}
			if sent := l.effects > 0; sent == stages.NotSent(err) {
				t.Errorf("%s, stopped at request %d: %d effects, and %v", name, n, l.effects, err)
			}
		}
	}
}
