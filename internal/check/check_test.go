package check

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sluice/rollout"
)

func runner(t *testing.T, environ ...string) *Runner {
	t.Helper()
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("no shell here")
	}
	return &Runner{Environ: append([]string{"PATH=" + os.Getenv("PATH")}, environ...)}
}

func shell(script string) rollout.Gate { return rollout.Gate{Run: []string{script}, Shell: true} }

// said collects a runner's log.
type said struct{ target, title, text string }

func (s *said) log(target, title, text string) { s.target, s.title, s.text = target, title, text }

// TestProgram: a program gets its variables and the environment, and its
// output goes to the log.
func TestProgram(t *testing.T) {
	r, s := runner(t, "MINE=yes"), &said{}
	r.Log = s.log
	v := Vars{Pipeline: "shop", Stage: "production", Target: "api", Release: "v2", PreviousRelease: "v1", Rollout: "v2-to-api-0001", Phase: "canary-10"}
	err := r.Run(t.Context(), shell(`echo $MINE $SLUICE_HOOK_PIPELINE $SLUICE_HOOK_STAGE $SLUICE_HOOK_TARGET $SLUICE_HOOK_RELEASE; echo $SLUICE_HOOK_PREVIOUS_RELEASE $SLUICE_HOOK_ROLLOUT $SLUICE_HOOK_PHASE >&2`), v)
	if err != nil {
		t.Fatal(err)
	}
	if want := "yes shop production api v2\nv1 v2-to-api-0001 canary-10\n"; s.text != want || s.target != "api" || !strings.HasPrefix(s.title, "canary-10: echo") {
		t.Errorf("logged %+v, want %q", *s, want)
	}
}

// TestArguments: without a shell, words are words.
func TestArguments(t *testing.T) {
	r, s := runner(t), &said{}
	r.Log = s.log
	if err := r.Run(t.Context(), rollout.Gate{Run: []string{"echo", "$HOME", "a  b", "; false"}}, Vars{}); err != nil {
		t.Fatal(err)
	}
	if want := "$HOME a  b ; false\n"; s.text != want {
		t.Errorf("got %q, want %q", s.text, want)
	}
}

// TestFailure: the error names the command, its exit code and what it said
// last, without a secret.
func TestFailure(t *testing.T) {
	r := runner(t)
	r.Redact = func(text string) string { return strings.ReplaceAll(text, "hunter2", "***") }
	err := r.Run(t.Context(), shell("echo fine; echo password hunter2 is wrong >&2; exit 3"), Vars{})
	if err == nil || !strings.Contains(err.Error(), "exit status 3 (password *** is wrong)") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 3 {
		t.Errorf("the program's own error is lost in %v", err)
	}
}

// TestTimeoutEndsAll: after the timeout nothing that the program started is
// left, not even what ignores signals.
func TestTimeoutEndsAll(t *testing.T) {
	dir := t.TempDir()
	g := shell(`trap '' TERM; (trap '' TERM; while :; do echo x >> ` + dir + `/alive; sleep 0.01; done) & wait`)
	g.Timeout = rollout.Duration(200 * time.Millisecond)
	err := runner(t).Run(t.Context(), g, Vars{})
	if err == nil || !strings.Contains(err.Error(), "took longer than its timeout 200ms") {
		t.Fatalf("got %v", err)
	}
	quiet(t, filepath.Join(dir, "alive"))
}

// TestLeftBehind: what a program that passed left running is ended too.
func TestLeftBehind(t *testing.T) {
	dir := t.TempDir()
	err := runner(t).Run(t.Context(), shell(`(while :; do echo x >> `+dir+`/alive; sleep 0.01; done) & sleep 0.1; exit 0`), Vars{})
	if err != nil {
		t.Fatal(err)
	}
	quiet(t, filepath.Join(dir, "alive"))
}

// quiet fails where somebody still writes to a file that somebody wrote to.
func quiet(t *testing.T, path string) {
	t.Helper()
	size := func() int64 {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	before := size()
	time.Sleep(150 * time.Millisecond)
	if after := size(); after != before {
		t.Errorf("something still runs: %d bytes, then %d", before, after)
	}
}

// TestInterrupt: the caller's own end is no verdict about the check.
func TestInterrupt(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, stop)
	err := runner(t).Run(ctx, shell("sleep 30"), Vars{})
	if err == nil || strings.Contains(err.Error(), "timeout") || ctx.Err() == nil {
		t.Errorf("got %v", err)
	}
}

// TestMuchOutput: the end of the output is kept, and the cut is told.
func TestMuchOutput(t *testing.T) {
	r, s := runner(t), &said{}
	r.Log = s.log
	if err := r.Run(t.Context(), shell(`i=0; while [ $i -lt 3000 ]; do echo "line $i of very many lines, each of them as long as this"; i=$((i+1)); done; echo end`), Vars{}); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(s.text, "[the beginning was cut]\n") || !strings.HasSuffix(s.text, "\nend\n") || len(s.text) > maxOutput+100 {
		t.Errorf("%d bytes, %q … %q", len(s.text), s.text[:40], s.text[len(s.text)-20:])
	}
}

func TestPreflight(t *testing.T) {
	tests := map[string]struct {
		gate rollout.Gate
		want string // in the error; "" for none
	}{
		"there":          {gate: rollout.Gate{Run: []string{"sh"}}},
		"shell":          {gate: shell("whatever it is")},
		"not there":      {gate: rollout.Gate{Run: []string{"no-such-program"}}, want: `"no-such-program"`},
		"remedy":         {gate: rollout.Gate{Run: []string{"no-such-program"}}, want: "setup action"},
		"path not there": {gate: rollout.Gate{Run: []string{"./no/such/program"}}, want: "no such file"},
		"nothing":        {gate: rollout.Gate{}, want: "cannot be run here"},
		"header set":     {gate: rollout.Gate{HTTP: &rollout.HTTPGate{URL: "http://x", Headers: map[string]string{"A": "${MINE}"}}}},
		"header not set": {gate: rollout.Gate{HTTP: &rollout.HTTPGate{URL: "http://x", Headers: map[string]string{"A": "${YOURS}"}}}, want: "header A of the check of http://x wants the environment variable YOURS"},
		"header empty":   {gate: rollout.Gate{HTTP: &rollout.HTTPGate{URL: "http://x", Headers: map[string]string{"A": "${EMPTY}"}}}, want: "EMPTY, which is not set or empty"},
		"no reference":   {gate: rollout.Gate{HTTP: &rollout.HTTPGate{URL: "http://x", Headers: map[string]string{"A": "costs $5 or $YOURS"}}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := runner(t, "MINE=yes", "EMPTY=").Preflight(test.gate)
			if (err == nil) != (test.want == "") || (err != nil && !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
	if err := (&Runner{}).Preflight(rollout.Gate{Run: []string{"sh"}}); err == nil {
		t.Error("a program is found without a PATH")
	}
}

// site answers as told and counts.
type site struct {
	*httptest.Server
	asked atomic.Int32
	last  http.Header
	host  string
}

func serve(t *testing.T, answer func(n int, w http.ResponseWriter, r *http.Request)) *site {
	t.Helper()
	s := &site{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.last, s.host = r.Header.Clone(), r.Host
		answer(int(s.asked.Add(1)), w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func TestHTTP(t *testing.T) {
	healthy := func(_ int, w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "/", http.StatusFound)
		case "/broken":
			http.Error(w, "no", http.StatusBadGateway)
		default:
			_, _ = w.Write([]byte(`{"status": "ok", "method": "` + r.Method + `"}`))
		}
	}
	tests := map[string]struct {
		gate  rollout.HTTPGate
		path  string
		want  string // in the error; "" for none
		asked int32
	}{
		"200 is the default":     {path: "/", asked: 1},
		"status":                 {path: "/broken", gate: rollout.HTTPGate{Status: 502}, asked: 1},
		"wrong status":           {path: "/broken", want: "/broken answered 502, not 200", asked: 1},
		"a redirect is answered": {path: "/moved", gate: rollout.HTTPGate{Status: 302}, asked: 1},
		"not followed":           {path: "/moved", want: "answered 302, not 200", asked: 1},
		"contains":               {path: "/", gate: rollout.HTTPGate{Contains: `"status": "ok"`}, asked: 1},
		"contains not":           {path: "/", gate: rollout.HTTPGate{Contains: "degraded"}, want: `does not contain "degraded"`, asked: 1},
		"method":                 {path: "/", gate: rollout.HTTPGate{Method: http.MethodPost, Contains: "POST"}, asked: 1},
		"attempts":               {path: "/broken", gate: rollout.HTTPGate{Attempts: 3}, want: "(3 attempts)", asked: 3},
		"no such address":        {path: "://", want: "(2 attempts)", gate: rollout.HTTPGate{Attempts: 2}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := serve(t, healthy)
			g := test.gate
			g.URL, g.Interval = s.URL+test.path, rollout.Duration(time.Millisecond)
			err := (&Runner{}).Run(t.Context(), rollout.Gate{HTTP: &g}, Vars{})
			if (err == nil) != (test.want == "") || (err != nil && !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if got := s.asked.Load(); got != test.asked {
				t.Errorf("asked %d times, want %d", got, test.asked)
			}
		})
	}
}

// TestHTTPBecomesHealthy: attempts go on until the answer is the one wanted.
func TestHTTPBecomesHealthy(t *testing.T) {
	s := serve(t, func(n int, w http.ResponseWriter, _ *http.Request) {
		if n < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	g := rollout.HTTPGate{URL: s.URL, Attempts: 10, Interval: rollout.Duration(time.Millisecond)}
	if err := (&Runner{}).Run(t.Context(), rollout.Gate{HTTP: &g}, Vars{}); err != nil || s.asked.Load() != 3 {
		t.Errorf("asked %d times: %v", s.asked.Load(), err)
	}
}

// TestHTTPHeaders: values come from the environment, are masked before they are
// sent, and never stand in an error.
func TestHTTPHeaders(t *testing.T) {
	s := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
	var masked []string
	r := &Runner{Environ: []string{"KEY=old", "KEY=swordfish"}, Mask: func(values ...string) {
		if s.asked.Load() > 0 && len(masked) == 0 {
			t.Error("masked after the first use")
		}
		masked = append(masked, values...)
	}}
	g := rollout.HTTPGate{URL: s.URL, Headers: map[string]string{"Authorization": "Bearer ${KEY}", "X-Price": "$5", "Host": "shop.example"}}
	err := r.Run(t.Context(), rollout.Gate{HTTP: &g}, Vars{})
	if err == nil || strings.Contains(err.Error(), "swordfish") {
		t.Errorf("got %v", err)
	}
	if got := s.last.Get("Authorization"); got != "Bearer swordfish" {
		t.Errorf("sent %q", got)
	}
	if s.last.Get("X-Price") != "$5" || s.host != "shop.example" {
		t.Errorf("sent %v to %s", s.last, s.host)
	}
	if len(masked) == 0 || masked[0] != "swordfish" {
		t.Errorf("masked %v", masked)
	}
}

// TestHTTPTimeout: the check's timeout bounds all of its attempts.
func TestHTTPTimeout(t *testing.T) {
	s := serve(t, func(_ int, _ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	g := rollout.Gate{HTTP: &rollout.HTTPGate{URL: s.URL, Attempts: 100}, Timeout: rollout.Duration(50 * time.Millisecond)}
	if err := (&Runner{}).Run(t.Context(), g, Vars{}); err == nil || !strings.Contains(err.Error(), "took longer than its timeout 50ms") {
		t.Errorf("got %v", err)
	}
}

// TestHTTPAnyBody: of an answer no more is read than is looked at.
func TestHTTPAnyBody(t *testing.T) {
	endless := func(_ int, w http.ResponseWriter, r *http.Request) {
		w.Write([]byte("healthy")) //nolint:errcheck // it shows below
		for r.Context().Err() == nil {
			if _, err := w.Write(bytes.Repeat([]byte("."), 64<<10)); err != nil {
				return
			}
		}
	}
	for contains, want := range map[string]string{
		"": "", "healthy": "",
		"degraded": `the first 1 MiB of its body do not contain "degraded"`,
	} {
		g := rollout.Gate{HTTP: &rollout.HTTPGate{URL: serve(t, endless).URL, Contains: contains}}
		err := (&Runner{}).Run(t.Context(), g, Vars{})
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("contains %q: %v, want %q", contains, err, want)
		}
	}
}

// TestHTTPDrip: an attempt ends with its whole answer.
func TestHTTPDrip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		g := rollout.Gate{HTTP: &rollout.HTTPGate{URL: "https://shop.example/health", Contains: "ok"}}
		err := (&Runner{Transport: dripping{}}).Run(t.Context(), g, Vars{})
		if took := time.Since(began); took != attemptTimeout || err == nil || !strings.Contains(err.Error(), "shop.example gave no whole answer within 30s") {
			t.Errorf("%v after %s", err, took)
		}
		began, g.HTTP.Contains = time.Now(), ""
		if err := (&Runner{Transport: dripping{}}).Run(t.Context(), g, Vars{}); err != nil || time.Since(began) > 0 {
			t.Errorf("the status alone: %v after %s, want no wait for the body", err, time.Since(began))
		}
	})
}

// dripping answers at once and never comes to the end.
type dripping struct{}

func (dripping) RoundTrip(r *http.Request) (*http.Response, error) {
	body, w := io.Pipe()
	context.AfterFunc(r.Context(), func() { w.CloseWithError(r.Context().Err()) }) //nolint:errcheck // it never fails
	return &http.Response{StatusCode: http.StatusOK, Body: body}, nil
}

// TestPanic: a mistake of ours is a check that did not pass.
func TestPanic(t *testing.T) {
	g := rollout.Gate{HTTP: &rollout.HTTPGate{URL: "https://shop.example/health"}}
	err := (&Runner{Transport: panicking{}}).Run(t.Context(), g, Vars{})
	if err == nil || !strings.Contains(err.Error(), "this is a mistake in sluice (the check https://shop.example/health: no way)") {
		t.Errorf("got %v", err)
	}
}

type panicking struct{}

func (panicking) RoundTrip(*http.Request) (*http.Response, error) { panic("no way") }

// TestHeadersTakeTrimmedSecrets: the line break that a secret was pasted with is
// none of it, for what is sent and for what is masked.
func TestHeadersTakeTrimmedSecrets(t *testing.T) {
	r := runner(t)
	r.Environ = append(r.Environ, "KEY= swordfish\r\n")
	var masked []string
	r.Mask = func(values ...string) { masked = append(masked, values...) }
	headers, err := r.headers(&rollout.HTTPGate{Headers: map[string]string{"Authorization": "Bearer ${KEY}"}})
	if err != nil || headers.Get("Authorization") != "Bearer swordfish" || !slices.Equal(masked, []string{"swordfish"}) {
		t.Errorf("%v, headers %v, masked %q", err, headers, masked)
	}
}
