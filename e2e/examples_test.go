package e2e

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sluice/internal/publish/githubtest"
	"sluice/internal/store/gitref/gitreftest"
)

// actionReference is how workflows name the released action, whoever publishes it.
var actionReference = regexp.MustCompile(`uses: [A-Za-z0-9-]+/sluice@v\d+`)

// system is a repository that has all example workflows, over stand-ins for the
// platforms and for GitHub: its git data, and what it shows of promotions.
type system struct {
	workflow
	origin *gitreftest.Server
	shown  *githubtest.Server
}

// newSystem is a repository with the pipeline file. The platforms' credentials are its
// secrets: a job has no others.
func newSystem(t *testing.T, file, lastExport string) *system {
	t.Helper()
	env := startSandbox(t, file, lastExport)
	secrets := map[string]string{}
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "HEROKU_API_KEY"} {
		if value, ok := env[name]; ok {
			secrets[name] = value
		}
		delete(env, name)
	}
	files := map[string]string{"sluice.yaml": read(t, file)}
	examples, err := filepath.Glob("../examples/workflows/*.yml")
	if err != nil || len(examples) < 8 {
		t.Fatalf("examples %v (%v)", examples, err)
	}
	for _, example := range examples {
		files[filepath.Join(".github/workflows", filepath.Base(example))] = own(t, actionReference.ReplaceAllString(read(t, example), "uses: ./"))
	}
	s := &system{origin: gitreftest.New(), shown: githubtest.New("deployments: write", "pull-requests: write")}
	s.shown.Repository = gitreftest.Repository
	api := httptest.NewServer(s.api())
	t.Cleanup(api.Close)
	env["GITHUB_API_URL"] = api.URL
	s.workflow = workflow{
		Dir: newRepositoryAt(t, gitreftest.Repository, files),
		Env: env, Secrets: secrets, RunID: 4000, Artifacts: t.TempDir(), Token: gitreftest.Token,
	}
	return s
}

// own is a workflow with a name of its own: act names containers after the workflow and
// the job, and the same one may run in several tests at a time.
func own(t *testing.T, workflow string) string {
	t.Helper()
	named := regexp.MustCompile(`(?m)^name: .*$`).ReplaceAllString(workflow, "$0 in "+t.Name())
	if named == workflow {
		t.Fatalf("a workflow has no name:\n%s", workflow)
	}
	return named
}

// api is GitHub's of the repository.
func (s *system) api() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", s.origin)
	for _, shown := range []string{"deployments", "deployments/", "issues/", "collaborators/", "commits/{sha}/pulls"} {
		mux.Handle("/repos/"+gitreftest.Repository+"/"+shown, s.shown)
	}
	return mux
}

// start runs a workflow as a person does, and returns what its steps said.
func (s *system) start(t *testing.T, actor, file string, inputs map[string]string) result {
	t.Helper()
	s.RunID++
	s.Actor, s.File, s.Inputs = actor, file, inputs
	return s.run(t)
}

// act is one run of an example workflow, and what comes of it.
type act struct {
	name, actor, file string
	inputs            map[string]string
	job, status       string // of the job that ran Sluice last
	says              string // what the log says
}

// TestExampleWorkflows runs the example workflows as people do, one after the other.
// Each sees what the ones before it left.
func TestExampleWorkflows(t *testing.T) {
	t.Parallel()
	s := newSystem(t, withoutFreeze(t), "HEROKU_HOST")
	s.follow(t,
		act{"staging first", "octocat", "promote.yml", map[string]string{"command": "promote", "to": "staging"}, "success", "succeeded", ""},
	)
	s.planned(t)
	s.follow(t,
		act{"production waits", "octocat", "promote.yml", map[string]string{"command": "promote", "to": "production"}, "success", "pending", "approv"},
		act{"a schedule changes nothing", "octocat", "reconcile.yml", nil, "success", "pending", "approv"},
		act{"who started it cannot approve it", "octocat", "decide.yml", map[string]string{"command": "approve", "stage": "production", "reason": "mine"}, "failure", "refused", "octocat"},
		act{"another one can", "hubot", "decide.yml", map[string]string{"command": "approve", "stage": "production", "reason": "looks good"}, "success", "pending", "bake"},
		act{"the canary goes on", "hubot", "decide.yml", map[string]string{"command": "advance", "target": "api", "reason": "quiet"}, "success", "pending", "canary-50"},
		act{"back", "hubot", "back.yml", map[string]string{"command": "rollback", "target": "api", "reason": "errors"}, "success", "succeeded", ""},
		act{"it does not come again", "octocat", "promote.yml", map[string]string{"command": "promote", "to": "production", "target": "api"}, "failure", "refused", "went-back"},
		act{"until somebody says so", "octocat", "decide.yml", map[string]string{"command": "unblock", "target": "api", "reason": "it was the database"}, "success", "succeeded", ""},
		act{"asked again", "octocat", "wait.yml", map[string]string{"to": "production"}, "success", "pending", "approv"},
		act{"rejected", "hubot", "back.yml", map[string]string{"command": "reject", "target": "api", "reason": "not today"}, "success", "succeeded", ""},
		act{"no canary stands any more", "hubot", "back.yml", map[string]string{"command": "disable-canary", "target": "api", "reason": "to be sure"}, "success", "unchanged", ""},
		act{"the line is stopped", "hubot", "back.yml", map[string]string{"command": "lock", "stage": "production", "reason": "incident 12"}, "success", "succeeded", ""},
		act{"and let go", "octocat", "decide.yml", map[string]string{"command": "unlock", "stage": "production", "reason": "over"}, "success", "succeeded", ""},
		act{"what was rejected may come", "octocat", "decide.yml", map[string]string{"command": "unblock", "target": "api", "reason": "today"}, "success", "succeeded", ""},
		act{"dealt out to jobs", "octocat", "fleet.yml", map[string]string{"to": "production", "shards": "2"}, "success", "pending", "approv"},
		act{"and cancelled", "octocat", "back.yml", map[string]string{"command": "cancel", "target": "api", "reason": "enough"}, "success", "succeeded", ""},
	)
	if len(s.origin.Log("sluice-state")) < 5 {
		t.Errorf("the state branch has the commits %v", s.origin.Log("sluice-state"))
	}
}

// withoutFreeze is the example's pipeline on a day on which no freeze holds.
func withoutFreeze(t *testing.T) string {
	t.Helper()
	text, _, found := strings.Cut(read(t, "../examples/storefront/sluice.yaml"), "\npolicies:\n")
	if !found {
		t.Fatal("the example has no policies")
	}
	file := filepath.Join(t.TempDir(), "sluice.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// follow runs workflows one after the other, until one ends otherwise than it should.
func (s *system) follow(t *testing.T, acts ...act) {
	t.Helper()
	for _, a := range acts {
		r := s.start(t, a.actor, a.file, a.inputs)
		status := r.outputs["sluice/sluice"]["status"]
		if r.jobs["sluice"] != a.job || status != a.status || !strings.Contains(r.readable(), a.says) {
			t.Fatalf("%s: job %s, status %q, want %s, %q and %q\n%s", a.name, r.jobs["sluice"], status, a.job, a.status, a.says, r.readable())
		}
	}
}

// planned: a pull request gets the file's mistakes and, from the state that is there, the
// plan; and changes nothing.
func (s *system) planned(t *testing.T) {
	t.Helper()
	s.Event = "pull_request"
	defer func() { s.Event = "" }()
	writes := s.origin.Writes()
	r := s.start(t, "octocat", "plan.yml", nil)
	if r.jobs["validate"] != "success" || r.jobs["sluice"] != "success" || !strings.Contains(r.readable(), "plan: nothing was changed") {
		t.Fatalf("jobs %v\n%s", r.jobs, r.readable())
	}
	if now := s.origin.Writes(); now != writes {
		t.Errorf("a plan wrote the state branch %d times", now-writes)
	}
}

// TestFleetWorkflow promotes six targets in three shards, a job each, and gathers them.
func TestFleetWorkflow(t *testing.T) {
	t.Parallel()
	s := newSystem(t, "testdata/fleet/sluice.yaml", lastGatewayExport)
	r := s.start(t, "octocat", "fleet.yml", map[string]string{"to": "production", "shards": "3"})
	var targets []outputTarget
	for step, outputs := range r.outputs {
		if strings.Contains(outputs["targets"], `"api-6"`) && strings.Contains(outputs["targets"], `"api-1"`) {
			if err := json.Unmarshal([]byte(outputs["targets"]), &targets); err != nil {
				t.Fatalf("%s: %v", step, err)
			}
		}
	}
	if len(targets) != 6 {
		t.Fatalf("%d targets were gathered, want six: %v\n%s", len(targets), maps.All(r.jobs), r.readable())
	}
	for _, target := range targets {
		if target.Status != "succeeded" || target.Release == "" {
			t.Errorf("%+v, want it succeeded", target)
		}
	}
}
