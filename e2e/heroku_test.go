package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
)

// TestHerokuCLI: the unmodified official CLI works against the sandbox, and what
// it asks of the platform is what Sluice asks of it.
func TestHerokuCLI(t *testing.T) {
	t.Parallel()
	needProgram(t, "heroku")
	const file = "testdata/heroku/sluice.yaml"

	official := newAccount(t, file)
	if list := official.heroku(t, "pipelines"); !strings.Contains(list, "storefront") {
		t.Errorf("heroku pipelines does not list the pipeline:\n%s", list)
	}
	info := official.heroku(t, "pipelines:info", "storefront")
	for _, app := range []string{"storefront-dev", "storefront-staging", "storefront-staging-eu"} {
		if !strings.Contains(info, app) {
			t.Errorf("heroku pipelines:info does not show %s:\n%s", app, info)
		}
	}
	if told := official.heroku(t, "pipelines:promote", "--app", "storefront-dev"); strings.Count(told, "succeeded") != 2 {
		t.Errorf("heroku pipelines:promote does not tell of two successes:\n%s", told)
	}

	ours := newAccount(t, file)
	ours.sluice(t, "promote", "--to", "staging", "--file", absolute(t, file), "--store", "file:"+t.TempDir())

	want, got := official.promotions(t), ours.promotions(t)
	if len(want) != 1 || len(got) != 1 || want[0].source != got[0].source || !slices.Equal(want[0].targets, got[0].targets) {
		t.Errorf("the official CLI sent %v, Sluice %v; want one promotion with the same source and targets", want, got)
	}
}

// TestHerokuCLIFailure: a target whose release phase fails is shown as the
// platform shows it, by both.
func TestHerokuCLIFailure(t *testing.T) {
	t.Parallel()
	needProgram(t, "heroku")
	const file = "testdata/heroku/sluice.yaml"
	official := newAccount(t, file, "--sandbox-fault", "web-staging-eu:deploy:fail")
	out, err := official.run(t, "heroku", "pipelines:promote", "--app", "storefront-dev")
	if err == nil || !strings.Contains(out, "succeeded") || !strings.Contains(out, "failed") {
		t.Errorf("heroku pipelines:promote: %v, want one target succeeded and one failed\n%s", err, out)
	}
	ours := newAccount(t, file, "--sandbox-fault", "web-staging-eu:deploy:fail")
	out, err = ours.run(t, "sluice", "promote", "--to", "staging", "--file", absolute(t, file), "--store", "file:"+t.TempDir())
	if err == nil || err.Error() != "exit status 1" {
		t.Errorf("sluice promote: %v, want exit status 1\n%s", err, out)
	}
}

// account is a sandbox behind a proxy that writes down what is asked of it.
type account struct {
	env map[string]string

	mu   sync.Mutex
	sent [][]byte // the bodies of POST /pipeline-promotions
}

func newAccount(t *testing.T, file string, args ...string) *account {
	t.Helper()
	a := &account{env: startSandbox(t, file, "HEROKU_HOST", args...)}
	behind, err := url.Parse(a.env["HEROKU_HOST"])
	if err != nil {
		t.Fatal(err)
	}
	forward := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(behind) }}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && r.URL.Path == "/pipeline-promotions" {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			a.mu.Lock()
			a.sent = append(a.sent, body)
			a.mu.Unlock()
		}
		forward.ServeHTTP(w, r)
	}))
	t.Cleanup(proxy.Close)
	a.env["HEROKU_HOST"] = proxy.URL
	home := t.TempDir() // the CLI keeps caches and settings below it
	a.env["HOME"], a.env["XDG_CACHE_HOME"], a.env["XDG_CONFIG_HOME"], a.env["XDG_DATA_HOME"] = home, home, home, home
	a.env["HEROKU_SKIP_NEW_VERSION_CHECK"], a.env["DISABLE_TELEMETRY"] = "true", "true"
	return a
}

// run is one command on the account; its output has both streams.
func (a *account) run(t *testing.T, program string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir, cmd.Env = t.TempDir(), environ(a.env)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (a *account) must(t *testing.T, program string, args ...string) string {
	t.Helper()
	out, err := a.run(t, program, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
	}
	return out
}

func (a *account) heroku(t *testing.T, args ...string) string {
	t.Helper()
	return a.must(t, "heroku", args...)
}

func (a *account) sluice(t *testing.T, args ...string) string {
	t.Helper()
	return a.must(t, "sluice", args...)
}

// sentPromotion is what one POST /pipeline-promotions asked for.
type sentPromotion struct {
	source  string
	targets []string // sorted
}

func (a *account) promotions(t *testing.T) []sentPromotion {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	var found []sentPromotion
	for _, body := range a.sent {
		type app struct{ App struct{ ID string } }
		var p struct {
			Source  app
			Targets []app
		}
		if err := json.Unmarshal(body, &p); err != nil {
			t.Fatalf("POST /pipeline-promotions: %v\n%s", err, body)
		}
		sent := sentPromotion{source: p.Source.App.ID}
		for _, target := range p.Targets {
			sent.targets = append(sent.targets, target.App.ID)
		}
		slices.Sort(sent.targets)
		found = append(found, sent)
	}
	return found
}
