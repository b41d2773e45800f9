package heroku_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"sluice/stages/driver"
	"sluice/stages/heroku"
	"sluice/stages/stagetest"
)

// opened is a driver in an environment, over a way that the test answers.
func opened(t *testing.T, env map[string]string, way transport) (driver.Driver, error) {
	t.Helper()
	return heroku.Open(t.Context(), driver.Env{Getenv: func(name string) string { return env[name] }, Transport: way})
}

func answering(t *testing.T, way transport) driver.Driver {
	t.Helper()
	d, err := opened(t, map[string]string{"HEROKU_API_KEY": "secret-token"}, way)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// releaseOn is a release as Heroku shows it; without a slug it is null.
func releaseOn(app string, version int, status, slug string) string {
	ref := "null"
	if slug != "" {
		ref = fmt.Sprintf(`{"id":%q}`, slug)
	}
	return fmt.Sprintf(`{"id":"r%d","app":{"id":"id-of-%s","name":%q},"version":%d,"status":%q,"slug":%s,"created_at":"2026-03-01T12:00:00Z"}`,
		version, app, app, version, status, ref)
}

func TestHost(t *testing.T) {
	for host, want := range map[string]string{
		"":                        "https://api.heroku.com/apps/storefront-eu/releases",
		"heroku.example":          "https://api.heroku.example/apps/storefront-eu/releases",
		"https://heroku.example/": "https://heroku.example/apps/storefront-eu/releases",
		"http://127.0.0.1:4567":   "http://127.0.0.1:4567/apps/storefront-eu/releases",
	} {
		var asked string
		d, err := opened(t, map[string]string{"HEROKU_API_KEY": "secret-token", "HEROKU_HOST": host}, func(r *http.Request) (*http.Response, error) {
			asked = r.URL.String()
			if r.Header.Get("Authorization") != "Bearer secret-token" || r.Header.Get("Accept") != "application/vnd.heroku+json; version=3" || r.Header.Get("Range") != "version ..; order=desc,max=10" {
				t.Errorf("headers %v", r.Header)
			}
			return answer(http.StatusOK, "["+releaseOn("storefront-eu", 1, "succeeded", "")+"]"), nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if r, err := stagetest.Current(t.Context(), d, target("web-eu", "production", "storefront-eu")); err != nil || r.ID != "" {
			t.Errorf("%q: %+v %v", host, r, err)
		}
		if asked != want {
			t.Errorf("HEROKU_HOST=%q asks %s, want %s", host, asked, want)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	_, err := opened(t, nil, nil)
	open, ok := errors.AsType[*driver.OpenError](err)
	if !ok || open.Code != driver.Denied || !strings.Contains(open.Remedy, "heroku authorizations:create") {
		t.Errorf("without a token: %v", err)
	}
	for _, host := range []string{"http://heroku.example", "ftp://heroku.example", "http://127.0.0.1.example"} {
		if _, err := opened(t, map[string]string{"HEROKU_API_KEY": "x", "HEROKU_HOST": host}, nil); err == nil || !strings.Contains(err.Error(), "HEROKU_HOST") {
			t.Errorf("HEROKU_HOST=%s: %v", host, err)
		}
	}
}

// What the platform answers is never followed elsewhere with the token.
func TestRedirectsAreNotFollowed(t *testing.T) {
	asked := 0
	d := answering(t, func(*http.Request) (*http.Response, error) {
		asked++
		resp := answer(http.StatusFound, ``)
		resp.Header.Set("Location", "https://elsewhere.example/")
		return resp, nil
	})
	_, err := stagetest.Current(t.Context(), d, target("web-eu", "production", "storefront-eu"))
	if x := d.Explain(err); x.Code != driver.Retryable || !strings.Contains(x.Remedy, "HEROKU_HOST") || asked != 1 {
		t.Errorf("%v %+v after %d requests", err, x, asked)
	}
}

func TestAnswersThatAreNone(t *testing.T) {
	tests := map[string]struct {
		answer func() *http.Response
		code   driver.Code
		want   string
	}{
		"no JSON":       {func() *http.Response { return answer(200, `<html>`) }, driver.Unknown, "not what the API documents"},
		"another shape": {func() *http.Response { return answer(200, `{"id":"x"}`) }, driver.Unknown, "not what the API documents"},
		"a proxy's error": {func() *http.Response {
			return answer(400, "<html>\nBad   Request "+strings.Repeat("x", 500))
		}, driver.Retryable, "<html> Bad Request x"},
		"an empty error":       {func() *http.Response { return answer(404, ``) }, driver.Retryable, "404: Not Found"},
		"a proxy's 404":        {func() *http.Response { return answer(404, `<html>`) }, driver.Retryable, "404: <html>"},
		"Heroku's own 404":     {func() *http.Response { return answer(404, `{"id":"not_found","message":"Couldn't find that app."}`) }, driver.NotFound, "find that app"},
		"an ambiguity of one":  {func() *http.Response { return answer(300, `[{"id":"p","name":"n"}]`) }, driver.Retryable, "300"},
		"an ambiguity of none": {func() *http.Response { return answer(300, `[null,null]`) }, driver.Retryable, "300"},
		"an endless list": {func() *http.Response {
			resp := answer(http.StatusPartialContent, "["+releaseOn("storefront-eu", 7, "failed", "s1")+"]")
			resp.Header.Set("Next-Range", "version ..; order=desc,max=10")
			return resp
		}, driver.Unknown, "does not go on"},
		"an endless answer": {func() *http.Response {
			resp := answer(200, ``)
			resp.Body = io.NopCloser(zeros{})
			return resp
		}, driver.Unknown, "longer than 4 MiB"},
		"a far Retry-After": {func() *http.Response {
			resp := answer(429, `{"id":"rate_limit","message":"Slow down.","url":"https://help.example"}`)
			resp.Header.Set("Retry-After", "60")
			return resp
		}, driver.Retryable, "429 rate_limit: Slow down. (https://help.example)"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := answering(t, func(*http.Request) (*http.Response, error) { return test.answer(), nil })
				_, err := stagetest.Current(t.Context(), d, target("web-eu", "production", "storefront-eu"))
				x := d.Explain(err)
				if x.Code != test.code || x.RequestID != "req-1" || !strings.Contains(fmt.Sprint(err), test.want) {
					t.Errorf("%v\n%+v\nwant %s, %q", err, x, test.code, test.want)
				}
				if len(err.Error()) > 400 {
					t.Errorf("the error has %d bytes", len(err.Error()))
				}
			})
		})
	}
}

// zeros never ends.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func TestBadConfiguration(t *testing.T) {
	d := answering(t, func(r *http.Request) (*http.Response, error) {
		t.Errorf("asked %s", r.URL)
		return nil, io.EOF
	})
	for _, config := range []string{``, `{`, `{}`, `{"app":7}`} {
		_, err := stagetest.Current(t.Context(), d, driver.Target{Name: "web", Config: []byte(config)})
		if x := d.Explain(err); x.Code != driver.Invalid {
			t.Errorf("%q: %v %+v", config, err, x)
		}
	}
	for _, c := range []driver.Call{{}, {Data: []byte(`{}`)}, {Data: []byte(`{}`), Changes: []driver.Change{{Data: []byte(`[]`)}}}} {
		if _, _, err := d.Lookup(t.Context(), c); d.Explain(err).Code != driver.Invalid {
			t.Errorf("%+v: %v", c, err)
		}
		if _, _, err := d.Poll(t.Context(), driver.Operation{Call: c}); d.Explain(err).Code != driver.Invalid {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// Polls slow down while the account's requests run out.
func TestPollsSlowDown(t *testing.T) {
	a := newAccount(t)
	p := a.prepare(a.promotion("web-staging", "web-eu"))
	op, err := a.open().Begin(t.Context(), p.Call)
	a.must(err)
	op.Call = p.Call
	for left, want := range map[string]bool{"50": true, "4000": false} {
		d := a.openWith(func(r *http.Request) (*http.Response, error) {
			resp, err := http.DefaultTransport.RoundTrip(r)
			if err == nil {
				resp.Header.Set("RateLimit-Remaining", left)
			}
			return resp, err
		})
		_, wait, err := d.Poll(t.Context(), op)
		if err != nil || (wait > 0) != want {
			t.Errorf("%s left: wait %s, %v", left, wait, err)
		}
	}
}

// What a release phase printed comes from another host: over https, without the
// token, and no more of it than can be shown.
func TestOutputOfAReleasePhase(t *testing.T) {
	long := strings.Repeat("working…\n", 20_000) + "done\n"
	tests := map[string]struct {
		url  string
		resp *http.Response
		want string
	}{
		"as it is":    {"https://output.example/1", answer(200, "migrated\n"), "migrated\n"},
		"clear text":  {"http://output.example/1", answer(200, "migrated\n"), ""},
		"loopback":    {"http://127.0.0.1/1", answer(200, "migrated\n"), ""},
		"no URL":      {"://", answer(200, "migrated\n"), ""},
		"not there":   {"https://output.example/1", answer(404, "gone"), ""},
		"a long one":  {"https://output.example/1", answer(200, long), "done\n"},
		"none at all": {"", answer(200, "migrated\n"), ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			d := answering(t, func(r *http.Request) (*http.Response, error) {
				if r.URL.Host == "api.heroku.com" {
					body := strings.TrimSuffix(releaseOn("a1", 3, "succeeded", "s1"), "}")
					return answer(201, fmt.Sprintf(`%s,"output_stream_url":%q}`, body, test.url)), nil
				}
				if r.Header.Get("Authorization") != "" {
					t.Error("the token went to another host")
				}
				return test.resp, nil
			})
			c := driver.Call{Kind: driver.Deploy, Data: []byte(`{"slug":"s1"}`), Changes: []driver.Change{{
				Target: target("web", "production", "a1"), Data: []byte(`{"app":"a1"}`),
			}}}
			op, err := d.Begin(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			log := op.Results["web"].Log
			if !strings.HasSuffix(log, test.want) || test.want == "" && log != "" || len(log) > 65<<10 {
				t.Errorf("%d bytes: %.60q", len(log), log)
			}
		})
	}
}

// Heroku accepts, and its answer is not what was asked for.
func TestUnexpectedAnswers(t *testing.T) {
	for path, body := range map[string]string{
		"/apps/a1/releases":    releaseOn("a1", 3, "succeeded", "another"),
		"/pipeline-promotions": `{}`,
	} {
		data := `{"slug":"s1"}`
		if path == "/pipeline-promotions" {
			data = `{"slug":"s1","pipeline":"p1","source":{"app":"a0","release":"r0"}}`
		}
		d := answering(t, func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodGet {
				return answer(200, "["+releaseOn("a0", 1, "succeeded", "s1")+"]"), nil
			}
			return answer(201, body), nil
		})
		_, err := d.Begin(t.Context(), driver.Call{Kind: driver.Deploy, Data: []byte(data), Changes: []driver.Change{{
			Target: target("web", "production", "a1"), Data: []byte(`{"app":"a1"}`),
		}}})
		if x := d.Explain(err); x.Code != driver.Lost {
			t.Errorf("%s: %v %+v", path, err, x)
		}
	}
}
