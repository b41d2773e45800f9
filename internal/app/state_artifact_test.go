package app_test

import (
	"strings"
	"testing"

	"sluice/internal/actions/artifact"
	"sluice/internal/actions/artifact/artifacttest"
)

// newest is the live artifact that holds the state.
func (w *world) newest(t *testing.T) artifacttest.Artifact {
	t.Helper()
	for _, a := range w.artifacts.Artifacts() {
		if a.Finalised && !a.Deleted && strings.HasPrefix(a.Name, "sluice-state.shop.") {
			return a
		}
	}
	t.Fatalf("no state among %q", w.artifacts.Live())
	return artifacttest.Artifact{}
}

// forged is a record of a later generation, as another installation saved it:
// it says that the target is locked.
func forged(t *testing.T) artifacttest.Artifact {
	t.Helper()
	w := newWorld(t, shop)
	for range 3 {
		w.wants(t, 0, "", job{run: 5}, "lock", "--target", "eu", "--reason", "forged", "--store", "artifact")
		w.wants(t, 0, "", job{run: 5}, "unlock", "--target", "eu", "--store", "artifact")
	}
	w.wants(t, 0, "", job{run: 5}, "lock", "--target", "eu", "--reason", "forged", "--store", "artifact")
	return w.newest(t)
}

// TestForeignArtifacts: whoever can run a workflow can upload an artifact of any
// name. Only those of this repository's own allowed branches are state.
func TestForeignArtifacts(t *testing.T) {
	theirs := forged(t)
	tests := map[string]struct {
		run  artifacttest.Run
		say  string
		code int
	}{
		"a fork's":         {artifacttest.Run{ID: 66, HeadRepositoryID: 666}, "is ignored: run 66 belongs to a fork", 0},
		"another branch's": {artifacttest.Run{ID: 66, Branch: "feature"}, `is ignored: run 66 was on branch "feature", state may change on main`, 0},
		"our own":          {artifacttest.Run{ID: 66}, "state accept 66", 5}, // it would count
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, shop)
			promote := []string{"promote", "--to", "production", "--target", "eu", "--store", "artifact"}
			w.wants(t, 0, "succeeded", job{run: 7}, promote...)
			w.artifacts.Put(test.run, theirs.Name, theirs.Zip)
			got := w.wants(t, test.code, test.say, job{run: 8}, promote...)
			if test.code == 0 && !strings.Contains(got.stdout, "unchanged") {
				t.Errorf("%s", got)
			}
		})
	}
}

// TestUntrustworthyArtifacts: what ought to be our state and is not what was
// saved stops the run, with the reason.
func TestUntrustworthyArtifacts(t *testing.T) {
	packed := func(name string, data []byte) []byte {
		zip, err := artifact.Pack(name, data, artifact.Limits{Ratio: 1 << 30})
		if err != nil {
			t.Fatal(err)
		}
		return zip
	}
	holds := func(zip []byte) func(*artifacttest.Artifact) {
		return func(a *artifacttest.Artifact) { a.Zip, a.Digest = zip, "" }
	}
	for say, edit := range map[string]func(*artifacttest.Artifact){
		"has expired":             func(a *artifacttest.Artifact) { a.Expired = true },
		"GitHub says sha256:00":   func(a *artifacttest.Artifact) { a.Digest = "sha256:00" },
		"unpacks to more":         holds(packed("state.json", make([]byte, 1<<20))),
		"not a plain file inside": holds(packed("../state.json", []byte("{}"))),
		"lacks state.json":        holds(packed("other.txt", []byte("x"))),
	} {
		t.Run(say, func(t *testing.T) {
			w := newWorld(t, shop)
			promote := []string{"promote", "--to", "production", "--target", "eu", "--store", "artifact"}
			w.wants(t, 0, "succeeded", job{run: 7}, promote...)
			asked := len(w.platforms.Requests())
			w.artifacts.Edit(w.newest(t).Name, edit)
			w.wants(t, 6, say, job{run: 8}, promote...)
			if n := len(w.platforms.Requests()) - asked; n > 0 {
				t.Errorf("%d requests to platforms", n)
			}
		})
	}
}

// TestLockBesideAPromotion: a lock that another run saved while a promotion worked on
// the same target, each without seeing the other's save, is no conflict: both stand.
func TestLockBesideAPromotion(t *testing.T) {
	w := newWorld(t, shop)
	promote := []string{"promote", "--to", "production", "--target", "eu", "--store", "artifact"}
	w.wants(t, 0, "succeeded", job{run: 7}, promote...)
	w.artifacts.Hidden = 9 // the lists lack what run 9 saves
	w.wants(t, 0, "locked", job{run: 9}, "lock", "--target", "eu", "--reason", "incident", "--store", "artifact")
	w.wants(t, 0, "succeeded", job{run: 8}, "rollback", "--target", "eu", "--store", "artifact")
	w.artifacts.Hidden = 0
	w.wants(t, 0, "lock-", job{run: 10}, "status", "--store", "artifact")
	w.wants(t, 0, "incident", job{run: 10}, "events", "--target", "eu", "--store", "artifact")
	w.wants(t, 0, "rollback", job{run: 10}, "events", "--target", "eu", "--store", "artifact")
	w.wants(t, 4, "cannot promote eu", job{run: 11}, promote...)
}
