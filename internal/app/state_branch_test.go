package app_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// event is an environment whose event's payload is text.
func event(t *testing.T, text string) map[string]string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "event.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return map[string]string{"GITHUB_EVENT_PATH": path}
}

const branches = "state: {branches: [main, release]}\n"

// TestBranches: a run changes state only where the next run looks for it; what
// a refused run wanted never reaches a platform or a store.
func TestBranches(t *testing.T) {
	trunk := event(t, `{"repository": {"default_branch": "trunk", "visibility": "private"}}`)
	act := map[string]string{"ACT": "true"}
	tests := map[string]struct {
		text   string
		job    job
		refuse string // "" allows it
	}{
		"the default branch by GitHub's word":   {shop, job{run: 7}, ""},
		"another branch":                        {shop, job{run: 7, branch: "feature"}, "this run is of refs/heads/feature, and only runs of main may change the state; run the workflow there, or list it in the pipeline file: state: {refs: [main, feature]}"},
		"a tag":                                 {shop, job{run: 7, env: map[string]string{"GITHUB_REF": "refs/tags/v1"}}, "or list it in the pipeline file: state: {refs: [main, refs/tags/v1]}"},
		"a tag that is listed":                  {"state: {refs: [main, refs/tags/v1]}\n" + shop, job{run: 7, env: map[string]string{"GITHUB_REF": "refs/tags/v1"}}, ""},
		"a tag of a pattern":                    {"state: {refs: [main, 'refs/tags/v*']}\n" + shop, job{run: 7, env: map[string]string{"GITHUB_REF": "refs/tags/v1"}}, ""},
		"a branch named as a tag":               {"state: {refs: ['refs/tags/v*']}\n" + shop, job{run: 7, branch: "v1"}, "only runs of refs/tags/v* may"},
		"a pull request":                        {shop, job{run: 7, env: map[string]string{"GITHUB_REF": "refs/pull/1/merge"}}, "may change the state; run the workflow there"},
		"the default branch by the event":       {shop, job{run: 7, branch: "trunk", env: trunk}, ""},
		"another than the event's":              {shop, job{run: 7, env: trunk}, "only runs of trunk"},
		"one that the pipeline file lists":      {branches + shop, job{run: 7, branch: "release"}, ""},
		"one that the pipeline file leaves out": {branches + shop, job{run: 7, branch: "feature"}, "only runs of main, release may"},
		"act where nothing tells the default":   {shop, job{run: 7, branch: "feature", env: act}, ""},
		"act with the default from its event":   {shop, job{run: 7, branch: "feature", env: map[string]string{"ACT": "true", "GITHUB_EVENT_PATH": trunk["GITHUB_EVENT_PATH"]}}, "only runs of trunk"},
		"act where the pipeline file lists one": {branches + shop, job{run: 7, branch: "feature", env: act}, "only runs of main, release may"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, test.text)
			for _, command := range [][]string{
				{"promote", "--to", "production"}, {"lock", "--target", "eu", "--reason", "incident"}, {"state", "import", "--target", "eu"}, {"reconcile"},
			} {
				command = append(command, "--store", "git")
				if test.refuse == "" {
					if command[0] == "promote" {
						w.wants(t, 0, "succeeded", test.job, command...)
					}
					continue
				}
				w.wants(t, 4, test.refuse, test.job, command...)
			}
			if test.refuse != "" && (len(w.platforms.Requests()) > 0 || w.git.Writes() > 0) {
				t.Errorf("%d requests to platforms, %d saves", len(w.platforms.Requests()), w.git.Writes())
			}
			w.wants(t, 0, "eu", test.job, "status", "--store", "git") // to look is free everywhere
		})
	}
}

// TestUnknownBranch: where nobody tells the default branch, nothing is changed.
func TestUnknownBranch(t *testing.T) {
	w := newWorld(t, shop)
	w.breakStores(403, `{"message": "Resource not accessible by integration"}`)
	got := w.wants(t, 6, "the repository's default branch is not known", job{run: 7}, "promote", "--to", "production", "--store", "git")
	if !strings.Contains(got.stderr, "state.refs") || len(w.platforms.Requests()) > 0 {
		t.Errorf("%d requests; %s", len(w.platforms.Requests()), got)
	}
}

// TestPublic: state in a public repository is everybody's to read, and each run
// says so once; a bucket has readers of its own.
func TestPublic(t *testing.T) {
	public := event(t, `{"repository": {"default_branch": "main", "visibility": "public"}}`)
	private := event(t, `{"repository": {"default_branch": "main", "private": true}}`)
	w := newWorld(t, shop)
	stores := w.stores()
	tests := map[string]struct {
		store string
		env   map[string]string
		want  int
	}{
		"git":                {stores["git"], public, 1},
		"artifact":           {stores["artifact"], public, 1},
		"s3":                 {stores["s3"], public, 0},
		"file":               {stores["file"], public, 0},
		"git in private":     {stores["git"], private, 0},
		"artifact elsewhere": {stores["artifact"], nil, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := job{run: 7, env: test.env}
			for _, args := range [][]string{{"validate"}, {"promote", "--to", "production"}, {"reconcile"}} {
				got := w.sluice(t, s, append(args, "--store", test.store)...)
				if n := strings.Count(got.stderr, "::warning::the repository is public"); got.code != 0 || n != test.want {
					t.Errorf("%v: %d warnings, want %d: %s", args, n, test.want, got)
				}
			}
		})
	}
}
