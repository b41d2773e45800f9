package e2e

import (
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sluice/internal/publish/githubtest"
)

// TestShownWorkflows runs the example workflows that GitHub's own events start: a merge
// promotes to staging and is shown as a deployment, an approver's comment lets production
// go on, and the report is what Pages gets.
func TestShownWorkflows(t *testing.T) {
	t.Parallel()
	s := newSystem(t, shownFile(t), "HEROKU_HOST")
	head := s.head(t)
	s.shown.Commits = []string{head}
	s.shown.Merged(12, head)

	s.Event = "push"
	s.follow(t, act{"merged", "octocat", "merged.yml", nil, "success", "succeeded", ""})
	if got := s.deployed("staging"); got != "success" {
		t.Errorf("GitHub shows the deployment of staging as %q, want success", got)
	}
	if comments := s.shown.Comments[12]; len(comments) != 1 || !strings.Contains(comments[0].Body, "staging") {
		t.Errorf("pull request 12 has the comments %+v, want one about staging", comments)
	}

	s.Event = ""
	s.follow(t, act{"production waits", "octocat", "promote.yml", map[string]string{"command": "promote", "to": "production"}, "success", "pending", "approv"})
	s.said(t)
	s.reported(t)
}

// said gives words by comment: what is none runs no job, whoever may not write is
// refused, and an approver's lets the promotion go on.
func (s *system) said(t *testing.T) {
	t.Helper()
	s.Event = "issue_comment"
	defer func() { s.Event, s.Payload = "", nil }()

	s.Payload = comment("hubot", "looks fine to me")
	s.File = "comment.yml"
	if r := s.runIfDue(t); len(r.jobs) != 0 {
		t.Fatalf("a comment that says nothing to Sluice started jobs %v\n%s", r.jobs, r.readable())
	}
	s.Payload = comment("hubot", "/sluice approve production")
	s.follow(t, act{"who may not write", "hubot", "comment.yml", nil, "failure", "refused", "hubot may not write to"})
	if got := s.deployed("production"); got == "success" || got == "in_progress" {
		t.Errorf("GitHub shows production as %q before anybody approved it", got)
	}
	s.shown.Roles["hubot"] = "write"
	s.follow(t, act{"an approver's word", "hubot", "comment.yml", nil, "success", "pending", "canary-10"})
	if got := s.deployed("production"); got != "in_progress" {
		t.Errorf("GitHub shows production as %q while its canary stands, want in_progress", got)
	}
}

// Pages' own actions cannot be fetched here. The first of these stand-ins wants what the
// real one wants, files that every process may read and no links, and tells what it got;
// the second publishes nothing.
const (
	uploadPages = `name: Upload
description: Takes the folder of a page.
inputs: {path: {required: true, description: Folder}}
outputs: {page: {description: 'The page, as base64', value: "${{ steps.take.outputs.page }}"}}
runs:
  using: composite
  steps:
    - id: take
      shell: bash
      run: |
        test -z "$(find "${{ inputs.path }}" ! -perm -444 -o -type l)"
        echo "page=$(base64 -w0 "${{ inputs.path }}/index.html")" >>"$GITHUB_OUTPUT"
`
	deployPages = `name: Deploy
description: Publishes nothing.
outputs: {page_url: {description: Address, value: "https://octocat.github.io/shop/"}}
runs:
  using: composite
  steps:
    - {shell: bash, run: "true"}
`
)

// reported: the report workflow gives the page that Sluice wrote to Pages, and changes
// nothing.
func (s *system) reported(t *testing.T) {
	t.Helper()
	s.Actions = map[string]string{
		"actions/upload-pages-artifact@56afc609e74202658d3ffba0e8f6dda462b719fa": action(t, uploadPages),
		"actions/deploy-pages@d6db90164ac5ed86f2b6aed7e0febac5b3c0c03e":          action(t, deployPages),
	}
	writes := s.origin.Writes()
	r := s.start(t, "octocat", "report.yml", nil)
	r.wantJobs(t, map[string]string{"report": "success", "publish": "success"})
	if now := s.origin.Writes(); now != writes {
		t.Errorf("a report wrote the state branch %d times", now-writes)
	}
	page, err := base64.StdEncoding.DecodeString(r.page())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<!doctype html>", "storefront", "production", "hubot", "canary"} {
		if !strings.Contains(strings.ToLower(string(page)), want) {
			t.Errorf("the page of %d bytes does not say %q\n%s", len(page), want, r.readable())
		}
	}
}

// page is what the stand-in for the upload got.
func (r result) page() string {
	for _, outputs := range r.outputs {
		if page := outputs["page"]; page != "" {
			return page
		}
	}
	return ""
}

// comment is the payload of a new comment on pull request 12.
func comment(by, body string) map[string]any {
	return map[string]any{
		"action":  "created",
		"comment": map[string]any{"body": body, "created_at": "2099-01-01T00:00:00Z", "user": map[string]string{"login": by}},
		"issue":   map[string]any{"number": 12, "pull_request": map[string]any{}},
		"sender":  map[string]string{"type": "User", "login": by},
	}
}

// action is the folder of an action with the given action.yml.
func action(t *testing.T, definition string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "action.yml"), []byte(definition), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// deployed is the newest state that GitHub shows of a stage; "" for none.
func (s *system) deployed(stage string) string {
	newest := githubtest.Status{}
	for _, d := range s.shown.Deployments {
		if d.Environment == stage && len(d.Statuses) > 0 {
			newest = d.Statuses[len(d.Statuses)-1]
		}
	}
	return newest.State
}

// head is the commit that the repository stands at.
func (s *system) head(t *testing.T) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", "rev-parse", "HEAD")
	cmd.Dir = s.Dir
	sha, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(sha))
}

// shownFile is the example's pipeline, shown on GitHub and approved by comment as well.
func shownFile(t *testing.T) string {
	t.Helper()
	text := read(t, withoutFreeze(t))
	for _, change := range [][2]string{
		{"state: {store: git}\n", "state: {store: git}\ndeployments: own\ncomment: true\n"},
		{"approval: {required: true,", "approval: {required: true, comments: true,"},
	} {
		if !strings.Contains(text, change[0]) {
			t.Fatalf("the example has no %q", change[0])
		}
		text = strings.Replace(text, change[0], change[1], 1)
	}
	file := filepath.Join(t.TempDir(), "sluice.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
