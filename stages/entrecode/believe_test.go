package entrecode_test

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"sluice/stages"
	"sluice/stages/driver"
	"sluice/stages/entrecode"
	"sluice/stages/stagetest"
)

// way answers requests in the test's process.
type way func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f way) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := f(r)
	if resp != nil {
		resp.Request = r
	}
	return resp, err
}

// through is a driver that reaches w as the test says.
func (w *wild) through(t *testing.T, f way) driver.Driver {
	t.Helper()
	env := map[string]string{"ENTRECODE_ACCESS_TOKEN": "x", "ENTRECODE_APPSERVER_URL": w.URL + "/"}
	d, err := entrecode.Open(t.Context(), driver.Env{Getenv: func(name string) string { return env[name] }, Transport: f})
	must(t, err)
	return d
}

// An answer about something else than was asked for is none, whichever request
// it answers: nothing is concluded from it, and asked again it heals.
func TestAnswersAboutSomethingElse(t *testing.T) {
	for path, body := range map[string]string{
		"/one":   `{"appID":"other","_links":{"ec:app/platforms":{"href":"/plats"}}}`,
		"/plats": `{"platformID":"other","_links":{"ec:app/deployments":{"href":"/deps"}}}`,
		"/deps":  `{"platformID":"p"}`,
		"/b/70":  `{"deploymentID":70,"successful":"success"}`,
		"/b/80":  `{"deploymentID":8,"successful":"success"}`,
		"/t/1":   `{"appID":"t1"}`,
		"/d/10":  `{"deploymentID":9,"successful":"success"}`,
	} {
		w := newWild(t, documented())
		d := w.driver(t)
		good := w.answers[path]
		w.answers[path] = body
		var wrong []error
		check := func(err error) {
			if err != nil {
				wrong = append(wrong, err)
			}
		}
		_, err := stagetest.Current(t.Context(), d, wildTarget())
		check(err)
		p, err := d.Prepare(t.Context(), deploy("70", wildTarget(), nil))
		check(err)
		if len(p.First)+len(p.Unchanged) > 0 || messages(p, driver.Refuse)+messages(p, driver.Foreign) != "" {
			t.Errorf("%s: %+v", path, p)
		}
		w.answers[path] = good
		p = prepare(t, d, deploy("70", wildTarget(), nil))
		op := follow(t, d, p, 0)
		if path == "/deps" {
			good = w.answers["after"]
		}
		w.answers[path], op.Call = body, p.Call
		_, _, err = d.Poll(t.Context(), op)
		check(err)
		_, _, err = d.Lookup(t.Context(), p.Call)
		check(err)
		for _, err := range wrong {
			if x := d.Explain(err); x.Code != driver.Unknown {
				t.Errorf("%s: %v: %s", path, err, x.Code)
			}
		}
		if len(wrong) == 0 {
			t.Errorf("%s: believed everywhere", path)
		}
		w.answers[path] = good
		if op, _, err = d.Poll(t.Context(), op); err != nil || op.Results["wild"].Outcome != driver.Succeeded || len(w.posts) != 1 {
			t.Errorf("%s: it does not heal: %+v, %v", path, op, err)
		}
	}
}

// A platform's word about its app counts when it is said twice.
func TestAnotherAppSaidOnce(t *testing.T) {
	answers := documented()
	answers["/plats"] = `{"_embedded":{"ec:app/platform":{"platformID":"p","_links":{"ec:app":{"href":"/mine"},"ec:app/deployments":{"href":"/deps"}}}}}`
	answers["/mine"] = `{"appID":"a"}`
	w := newWild(t, answers)
	lies := 1
	d := w.through(t, func(r *http.Request) (*http.Response, error) {
		if r.URL.Path == "/mine" && lies > 0 {
			lies--
			return response(200, `{"appID":"b"}`), nil
		}
		return http.DefaultTransport.RoundTrip(r)
	})
	if p, err := d.Prepare(t.Context(), deploy("70", wildTarget(), nil)); err == nil || d.Explain(err).Code != driver.Unknown || lies > 0 {
		t.Errorf("said once: %+v, %v", p.Findings, err)
	}
	if p := prepare(t, d, deploy("70", wildTarget(), nil)); messages(p, driver.Refuse) != "" {
		t.Errorf("%+v", p.Findings)
	}
}

// A lookup whose list lacks what was there before says nothing: an effect that
// happened is not sent again.
func TestLookupInAListThatLacksWhatWas(t *testing.T) {
	w := newWild(t, documented())
	d := w.driver(t)
	p := prepare(t, d, deploy("70", wildTarget(), nil))
	follow(t, d, p, 0)
	for _, list := range []string{`{"total":0}`, `{"total":1,"_embedded":{"ec:app/deployment":{"deploymentID":7,"successful":"success","buildID":70,"targetIDs":["t1","t2"]}}}`} {
		w.answers["/deps"] = list
		verdict, _, err := d.Lookup(t.Context(), p.Call)
		if verdict != driver.Undecided || d.Explain(err).Code != driver.Unknown || !strings.Contains(fmt.Sprint(err), "lacks deployment 9") {
			t.Errorf("%s: %s, %v", list, verdict, err)
		}
	}
}

// A list that lacks the deployment itself cannot tell that nothing came after it.
func TestSuccessInAListThatLacksIt(t *testing.T) {
	answers := documented()
	delete(answers, "after")
	w := newWild(t, answers)
	d := w.driver(t)
	p := prepare(t, d, deploy("70", wildTarget(), nil))
	op := follow(t, d, p, 0)
	op.Call = p.Call
	if _, _, err := d.Poll(t.Context(), op); err == nil || d.Explain(err).Code != driver.Unknown || !strings.Contains(err.Error(), "lacks deployment 10") {
		t.Errorf("%v", err)
	}
}

// Success is a build on the targets that were asked for.
func TestSuccessOnOtherTargets(t *testing.T) {
	answers := documented()
	answers["/d/10"] = `{"deploymentID":10,"successful":"success","buildID":70,"_links":{"ec:app/target":{"href":"/t/1"}}}`
	w := newWild(t, answers)
	d := w.driver(t)
	p := prepare(t, d, deploy("70", wildTarget(), nil))
	op := follow(t, d, p, 0)
	op.Call = p.Call
	if _, _, err := d.Poll(t.Context(), op); d.Explain(err).Code != driver.Lost || !strings.Contains(fmt.Sprint(err), "went to targets [t1]") {
		t.Errorf("%v", err)
	}
}

// Only the App Manager's own 404 says that something is not there; a proxy's
// and one behind a redirect do not.
func TestWhoseNotFound(t *testing.T) {
	const own = `{"status":404,"code":3100,"title":"Resource not found"}`
	tests := map[string]struct {
		status int
		body   string
		code   driver.Code
	}{
		"its own":         {404, own, driver.NotFound},
		"a proxy's":       {404, `<html>`, driver.Unknown},
		"empty":           {404, ``, driver.Unknown},
		"without a code":  {404, `{}`, driver.Unknown},
		"a proxy's 409":   {409, `<html>`, driver.Unknown},
		"a proxy's 400":   {400, `<html>`, driver.Unknown},
		"after redirects": {302, own, driver.Unknown},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWild(t, documented())
			d := w.through(t, func(r *http.Request) (*http.Response, error) {
				switch r.URL.Path {
				case "/elsewhere":
					return response(404, own), nil
				case "/":
					resp := response(test.status, test.body)
					resp.Header.Set("Location", "/elsewhere")
					return resp, nil
				default:
					return http.DefaultTransport.RoundTrip(r)
				}
			})
			_, err := stagetest.Current(t.Context(), d, wildTarget())
			if x := d.Explain(err); x.Code != test.code || x.Remedy == "" {
				t.Errorf("%v: %+v", err, x)
			}
		})
	}
}

func response(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}

// White space around the token is not part of it, and what is left is never
// shown.
func TestTokenIsTrimmedAndKept(t *testing.T) {
	var kept, sent []string
	env := map[string]string{"ENTRECODE_ACCESS_TOKEN": "\tsecret-token \r\n", "ENTRECODE_APPSERVER_URL": "https://appserver.example/"}
	d, err := entrecode.Open(t.Context(), driver.Env{
		Getenv: func(name string) string { return env[name] },
		Secret: func(value string) { kept = append(kept, value) },
		Transport: way(func(r *http.Request) (*http.Response, error) {
			sent = append(sent, r.Header.Get("Authorization"))
			return response(200, `{}`), nil
		}),
	})
	must(t, err)
	if !slices.Equal(kept, []string{"secret-token"}) {
		t.Errorf("kept %q before the first request", kept)
	}
	_, _ = stagetest.Current(t.Context(), d, wildTarget()) // whatever it says
	if !slices.Equal(sent, []string{"Bearer secret-token"}) {
		t.Errorf("sent %q", sent)
	}
}

// A link of an answer that leads to another host gets neither the token nor a
// request, wherever it stands.
func TestLinksToOtherHosts(t *testing.T) {
	const away = "https://192.0.2.1"
	for _, path := range slices.Sorted(maps.Keys(documented())) {
		answers := documented()
		answers[path] = strings.ReplaceAll(answers[path], `"href":"`, `"href":"`+away)
		w := newWild(t, answers)
		d := w.through(t, func(r *http.Request) (*http.Response, error) {
			if r.URL.Host == "192.0.2.1" {
				t.Errorf("%s: asked %s with %q", path, r.URL, r.Header.Get("Authorization"))
			}
			return http.DefaultTransport.RoundTrip(r)
		})
		c := deploy("70", wildTarget(), nil)
		p, err := d.Prepare(t.Context(), c)
		if err != nil {
			if x := d.Explain(err); x.Code != driver.Unknown {
				t.Errorf("%s: %v: %s", path, err, x.Code)
			}
			continue
		}
		op, err := d.Begin(t.Context(), p.Call)
		must(t, err)
		op.Call = p.Call
		_, _, err = d.Poll(t.Context(), op)
		if err != nil && d.Explain(err).Code != driver.Unknown {
			t.Errorf("%s: %v: %s", path, err, d.Explain(err).Code)
		}
	}
}

// Once the run was told to stop, nothing is sent.
func TestNoEffectAfterTheStop(t *testing.T) {
	w := newWild(t, documented())
	p := prepare(t, w.driver(t), deploy("70", wildTarget(), nil))
	env := map[string]string{"ENTRECODE_ACCESS_TOKEN": "x", "ENTRECODE_APPSERVER_URL": w.URL + "/"}
	s := stages.New(driver.Env{Getenv: func(name string) string { return env[name] }}, stages.Platform{Facts: entrecode.Facts(), Open: entrecode.Open})
	place, err := s.Target(wildTarget())
	must(t, err)
	stop := make(chan struct{})
	close(stop)
	if _, err = place.Begin(stages.WithStop(t.Context(), stop), p.Call); !stages.NotSent(err) || len(w.posts) != 0 {
		t.Errorf("%v after %v", err, w.posts)
	}
}

// Whatever the answers hold, each method of the driver ends with an error that
// is explained or with something that can be shown, and none panics.
func FuzzAnswers(f *testing.F) {
	for _, answer := range documented() {
		f.Add(200, answer)
	}
	f.Add(200, `{"appID":"a","platformID":"p","buildID":70,"targetID":"t1","_links":{"ec:apps":{"href":"/"},"ec:app":{"href":"/"},"ec:app/platforms":{"href":"/"},"ec:app/deployments":{"href":"/"},"ec:app/build":{"href":"/"},"ec:app/target":{"href":"/"}}}`)
	f.Add(200, `{"total":1,"appID":null,"_embedded":{"ec:app":{"appID":"a","platformID":"p"},"ec:app/platform":{"platformID":"p"},"ec:app/deployment":{"deploymentID":10,"successful":"odd","targetIDs":"t1","events":[7]}}}`)
	f.Add(404, `{"code":3100,"_embedded":{"error":[null,{"code":1}]}}`)
	f.Add(307, ``)
	f.Fuzz(func(t *testing.T, status int, text string) {
		if status < 200 || status > 599 {
			status = 200
		}
		d := (&wild{Server: &httptest.Server{URL: "http://127.0.0.1:1"}}).through(t, func(*http.Request) (*http.Response, error) { return response(status, text), nil })
		explained := func(err error) {
			if err != nil && d.Explain(err).Code == "" {
				t.Errorf("no code for %v", err)
			}
		}
		_, err := stagetest.Current(t.Context(), d, wildTarget())
		explained(err)
		_, err = d.Resolve(t.Context(), wildTarget(), "70")
		explained(err)
		from := wildTarget()
		c := deploy("70", wildTarget(), &from)
		_, err = d.Prepare(t.Context(), c)
		explained(err)
		c.Data = []byte(`{"url":"/deps","buildID":"70","watermark":{"number":9}}`)
		_, err = d.Begin(t.Context(), c)
		explained(err)
		_, _, err = d.Lookup(t.Context(), c)
		explained(err)
		for _, kept := range []string{``, `{"self":"/d/10"}`, `{"collection":"/deps"}`} {
			_, _, err = d.Poll(t.Context(), driver.Operation{ID: "10", Call: c, Data: []byte(kept)})
			explained(err)
		}
	})
}
