package actions_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice/internal/actions"
)

func event(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "event.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestContext(t *testing.T) {
	env := map[string]string{
		"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "octocat/shop", "GITHUB_RUN_ID": "42", "GITHUB_RUN_ATTEMPT": "2",
		"GITHUB_JOB": "promote", "GITHUB_ACTION": "__run_2", "GITHUB_WORKFLOW": "deploy", "GITHUB_SERVER_URL": "https://ghe.example.com/",
		"GITHUB_API_URL": "https://ghe.example.com/api/v3", "GITHUB_EVENT_NAME": "push", "GITHUB_REF": "refs/heads/feature/x",
		"GITHUB_SHA": "abc", "GITHUB_ACTOR": "octocat", "GITHUB_TRIGGERING_ACTOR": "hubot", "GITHUB_REPOSITORY_ID": "12",
		"GITHUB_EVENT_PATH": event(t, `{"action":"created","sender":{"login":"octocat","type":"User"},"comment":{"user":{"login":"erin"}},
			"repository":{"id":12,"default_branch":"trunk","visibility":"internal","private":true}}`),
	}
	got, err := newRun(env).Context()
	if err != nil {
		t.Fatal(err)
	}
	want := actions.Context{
		Repository: "octocat/shop", RepositoryID: 12, Visibility: "internal", DefaultBranch: "trunk", RunID: 42, Attempt: 2,
		RunURL: "https://ghe.example.com/octocat/shop/actions/runs/42/attempts/2", Workflow: "deploy", Job: "promote", Step: "__run_2",
		Actor: "hubot", Starter: "octocat", Event: actions.Event{Action: "created", SenderType: "User", Commenter: "erin"}, EventName: "push", Ref: "refs/heads/feature/x", Branch: "feature/x", SHA: "abc",
		ServerURL: "https://ghe.example.com", APIURL: "https://ghe.example.com/api/v3",
	}
	if got != want {
		t.Errorf("context\n%+v, want\n%+v", got, want)
	}
	if run := got.Run(); run != "run 42 of octocat/shop by hubot, "+want.RunURL {
		t.Errorf("run is %q", run)
	}
}

func TestContextVariants(t *testing.T) {
	check := func(name string, env map[string]string, ok func(actions.Context) bool) {
		t.Helper()
		c, err := newRun(env).Context()
		if err != nil || !ok(c) {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
	check("outside", nil, func(c actions.Context) bool {
		return c.Run() == "" && c.RunURL == "" && c.Actor == "" && c.ServerURL == "https://github.com"
	})
	check("actor alone", map[string]string{"GITHUB_ACTOR": "octocat"}, func(c actions.Context) bool { return c.Actor == "octocat" })
	check("tag", map[string]string{"GITHUB_REF": "refs/tags/v1"}, func(c actions.Context) bool { return c.Branch == "" })
	check("pull request", map[string]string{"GITHUB_REF": "refs/pull/7/merge"}, func(c actions.Context) bool { return c.Branch == "" })
	check("act", map[string]string{"ACT": "true"}, func(c actions.Context) bool { return c.Act })
	check("private", map[string]string{"GITHUB_EVENT_PATH": event(t, `{"repository":{"private":true}}`)},
		func(c actions.Context) bool { return c.Visibility == "private" })
	check("public", map[string]string{"GITHUB_EVENT_PATH": event(t, `{"repository":{"private":false}}`)},
		func(c actions.Context) bool { return c.Visibility == "public" })
	check("odd payload", map[string]string{"GITHUB_EVENT_PATH": event(t, `{"repository":[1],"x":null,"sender":null,"comment":"x","action":7}`)},
		func(c actions.Context) bool { return c.Visibility == "" && c.DefaultBranch == "" })
	check("no payload", map[string]string{"GITHUB_EVENT_PATH": "/nowhere/event.json"}, func(actions.Context) bool { return true })
}

func TestDamagedContext(t *testing.T) {
	for name, env := range map[string]map[string]string{
		"run id":  {"GITHUB_RUN_ID": "x"},
		"payload": {"GITHUB_EVENT_PATH": event(t, `{"repository":`)},
	} {
		if _, err := newRun(env).Context(); err == nil || !strings.Contains(err.Error(), "set by the runner") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestPullRequest: what an event says of a pull request, and whether its run may write.
func TestPullRequest(t *testing.T) {
	const own = `{"pull_request":{"number":12,"head":{"sha":"feed","repo":{"full_name":"Octocat/shop"}}}}`
	for name, test := range map[string]struct {
		event, actor, payload string
		number                int
		fork, readsOnly       bool
	}{
		"of its own":             {event: "pull_request", actor: "erin", payload: own, number: 12},
		"of a fork":              {event: "pull_request", actor: "erin", payload: `{"pull_request":{"number":3,"head":{"repo":{"full_name":"mallory/shop"}}}}`, number: 3, fork: true, readsOnly: true},
		"of a fork that is gone": {event: "pull_request", actor: "erin", payload: `{"pull_request":{"number":3,"head":{"repo":null}}}`, number: 3, fork: true, readsOnly: true},
		"of Dependabot":          {event: "pull_request", actor: "dependabot[bot]", payload: own, number: 12, readsOnly: true},
		"a comment on one":       {event: "issue_comment", actor: "erin", payload: `{"issue":{"number":9,"pull_request":{"url":"x"}},"comment":{"body":"hello"}}`, number: 9},
		"a comment on an issue":  {event: "issue_comment", actor: "erin", payload: `{"issue":{"number":9},"comment":{"body":"hello"}}`},
		"a push":                 {event: "push", actor: "erin", payload: `{}`},
	} {
		c, err := newRun(map[string]string{
			"GITHUB_REPOSITORY": "octocat/shop", "GITHUB_EVENT_NAME": test.event, "GITHUB_ACTOR": test.actor, "GITHUB_EVENT_PATH": event(t, test.payload),
		}).Context()
		if err != nil || c.Event.PullRequest != test.number || c.Event.Fork != test.fork || c.ReadsOnly() != test.readsOnly {
			t.Errorf("%s: %+v, %v", name, c.Event, err)
		}
	}
}
