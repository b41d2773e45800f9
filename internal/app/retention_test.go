package app_test

import (
	"strings"
	"testing"

	"sluice/internal/actions/artifact/artifacttest"
)

// TestRetention: what waits for longer than the repository keeps artifacts is warned
// of with the date, where the file is read and where something begins to wait.
func TestRetention(t *testing.T) {
	slow := strings.Replace(shop, "stage: prod-eu, region: eu-west-1}}", "stage: prod-eu, region: eu-west-1}, timeout: 2000h, strategy: {canary: {percentages: [10], wait: 120h}}}", 1)
	for days, warned := range map[string]bool{"": false, "90": false, "3": true} {
		w := newWorld(t, slow)
		in := job{run: 7, env: map[string]string{"GITHUB_RETENTION_DAYS": days}}
		for _, command := range [][]string{{"validate"}, {"plan", "--to", "production", "--store", "artifact"}} {
			got := w.wants(t, 0, "", in, command...)
			if strings.Contains(got.stderr, "canary: wait (120h0m0s) is longer than the 3 days") != warned {
				t.Errorf("%s days, %v: %s", days, command, got)
			}
		}
		got := w.wants(t, 0, "pending", in, "promote", "--to", "production", "--target", "eu", "--store", "artifact")
		if strings.Contains(got.stderr, "eu: it waits until ") != warned {
			t.Errorf("%s days: %s", days, got)
		}
		got = newWorld(t, slow).wants(t, 0, "pending", in, "promote", "--to", "production", "--target", "eu", "--store", "git")
		if strings.Contains(got.stderr, "is longer than") || strings.Contains(got.stderr, "it waits until") {
			t.Errorf("what git keeps does not expire: %s", got)
		}
	}
}

// TestStoreOfTheCommandLine: a file that names no store is warned of what artifacts do
// badly, and not where the command line names another store.
func TestStoreOfTheCommandLine(t *testing.T) {
	approved := strings.Replace(shop, "  - name: production\n", "  - name: production\n    approval: {required: true, approvers: [octocat, hubot]}\n", 1)
	for store, warned := range map[string]bool{"": true, "artifact": true, "git": false} {
		w := newWorld(t, approved)
		for _, command := range [][]string{{"validate"}, {"plan", "--to", "production"}, {"promote", "--to", "production"}} {
			if store != "" {
				command = append(command, "--store", store)
			}
			got := w.sluice(t, job{run: 7}, command...)
			if got.code != 0 || strings.Contains(got.stderr, "but state is kept in artifacts, which expire") != warned {
				t.Errorf("store %q, %v: %s", store, command, got)
			}
		}
	}
}

// TestStatusAmongManyArtifacts: in a repository with 50,000 artifacts status, here and
// in a workflow, sends at most seven lists: six, and one of this run more where a
// busy machine lets a second pass between the reading and the list.
func TestStatusAmongManyArtifacts(t *testing.T) {
	w := newWorld(t, shop)
	w.artifacts.Meter.Enforce = true
	w.artifacts.Crowd(50_000)
	w.wants(t, 0, "succeeded", job{run: 7}, "promote", "--to", "production", "--store", "artifact")
	for name, status := range map[string]func() outcome{
		"in a workflow": func() outcome { return w.sluice(t, job{run: 8}, "status", "--store", "artifact") },
		"at a desk": func() outcome {
			return w.atDesk(t, map[string]string{"git": "echo git@github.com:octocat/shop", "gh": "echo " + artifacttest.Token}, "status", "--store", "artifact")
		},
	} {
		w.artifacts.Meter.Reset()
		before := len(w.artifacts.Requests())
		got := status()
		lists := 0
		for _, r := range w.artifacts.Requests()[before:] {
			if r == "GET artifacts" || r == "POST ListArtifacts" {
				lists++
			}
		}
		if got.code != 0 || !strings.Contains(got.stdout, "SUCCEEDED") || lists > 7 || lists == 0 {
			t.Errorf("%s: %d lists, %v\n%s", name, lists, w.artifacts.Meter.Counts(), got)
		}
	}
}
