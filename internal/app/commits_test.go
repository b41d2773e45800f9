package app_test

import (
	"net/http"
	"strings"
	"testing"
)

// TestPlanTellsTheCommits: between what runs and what comes, where both releases name
// a commit of this repository; else none.
func TestPlanTellsTheCommits(t *testing.T) {
	old, recent := strings.Repeat("a1", 20), strings.Repeat("b2", 20)
	w := newWorld(t, shop)
	store := []string{"--store", w.stores()["file"]}
	release := func(run int64, commit string) {
		in := job{run: run, env: map[string]string{"GITHUB_SHA": commit}}
		w.wants(t, 0, "succeeded", in, append(store, "promote", "staging", "--release", "new")...)
	}
	plan := append(store, "plan", "production")
	release(7, old)
	w.wants(t, 0, "in place of", job{run: 7}, plan...)
	w.wants(t, 0, "succeeded", job{run: 7}, append(store, "promote", "production")...)
	release(8, recent)
	asked := 0
	answer := func(status int, body string) {
		w.fault = func(r *http.Request) (int, string) {
			if !strings.HasPrefix(r.URL.Path, "/repos/octocat/shop/compare/") {
				return 0, ""
			}
			if asked++; r.URL.Path != "/repos/octocat/shop/compare/"+old+"..."+recent {
				t.Errorf("asked for %s", r.URL.Path)
			}
			return status, body
		}
	}
	answer(200, `{"status":"ahead","ahead_by":2,"behind_by":0,"html_url":"https://github.example/compare","commits":[
		{"sha":"c3c3c3c3c3c3","commit":{"message":"first\n\nbody","author":{"name":"Anna"}}},
		{"sha":"`+recent+`","commit":{"message":"::error::second","author":{"name":"Berta"}}}]}`)
	got := w.wants(t, 0, "commits   2 that do not run there yet: https://github.example/compare", job{run: 9}, plan...)
	for _, want := range []string{"commits   b2b2b2b2 ", "second (Berta)", "commits   c3c3c3c3 first (Anna)"} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("it lacks %q: %s", want, got)
		}
	}
	if asked != 1 || strings.Contains(got.stdout, "\n::error") {
		t.Errorf("asked %d times for two targets: %s", asked, got)
	}
	doc := w.wants(t, 0, "", job{run: 9}, append(plan, "--output", "json")...).document(t)
	first := doc["targets"].([]any)[0].(map[string]any)
	if first["commit"] != recent || first["runsCommit"] != old || first["commits"].(map[string]any)["brings"] != 2.0 {
		t.Errorf("%v", first)
	}
	answer(404, `{"message":"Not Found"}`) // commits of another repository
	if got := w.wants(t, 0, "in place of", job{run: 10}, plan...); strings.Contains(got.stdout, "commits ") {
		t.Errorf("%s", got)
	}
	w.fault = nil
	w.wants(t, 0, "succeeded", job{run: 11}, append(store, "promote", "production")...)
	answer(200, `{}`)
	back := append(store, "plan", "rollback", "--stage", "production")
	w.fault = func(r *http.Request) (int, string) {
		if strings.HasSuffix(r.URL.Path, recent+"..."+old) {
			return 200, `{"status":"behind","ahead_by":0,"behind_by":2,"html_url":"https://github.example/back","commits":[]}`
		}
		return 0, ""
	}
	w.wants(t, 0, "commits   none that is new, and it lacks 2 that run: https://github.example/back", job{run: 12}, back...)
}
