package app

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sluice/internal/actions"
	"sluice/internal/ledger"
	"sluice/pipeline"
	"sluice/rollout"
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
		environ []string
		login   string
	}{
		"whoever started the run":       {inside(), "anna"},
		"whoever triggered the attempt": {inside("GITHUB_TRIGGERING_ACTOR=berta"), "berta"},
		"a bot":                         {inside("GITHUB_ACTOR=dependabot[bot]"), "dependabot[bot]"},
		"outside":                       {[]string{"GITHUB_ACTOR=anna"}, ""},
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
			if a.Login != test.login || a.Login == "" {
				t.Errorf("%+v", a)
			}
		})
	}
}

// TestIdentity: a run's name is the same for every attempt and step of a job, and
// another for any other job, shard or run; outside Actions, and where act's shared
// run id tells nothing, it has none. Its attempt and its process tell it apart.
func TestIdentity(t *testing.T) {
	identity := func(shard string, environ ...string) rollout.Run {
		inv := invoked(t, environ)
		inv.flags.shard = shard
		run, err := inv.runner.Context()
		if err != nil {
			t.Fatal(err)
		}
		return inv.identity(run)
	}
	mine := identity("", inside()...)
	again := identity("", inside("GITHUB_RUN_ATTEMPT=3", "GITHUB_ACTION=other")...)
	if mine.Name != "octo/shop/runs/7/deploy" || again.Name != mine.Name || !again.Breaks(mine) || mine.Breaks(again) || again.ID == mine.ID {
		t.Errorf("an attempt is %+v, the next %+v", mine, again)
	}
	if mine.PID != os.Getpid() || mine.Host == "" || mine.Actor != "anna" || !strings.HasPrefix(mine.RunURL, "https://") {
		t.Errorf("this process is %+v", mine)
	}
	for _, other := range []rollout.Run{identity("1/2", inside()...), identity("", inside("GITHUB_JOB=other")...), identity("", inside("GITHUB_RUN_ID=8")...)} {
		if other.Name == mine.Name {
			t.Errorf("another run is %q too", other.Name)
		}
	}
	for _, local := range []rollout.Run{identity("", inside("GITHUB_RUN_ID=1", "ACT=true")...), identity("")} {
		if local.Name != "" || local.PID != os.Getpid() {
			t.Errorf("a run without a name of its own is %+v", local)
		}
	}
	inv := invoked(t, nil)
	if a, b := inv.identity(actions.Context{}), inv.identity(actions.Context{}); a.ID != b.ID {
		t.Errorf("one invocation is %q and %q", a.ID, b.ID)
	}
}

// TestPerson: who is a person, and who is automation.
func TestPerson(t *testing.T) {
	bot := filepath.Join(t.TempDir(), "event.json")
	if err := os.WriteFile(bot, []byte(`{"sender": {"type": "Bot"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		environ []string
		want    bool
	}{
		"dispatched":                {inside("GITHUB_EVENT_NAME=workflow_dispatch"), true},
		"by the repository":         {inside("GITHUB_EVENT_NAME=repository_dispatch"), true},
		"a release":                 {inside("GITHUB_EVENT_NAME=release"), true},
		"a release by a bot":        {inside("GITHUB_EVENT_NAME=release", "GITHUB_EVENT_PATH="+bot), false},
		"dispatched by an app":      {inside("GITHUB_EVENT_NAME=workflow_dispatch", "GITHUB_TRIGGERING_ACTOR=renovate[bot]"), false},
		"by nobody":                 {inside("GITHUB_EVENT_NAME=workflow_dispatch", "GITHUB_ACTOR=", "GITHUB_TRIGGERING_ACTOR="), false},
		"a push":                    {inside("GITHUB_EVENT_NAME=push"), false},
		"a schedule":                {inside("GITHUB_EVENT_NAME=schedule"), false},
		"a comment":                 {inside("GITHUB_EVENT_NAME=issue_comment"), false},
		"at a terminal":             {nil, true},
		"another system's job":      {[]string{"CI=true"}, false},
		"where CI is said to be no": {[]string{"CI=false"}, true},
	}
	for name, test := range tests {
		inv := invoked(t, test.environ)
		run, err := inv.runner.Context()
		if err != nil {
			t.Fatal(err)
		}
		if got := inv.actor(run).Person; got != test.want {
			t.Errorf("%s: a person is %t", name, got)
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
		return originOf(inv.runner.Inside(), run)
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

// TestRunOver: a workflow run is over when GitHub says that it completed, an
// attempt also when there is a later one; never when GitHub does not say.
func TestRunOver(t *testing.T) {
	github := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/repos/octo/shop/actions/runs/5":
			_, _ = io.WriteString(w, `{"id": 5, "status": "completed", "run_attempt": 1}`)
		case "/repos/octo/shop/actions/runs/6":
			_, _ = io.WriteString(w, `{"id": 6, "status": "in_progress", "run_attempt": 2}`)
		default:
			http.NotFound(w, r)
		}
	}))
	defer github.Close()
	environ := inside("GITHUB_API_URL="+github.URL, "GITHUB_TOKEN=ghs_0123456789")
	tests := map[string]struct {
		environ []string
		run     rollout.Run
		want    ledger.Fate
		says    string // why nobody can tell; "" where that is not the question
	}{
		"completed":          {environ: environ, run: rollout.Run{Name: "octo/shop/runs/5/deploy", Attempt: 1}, want: ledger.Over},
		"with a shard":       {environ: environ, run: rollout.Run{Name: "octo/shop/runs/5/deploy/1/2", Attempt: 1}, want: ledger.Over},
		"in progress":        {environ: environ, run: rollout.Run{Name: "octo/shop/runs/6/deploy", Attempt: 2}},
		"an earlier attempt": {environ: environ, run: rollout.Run{Name: "octo/shop/runs/6/deploy", Attempt: 1}, want: ledger.Over},
		"an attempt unnamed": {environ: environ, run: rollout.Run{Name: "octo/shop/runs/6/deploy"}},
		"unknown":            {environ: environ, run: rollout.Run{Name: "octo/shop/runs/9/deploy"}, says: "404"},
		"another repository": {environ: environ, run: rollout.Run{Name: "octo/other/runs/5/deploy"}, says: "this run's token is for octo/shop"},
		"a local process":    {environ: environ, run: rollout.Run{Host: "far-away", PID: 7}},
		"no number":          {environ: environ, run: rollout.Run{Name: "octo/shop/runs/x/deploy"}},
		"no token":           {environ: inside("GITHUB_API_URL=" + github.URL), run: rollout.Run{Name: "octo/shop/runs/5/deploy"}, says: "GITHUB_TOKEN"},
	}
	for name, test := range tests {
		got, err := invoked(t, test.environ).github.over(t.Context(), test.run)
		if got != test.want || (err != nil) != (test.says != "") || err != nil && !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

// TestChecksEnvironment: what checks get is the process's own environment and
// the sandbox's, without the runner's tokens.
func TestChecksEnvironment(t *testing.T) {
	inv := invoked(t, []string{"PATH=/bin", "ACTIONS_RUNTIME_TOKEN=a", "INPUT_TOKEN=b", "AWS_ACCESS_KEY_ID=real"})
	inv.env.Lead(map[string]string{"AWS_ACCESS_KEY_ID": "dummy"})
	got := inv.checks(&pipeline.Pipeline{}).Environ
	if want := []string{"PATH=/bin", "AWS_ACCESS_KEY_ID=real", "AWS_ACCESS_KEY_ID=dummy"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if inv.env.Get("GITHUB_TOKEN") != "b" {
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
