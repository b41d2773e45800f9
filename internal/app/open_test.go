package app

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"sluice/internal/old/rollout"
)

func inside(more ...string) []string {
	return append([]string{
		"GITHUB_ACTIONS=true", "GITHUB_REPOSITORY=octo/shop", "GITHUB_RUN_ID=7", "GITHUB_RUN_ATTEMPT=2", "GITHUB_JOB=deploy", "GITHUB_ACTION=promote",
		"GITHUB_ACTOR=anna", "GITHUB_EVENT_NAME=workflow_dispatch", "GITHUB_SERVER_URL=https://github.example",
	}, more...)
}

func invoked(t *testing.T, environ []string) *invocation {
	t.Helper()
	return newInvocation(Process{Stdout: io.Discard, Stderr: io.Discard, Environ: environ})
}

func TestActor(t *testing.T) {
	tests := map[string]struct {
		environ             []string
		login               string
		verified, automated bool
	}{
		"whoever started the run":       {inside(), "anna", true, false},
		"whoever triggered the attempt": {inside("GITHUB_TRIGGERING_ACTOR=berta"), "berta", true, false},
		"a bot":                         {inside("GITHUB_ACTOR=dependabot[bot]"), "dependabot[bot]", true, true},
		"a schedule":                    {inside("GITHUB_EVENT_NAME=schedule"), "anna", true, true},
		"outside":                       {[]string{"GITHUB_ACTOR=anna"}, "", false, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			inv := invoked(t, test.environ)
			run, err := inv.runner.Context()
			if err != nil {
				t.Fatal(err)
			}
			a := inv.actor(run)
			if test.login == "" {
				test.login = a.Login // whoever runs the tests
			}
			if a.Login != test.login || a.Login == "" || a.Verified != test.verified || a.Automated != test.automated {
				t.Errorf("%+v", a)
			}
		})
	}
}

// TestLease: every attempt of a job is the same to others, another job, shard
// or run is not, and act's shared run id tells nothing.
func TestLease(t *testing.T) {
	holder := func(shard string, environ ...string) string {
		inv := invoked(t, environ)
		inv.flags.shard = shard
		run, err := inv.runner.Context()
		if err != nil {
			t.Fatal(err)
		}
		return inv.lease(run, "anna").Holder
	}
	mine := holder("", inside()...)
	if mine != "octo/shop/runs/7/deploy" || holder("", inside("GITHUB_RUN_ATTEMPT=3", "GITHUB_ACTION=other")...) != mine {
		t.Errorf("an attempt is %q", mine)
	}
	others := []string{
		holder("1/2", inside()...), holder("", inside("GITHUB_JOB=other")...), holder("", inside("GITHUB_RUN_ID=8")...),
		holder("", inside("GITHUB_RUN_ID=1", "ACT=true")...), holder(""),
	}
	if slices.Contains(others, mine) {
		t.Errorf("%q is among %q", mine, others)
	}
	for _, local := range others[3:] {
		if !strings.HasPrefix(local, localHolder) || !strings.HasSuffix(local, fmt.Sprint(os.Getpid())) {
			t.Errorf("a local holder is %q", local)
		}
	}
}

func TestOrigin(t *testing.T) {
	origin := func(environ ...string) string {
		inv := invoked(t, environ)
		run, err := inv.runner.Context()
		if err != nil {
			t.Fatal(err)
		}
		return inv.origin(run)
	}
	mine := origin(inside()...)
	if mine == "" || origin(inside("GITHUB_RUN_ATTEMPT=3", "GITHUB_ACTOR=berta")...) != mine {
		t.Error("a re-run is another origin")
	}
	if origin(inside("GITHUB_ACTION=again")...) == mine || origin(inside("GITHUB_RUN_ID=8")...) == mine {
		t.Error("another step or run is the same origin")
	}
	if origin() != "" || origin(inside("GITHUB_RUN_ID=1", "ACT=true")...) != "" {
		t.Error("something has an origin that has none")
	}
}

// TestLocalOver: a lease of a local process is over when the process is gone,
// and never by a guess about another host.
func TestLocalOver(t *testing.T) {
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	if err := child.Run(); err != nil {
		t.Fatal(err)
	}
	inv := invoked(t, nil)
	tests := map[string]struct {
		holder string
		want   bool
	}{
		"this process":  {fmt.Sprintf("%s%s/%d", localHolder, host, os.Getpid()), false},
		"gone":          {fmt.Sprintf("%s%s/%d", localHolder, host, child.Process.Pid), true},
		"another host":  {fmt.Sprintf("%sfar-away/%d", localHolder, child.Process.Pid), false},
		"not a process": {localHolder + host + "/x", false},
	}
	for name, test := range tests {
		if got := inv.over(t.Context(), rollout.Lock{Holder: test.holder}); got != test.want {
			t.Errorf("%s: over is %t", name, got)
		}
	}
}

// TestRunOver: a lease of a workflow run is over when GitHub says that the run
// completed, and never when it does not say.
func TestRunOver(t *testing.T) {
	github := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/repos/octo/shop/actions/runs/5":
			_, _ = io.WriteString(w, `{"id": 5, "status": "completed"}`)
		case "/repos/octo/shop/actions/runs/6":
			_, _ = io.WriteString(w, `{"id": 6, "status": "in_progress"}`)
		default:
			http.NotFound(w, r)
		}
	}))
	defer github.Close()
	environ := inside("GITHUB_API_URL="+github.URL, "GITHUB_TOKEN=ghs_0123456789")
	tests := map[string]struct {
		environ []string
		holder  string
		want    bool
	}{
		"completed":          {environ, "octo/shop/runs/5/deploy", true},
		"with a shard":       {environ, "octo/shop/runs/5/deploy/1/2", true},
		"in progress":        {environ, "octo/shop/runs/6/deploy", false},
		"unknown":            {environ, "octo/shop/runs/9/deploy", false},
		"another repository": {environ, "octo/other/runs/5/deploy", false},
		"a person":           {environ, "anna", false},
		"no number":          {environ, "octo/shop/runs/x/deploy", false},
		"no token":           {inside("GITHUB_API_URL=" + github.URL), "octo/shop/runs/5/deploy", false},
	}
	for name, test := range tests {
		if got := invoked(t, test.environ).over(t.Context(), rollout.Lock{Holder: test.holder}); got != test.want {
			t.Errorf("%s: over is %t", name, got)
		}
	}
}

// TestChecksEnvironment: what checks get is the process's own environment and
// the sandbox's, without the runner's tokens.
func TestChecksEnvironment(t *testing.T) {
	inv := invoked(t, []string{"PATH=/bin", "ACTIONS_RUNTIME_TOKEN=a", "INPUT_TOKEN=b", "AWS_ACCESS_KEY_ID=real"})
	inv.sandboxEnv = map[string]string{"AWS_ACCESS_KEY_ID": "dummy"}
	got := inv.checks().Environ
	if want := []string{"PATH=/bin", "AWS_ACCESS_KEY_ID=real", "AWS_ACCESS_KEY_ID=dummy"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if inv.getenv("GITHUB_TOKEN") != "b" {
		t.Error("the input token is not the token")
	}
}

// TestDebug: requests are shown without what could be a secret.
func TestDebug(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	defer server.Close()
	var log strings.Builder
	inv := newInvocation(Process{Stdout: io.Discard, Stderr: &log})
	if inv.transport() != nil {
		t.Error("requests are watched without --debug")
	}
	inv.flags.debug = true
	client := &http.Client{Transport: inv.transport()}
	for _, address := range []string{server.URL + "/a/b?sig=hunter2", "http://127.0.0.1:1/lost?sig=hunter2"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, address, strings.NewReader("hunter2"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer hunter2")
		if resp, err := client.Do(req); err == nil {
			_ = resp.Body.Close()
		}
	}
	if got := log.String(); !strings.Contains(got, "PUT "+server.URL+"/a/b → 418 I'm a teapot in ") || !strings.Contains(got, "/lost → no answer (") || strings.Contains(got, "hunter2") {
		t.Errorf("shown: %s", got)
	}
}
