package publish_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"sluice/internal/actions"
	"sluice/internal/publish"
	"sluice/internal/publish/githubtest"
	"sluice/internal/view"
	"sluice/pipeline"
	"sluice/rollout"
	"sluice/stages/driver"
)

const (
	sha    = "1234567890abcdef1234567890abcdef12345678"
	runURL = "https://github.example/octo/shop/actions/runs/7"
	digest = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
)

// bench is a GitHub and who shows results there.
type bench struct {
	*testing.T
	github   *githubtest.Server
	pipeline *pipeline.Pipeline
	warnings []string
	publish.Publisher
}

func newBench(t *testing.T, permissions ...string) *bench {
	t.Helper()
	b := &bench{T: t, github: githubtest.New(permissions...)}
	b.github.Commits = []string{sha}
	server := httptest.NewServer(b.github)
	t.Cleanup(server.Close)
	client, err := actions.NewClient(actions.ClientConfig{APIURL: server.URL, Repository: githubtest.Repository, Token: "t"})
	if err != nil {
		t.Fatal(err)
	}
	b.Publisher = publish.Publisher{GitHub: client, Warn: func(text string) { b.warnings = append(b.warnings, text) }}
	const file = `name: shop
deployments: own
comment: true
stages:
  - name: production
    url: https://shop.example.com
    targets: [{name: api, artifact: ghcr.io/octo/shop, moon: {app: api}}, {name: web, moon: {app: web}}]
`
	facts := []driver.Facts{{Platform: "moon", Digests: true, Keys: []driver.Key{{Name: "app", Type: driver.String, Identity: true}}}}
	p, problems := pipeline.Parse("sluice.yaml", []byte(file), facts)
	if pipeline.Failed(problems) {
		t.Fatal(problems)
	}
	b.pipeline = p
	return b
}

// result is what a promotion of r1 came to.
func (b *bench) result(targets ...view.Target) publish.Result {
	for i := range targets {
		t := &targets[i]
		t.Stage, t.Platform, t.Release, t.Promotion, t.Commit = "production", "moon", "r1", "p-1", sha
		t.Rollout = "r1-to-" + t.Target + "-0001"
	}
	out := view.Outcome{Targets: targets, Promotion: "p-1"}
	out.Sum()
	return publish.Result{Pipeline: b.pipeline, Command: "promote", Outcome: out, Run: actions.Context{RunID: 7, RunURL: runURL, SHA: sha, Repository: githubtest.Repository}}
}

func (b *bench) quiet() {
	b.Helper()
	if len(b.warnings) > 0 {
		b.Errorf("warnings %q", b.warnings)
	}
}

var (
	succeeded = view.Target{Target: "api", Status: rollout.PromotionSucceeded, Digest: digest}
	failed    = view.Target{Target: "api", Status: rollout.PromotionFailed, ErrorMessage: "it smokes"}
	bakes     = view.Target{Target: "api", Status: rollout.PromotionPending, WaitingFor: &view.Waiting{Kind: rollout.WaitBake}}
	waits     = view.Target{Target: "api", Status: rollout.PromotionPending, WaitingFor: &view.Waiting{Kind: rollout.WaitApproval}}
	queued    = view.Target{Target: "api", Status: rollout.PromotionPending, WaitingFor: &view.Waiting{Kind: rollout.WaitQueue}}
	withdrawn = view.Target{Target: "api", Status: rollout.PromotionFailed, Withdrawn: true}
)

// What is pending is no success, and one deployment goes on from run to run.
func TestDeployments(t *testing.T) {
	b := newBench(t, "deployments: write", "pull-requests: write", "artifact-metadata: write")
	for _, step := range []struct {
		target view.Target
		state  string
	}{{waits, "pending"}, {queued, "queued"}, {bakes, "in_progress"}, {failed, "failure"}, {withdrawn, "inactive"}, {succeeded, "success"}} {
		b.Show(b.Context(), b.result(step.target))
		if len(b.github.Deployments) != 1 {
			t.Fatalf("%d deployments", len(b.github.Deployments))
		}
		d := b.github.Deployments[0]
		newest := d.Statuses[len(d.Statuses)-1]
		if newest.State != step.state || newest.LogURL != runURL || newest.EnvironmentURL != "https://shop.example.com" {
			t.Errorf("%+v is shown as %+v", step.target, newest)
		}
		if d.Environment != "production" || d.Ref != sha || d.Task != "sluice/p-1" {
			t.Errorf("%+v", d)
		}
	}
	b.quiet()
	count := len(b.github.Deployments[0].Statuses)
	b.Show(b.Context(), b.result(succeeded))
	if got := len(b.github.Deployments[0].Statuses); got != count {
		t.Errorf("told again: %d statuses, then %d", count, got)
	}
}

// However many targets a promotion has, it is one deployment, made by three requests.
func TestDeploymentOfMany(t *testing.T) {
	b := newBench(t, "deployments: write")
	b.pipeline.Comment.Value = false
	var all []view.Target
	for i := range 300 {
		one := succeeded
		one.Target = fmt.Sprintf("web-%d", i)
		all = append(all, one)
	}
	b.Show(b.Context(), b.result(all...))
	b.quiet()
	if d := b.github.Deployments; len(d) != 1 || len(d[0].Statuses) != 1 || b.github.Total() != 3 {
		t.Errorf("%d deployments by %d requests", len(d), b.github.Total())
	}
}

// Without a permission the warning names it, and nothing else is kept from being shown.
func TestPermissions(t *testing.T) {
	b := newBench(t, "pull-requests: write")
	b.github.Merged(12, sha)
	b.Show(b.Context(), b.result(succeeded))
	if len(b.github.Comments[12]) != 1 || len(b.github.Records) != 0 || len(b.github.Deployments) != 0 {
		t.Errorf("%+v", b.github)
	}
	want := []string{"permissions: {deployments: write}", "permissions: {artifact-metadata: write}"}
	if len(b.warnings) != len(want) {
		t.Fatalf("warnings %q", b.warnings)
	}
	for i := range want {
		if !strings.Contains(b.warnings[i], want[i]) || !strings.Contains(b.warnings[i], "No promotion depends on it") {
			t.Errorf("warning %q, want %q in it", b.warnings[i], want[i])
		}
	}
	if got := strings.Join(publish.Permissions(b.pipeline), ", "); got != "deployments: write, pull-requests: write, artifact-metadata: write" {
		t.Errorf("the plan names %s", got)
	}
}

// An organisation's record is of what runs by its digest, and only of what came to run now.
func TestRecords(t *testing.T) {
	b := newBench(t, "deployments: write", "pull-requests: write", "artifact-metadata: write")
	web, same := succeeded, succeeded
	web.Target, same.Unchanged = "web", true
	b.Show(b.Context(), b.result(succeeded, web))
	b.Show(b.Context(), b.result(same))
	b.Show(b.Context(), b.result(bakes))
	b.quiet()
	if len(b.github.Records) != 1 {
		t.Fatalf("%v", b.github.Records)
	}
	r := b.github.Records[0]
	for key, want := range map[string]any{
		"name": "ghcr.io/octo/shop", "digest": digest, "version": "r1", "status": "deployed", "logical_environment": "production",
		"cluster": "shop", "deployment_name": "api", "github_repository": "shop", "return_records": false,
	} {
		if r[key] != want {
			t.Errorf("%s is %v, want %v", key, r[key], want)
		}
	}
}
