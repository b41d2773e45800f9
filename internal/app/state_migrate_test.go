package app_test

import (
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
)

// records are the state of the pipeline's targets in a store, as JSON.
func (w *world) records(t *testing.T, store string) []any {
	t.Helper()
	doc := w.wants(t, 0, "", job{run: 90}, "state", "show", "--store", store, "--output", "json").document(t)
	return doc["records"].([]any)
}

// TestMigrate: every store's records become every other's, to the byte, and the
// next run goes on from there.
func TestMigrate(t *testing.T) {
	names := []string{"file", "git", "s3", "artifact"}
	for _, from := range names {
		for _, to := range names {
			t.Run(from+" to "+to, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, shop)
				stores := w.stores()
				old := stores[from]
				if from == to && from != "file" {
					w.wants(t, 2, "already", job{run: 7}, "state", "migrate", "--store", old, "--to-store", stores[to])
					return
				}
				stores["file"] += "/new"
				w.wants(t, 0, "succeeded", job{run: 7}, "promote", "--to", "production", "--store", old)
				before := w.records(t, old)
				effects := len(w.platforms.Requests())

				got := w.wants(t, 0, "2 records copied from", job{run: 8}, "state", "migrate", "--store", old, "--to-store", stores[to])
				if !strings.Contains(got.stdout, "set state.store to") {
					t.Errorf("%s", got)
				}
				if len(w.platforms.Requests()) != effects {
					t.Error("a platform was asked")
				}
				copies := w.records(t, stores[to])
				if len(copies) != 2 || !reflect.DeepEqual(before, copies) {
					t.Errorf("copied %v\nof %v", copies, before)
				}
				w.wants(t, 0, "unchanged", job{run: 9}, "promote", "--to", "production", "--store", stores[to])
				w.wants(t, 0, "back to what ran before", job{run: 10}, "rollback", "--target", "eu", "--store", stores[to])

				// The old ones stay, and are no longer the new ones.
				if !reflect.DeepEqual(before, w.records(t, old)) {
					t.Error("the old records changed")
				}
				w.wants(t, 4, "has another record of shop/eu already", job{run: 11}, "state", "migrate", "--store", old, "--to-store", stores[to])
			})
		}
	}
}

// TestMigrateAgain: an attempt that copied a part is taken up where it stopped.
func TestMigrateAgain(t *testing.T) {
	w := newWorld(t, shop)
	old, to := w.stores()["file"], "file:"+filepath.Join(w.dir, "new")
	w.wants(t, 0, "succeeded", job{run: 7}, "promote", "--to", "production", "--store", old)
	w.wants(t, 0, "2 records", job{run: 8}, "state", "migrate", "--store", old, "--to-store", to)
	if err := os.Remove(filepath.Join(w.dir, "new", "shop", "us.json")); err != nil {
		t.Fatal(err)
	}
	w.wants(t, 0, "2 records", job{run: 8, attempt: 2}, "state", "migrate", "--store", old, "--to-store", to)
	if got := w.records(t, to); len(got) != 2 {
		t.Errorf("%v", got)
	}
}

// TestMigrateRefusals: what is not moved, why, and that nothing was written.
func TestMigrateRefusals(t *testing.T) {
	w := newWorld(t, shop)
	old, to := w.stores()["file"], w.stores()["s3"]
	w.wants(t, 0, "there is no state of shop in", job{run: 6}, "state", "migrate", "--store", old, "--to-store", to)
	w.wants(t, 0, "succeeded", job{run: 7}, "promote", "--to", "production", "--target", "eu", "--store", old)
	tests := map[string]struct {
		code int
		say  string
		args []string
		job  job
	}{
		"no store":          {2, "say where to with --to-store: git, s3://bucket/prefix, file:DIR or artifact", nil, job{run: 8}},
		"a wrong name":      {2, `--to-store: "gti" is not known (did you mean "git"?)`, []string{"--to-store", "gti"}, job{run: 8}},
		"no folder":         {2, "--to-store: ", []string{"--to-store", "file:"}, job{run: 8}},
		"no bucket":         {2, "--to-store: ", []string{"--to-store", "s3://UPPER"}, job{run: 8}},
		"where it is":       {2, "the state is in " + old + " already", []string{"--to-store", old}, job{run: 8}},
		"another branch":    {4, "this run is of refs/heads/feature", []string{"--to-store", to}, job{run: 8, branch: "feature"}},
		"no artifacts here": {6, "use sluice as an action", []string{"--to-store", "artifact"}, job{run: 8, env: map[string]string{"ACTIONS_RUNTIME_TOKEN": ""}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w.wants(t, test.code, test.say, test.job, append([]string{"state", "migrate", "--store", old}, test.args...)...)
			if w.saves() > 0 {
				t.Error("something was saved")
			}
		})
	}
}

// TestMigrateHeld: what a live run holds is not moved from under it; a run that
// is over holds nothing.
func TestMigrateHeld(t *testing.T) {
	w := newWorld(t, shop)
	old, to := w.stores()["file"], w.stores()["git"]
	w.leave(t, 7, old)
	got := w.wants(t, 5, "eu is held by octocat/shop/runs/7/promote", job{run: 8}, "state", "migrate", "--store", old, "--to-store", to)
	if !strings.Contains(got.stderr, "https://github.example/octocat/shop/actions/runs/7") || w.saves() > 0 {
		t.Errorf("%d saves, %s", w.saves(), got)
	}
	w.finish("7")
	w.wants(t, 0, "1 records copied", job{run: 8}, "state", "migrate", "--store", old, "--to-store", to)
}

// TestMigrateUnderWay: a run that saves while records are copied is found out.
func TestMigrateUnderWay(t *testing.T) {
	w := newWorld(t, shop)
	old, to := w.stores()["file"], w.stores()["s3"]
	w.wants(t, 0, "succeeded", job{run: 7}, "promote", "--to", "production", "--store", old)
	var once sync.Once
	w.fault = func(r *http.Request) (int, string) {
		if r.Method == http.MethodPut {
			once.Do(func() {
				if got := w.sluice(t, job{run: 9}, "lock", "--target", "us", "--reason", "incident", "--store", old); got.code != 0 {
					t.Errorf("%s", got)
				}
			})
		}
		return 0, ""
	}
	w.wants(t, 5, "another run changed the state of shop/us meanwhile; go on using "+old, job{run: 8}, "state", "migrate", "--store", old, "--to-store", to)
}
