package e2e

import (
	"encoding/json"
	"maps"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sluice/internal/store/gitref/gitreftest"
)

// actionReference is how workflows name the released action, whoever publishes it.
var actionReference = regexp.MustCompile(`uses: [A-Za-z0-9-]+/sluice@v\d+`)

// system is a repository that has all example workflows, over stand-ins for the
// platforms and for the git data of GitHub.
type system struct {
	workflow
	origin *gitreftest.Server
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
		files[filepath.Join(".github/workflows", filepath.Base(example))] = actionReference.ReplaceAllString(read(t, example), "uses: ./")
	}
	s := &system{origin: gitreftest.New()}
	api := httptest.NewServer(s.origin)
	t.Cleanup(api.Close)
	env["GITHUB_API_URL"] = api.URL
	s.workflow = workflow{
		Dir: newRepositoryAt(t, gitreftest.Repository, files),
		Env: env, Secrets: secrets, RunID: 4000, Artifacts: t.TempDir(), Token: gitreftest.Token,
	}
	return s
}

// start runs a workflow as a person does, and returns what its steps said.
func (s *system) start(t *testing.T, actor, file string, inputs map[string]string) result {
	t.Helper()
	s.RunID++
	s.Actor, s.File, s.Inputs = actor, file, inputs
	return s.run(t)
}

// statuses are what each step of a run called its outcome.
func (r result) statuses() map[string]string {
	all := map[string]string{}
	for step, outputs := range r.outputs {
		if status := outputs["status"]; status != "" {
			all[step] = status
		}
	}
	return all
}

// TestExampleWorkflows runs the example workflows as people do, one after the other.
// Each sees what the ones before it left.
func TestExampleWorkflows(t *testing.T) {
	s := newSystem(t, "../examples/storefront/sluice.yaml", "HEROKU_HOST")
	// The example's freeze holds at weekends, on which this test may run.
	const past, why = "weekend-freeze", "a test has no weekend"
	for _, step := range []struct {
		name, actor, file string
		inputs            map[string]string
		job, status       string // of the job that ran Sluice; "" where the run has failed
		says              string // what the log says
	}{
		{"staging first", "octocat", "promote.yml", map[string]string{"command": "promote", "to": "staging"}, "success", "succeeded", ""},
		{"production waits", "octocat", "promote.yml", map[string]string{"command": "promote", "to": "production", "override": past, "reason": why}, "success", "pending", "approv"},
		{"a schedule changes nothing", "octocat", "reconcile.yml", nil, "success", "pending", "approv"},
		{"who started it cannot approve it", "octocat", "decide.yml", map[string]string{"command": "approve", "stage": "production", "reason": "mine"}, "failure", "refused", "octocat"},
		{"another one can", "hubot", "decide.yml", map[string]string{"command": "approve", "stage": "production", "reason": "looks good"}, "success", "pending", "bake"},
		{"the canary goes on", "hubot", "decide.yml", map[string]string{"command": "advance", "target": "api", "reason": "quiet"}, "success", "pending", "canary-50"},
		{"back", "hubot", "back.yml", map[string]string{"command": "rollback", "target": "api", "reason": "errors"}, "success", "succeeded", ""},
		{"it does not come again", "octocat", "promote.yml", map[string]string{"command": "promote", "to": "production", "target": "api", "override": past, "reason": why}, "failure", "refused", "went-back"},
		{"until somebody says so", "octocat", "decide.yml", map[string]string{"command": "unblock", "target": "api", "reason": "it was the database"}, "success", "succeeded", ""},
		{"asked again", "octocat", "promote.yml", map[string]string{"command": "promote", "to": "production", "target": "api", "override": past, "reason": why}, "success", "pending", "approv"},
		{"rejected", "hubot", "back.yml", map[string]string{"command": "reject", "target": "api", "reason": "not today"}, "success", "succeeded", ""},
		{"no canary stands any more", "hubot", "back.yml", map[string]string{"command": "disable-canary", "target": "api", "reason": "to be sure"}, "success", "unchanged", ""},
		{"the line is stopped", "hubot", "back.yml", map[string]string{"command": "lock", "stage": "production", "reason": "incident 12"}, "success", "succeeded", ""},
		{"and let go", "octocat", "decide.yml", map[string]string{"command": "unlock", "stage": "production", "reason": "over"}, "success", "succeeded", ""},
		{"GitHub waits", "octocat", "wait.yml", map[string]string{"to": "staging"}, "success", "unchanged", ""},
	} {
		r := s.start(t, step.actor, step.file, step.inputs)
		status := r.outputs["sluice/sluice"]["status"]
		if r.jobs["sluice"] != step.job || status != step.status || !strings.Contains(r.readable(), step.says) {
			t.Fatalf("%s: job %s, status %q, want %s, %q and %q\n%s", step.name, r.jobs["sluice"], status, step.job, step.status, step.says, r.readable())
		}
	}
	if len(s.origin.Log("sluice-state")) < 5 {
		t.Errorf("the state branch has the commits %v", s.origin.Log("sluice-state"))
	}
}

// TestPlanWorkflow: a pull request gets the file's mistakes and the plan, and changes
// nothing.
func TestPlanWorkflow(t *testing.T) {
	s := newSystem(t, "../examples/storefront/sluice.yaml", "HEROKU_HOST")
	s.Event = "pull_request"
	r := s.start(t, "octocat", "plan.yml", nil)
	if r.jobs["validate"] != "success" || !strings.Contains(r.readable(), "plan: nothing was changed") {
		t.Errorf("jobs %v\n%s", r.jobs, r.readable())
	}
	if writes := s.origin.Writes(); writes != 0 {
		t.Errorf("a plan wrote the state branch %d times", writes)
	}
}

// TestFleetWorkflow promotes six targets in three shards, a job each, and gathers them.
func TestFleetWorkflow(t *testing.T) {
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
