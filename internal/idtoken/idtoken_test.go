package idtoken_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"sluice/internal/idtoken"
)

// token is what GitHub would give a job: its parts are readable, its signature is none.
func token(subject string) string {
	claims := base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"` + subject + `"}`))
	return "eyJhbGciOiJub25lIn0." + claims + ".c2ln"
}

// github answers requests for a token, and counts them.
type github struct {
	status int
	body   string
	asked  []*http.Request
}

func (g *github) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.asked = append(g.asked, r)
	w.WriteHeader(g.status)
	w.Write([]byte(g.body)) //nolint:errcheck // the client went away
}

func (g *github) job(t *testing.T, env map[string]string) (idtoken.Job, *[]string) {
	t.Helper()
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	all := map[string]string{"GITHUB_ACTIONS": "true", idtoken.RequestURL: server.URL + "/token?api-version=2.0", idtoken.RequestToken: "runner-token"}
	for name, value := range env {
		all[name] = value
	}
	var kept []string
	return idtoken.Job{
		Getenv: func(name string) string { return all[name] }, Client: server.Client(), Keep: func(v string) { kept = append(kept, v) },
	}, &kept
}

func TestToken(t *testing.T) {
	want := token("repo:octo/shop:ref:refs/heads/main")
	g := &github{status: http.StatusOK, body: `{"count": 1, "value": "` + want + `"}`}
	job, kept := g.job(t, nil)
	got, err := job.Token(t.Context(), "sts.amazonaws.com")
	if err != nil || got != want {
		t.Fatalf("%q, %v", got, err)
	}
	r := g.asked[0]
	if r.URL.Query().Get("audience") != "sts.amazonaws.com" || r.URL.Query().Get("api-version") != "2.0" || r.Header.Get("Authorization") != "Bearer runner-token" {
		t.Errorf("asked %s with %v", r.URL, r.Header)
	}
	if !slices.Equal(*kept, []string{"runner-token", want}) {
		t.Errorf("told of %q before their first use", *kept)
	}
	if s := idtoken.Subject(got); s != "repo:octo/shop:ref:refs/heads/main" {
		t.Errorf("the subject is %q", s)
	}
}

func TestNoToken(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		later  bool
	}{
		"refused":  {http.StatusForbidden, `{}`, false},
		"broken":   {http.StatusBadGateway, ``, true},
		"empty":    {http.StatusOK, `{}`, false},
		"no token": {http.StatusOK, `{"value": "not-a-token"}`, false},
		"no JSON":  {http.StatusOK, `[`, false},
	} {
		t.Run(name, func(t *testing.T) {
			g := &github{status: c.status, body: c.body}
			job, _ := g.job(t, nil)
			got, err := job.Token(t.Context(), "a")
			if _, later := errors.AsType[*url.Error](err); got != "" || err == nil || later != c.later {
				t.Errorf("%q, %v: another try may do: %t", got, err, later)
			}
			if err != nil && strings.Contains(err.Error(), "runner-token") {
				t.Errorf("%v holds a credential", err)
			}
		})
	}
}

// Without the permission GitHub sets neither variable, and nobody is asked.
func TestMissing(t *testing.T) {
	for inside, words := range map[string]string{"true": "the job may not ask", "": "outside of GitHub Actions"} {
		g := &github{status: http.StatusOK}
		job, _ := g.job(t, map[string]string{"GITHUB_ACTIONS": inside, idtoken.RequestURL: "", idtoken.RequestToken: ""})
		_, err := job.Token(t.Context(), "a")
		missing, ok := errors.AsType[*idtoken.MissingError](err)
		if !ok || missing.Inside != (inside == "true") || !strings.Contains(err.Error(), words) || len(g.asked) > 0 {
			t.Errorf("GITHUB_ACTIONS=%q: %v, asked %d times", inside, err, len(g.asked))
		}
	}
}

// The runner's token goes to GitHub alone, and not in clear text.
func TestClearText(t *testing.T) {
	for _, address := range []string{"http://192.0.2.1/token", "nowhere", "ftp://127.0.0.1/x"} {
		g := &github{status: http.StatusOK}
		job, kept := g.job(t, map[string]string{idtoken.RequestURL: address})
		if _, err := job.Token(t.Context(), "a"); err == nil || len(*kept) > 0 {
			t.Errorf("%s: %v, told of %q", address, err, *kept)
		}
	}
}

func TestSubjectOfNoToken(t *testing.T) {
	for _, text := range []string{"", "a.b", "a.!.c", "a.e30.c", "a.bnVsbA.c"} {
		if s := idtoken.Subject(text); s != "" {
			t.Errorf("%q has subject %q", text, s)
		}
	}
}

// Nothing that an answer says is told on: a reason, a body and what takes the place of
// the token may be anybody's. What a token says is told in quotes alone.
func TestHostileAnswers(t *testing.T) {
	const evil = "\r\n::error::owned\x1b[31m<script>"
	for _, status := range []int{http.StatusOK, http.StatusForbidden, http.StatusBadGateway} {
		for _, body := range []string{evil, `{"value": "a.b.` + "\\n::error::owned" + `"}`, `{"value": "` + "x\\u001b[31m.y.z" + `", "message": "::error::owned"}`} {
			g := &github{status: status, body: body}
			job, kept := g.job(t, nil)
			got, err := job.Token(t.Context(), "a")
			if err == nil || got != "" || strings.ContainsAny(err.Error(), "\r\n\x1b<") || strings.Contains(err.Error(), "owned") {
				t.Errorf("%d %q: %q, %v", status, body, got, err)
			}
			if len(*kept) != 1 { // the runner's own
				t.Errorf("%q was taken for a credential", *kept)
			}
		}
	}
}
