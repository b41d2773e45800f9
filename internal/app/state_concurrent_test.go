package app_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
)

// together runs the same command line in two workflow runs at once, each with
// arguments of its own, and waits for both.
func (w *world) together(t *testing.T, first, second []string) [2]outcome {
	t.Helper()
	meet := w.meeting(t, 2)
	var got [2]outcome
	var group sync.WaitGroup
	for i, args := range [][]string{first, second} {
		s := job{run: int64(7 + i), env: meet.env(t)}
		group.Go(func() { got[i] = w.sluice(t, s, args...) })
	}
	group.Wait()
	return got
}

// TestTwoRunsOneTarget: two runs that both read the state before either saved.
// One wins; the other is told who, and has no effect; nothing is lost.
func TestTwoRunsOneTarget(t *testing.T) {
	for _, name := range []string{"file", "git", "s3"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, shop)
			where := w.stores()[name]
			args := []string{"promote", "--to", "production", "--target", "eu", "--store", where}
			got := w.together(t, args, args)
			codes := []int{got[0].code, got[1].code}
			slices.Sort(codes)
			if !slices.Equal(codes, []int{0, 5}) {
				t.Fatalf("want one winner:\n%s\n%s", got[0], got[1])
			}
			loser, winner := got[0], "https://github.example/octocat/shop/actions/runs/8"
			if got[1].code == 5 {
				loser, winner = got[1], "https://github.example/octocat/shop/actions/runs/7"
			}
			if !strings.Contains(loser.stderr, winner) {
				t.Errorf("the loser does not name %s: %s", winner, loser)
			}
			if want := []string{"eu deploy"}; !slices.Equal(w.effects(), want) {
				t.Errorf("effects %q, want %q", w.effects(), want)
			}
			w.wants(t, 0, "unchanged", job{run: 9}, args...)
			w.wants(t, 0, `"state": "SUCCEEDED"`, job{run: 9}, "state", "show", "--target", "eu", "--store", where)
		})
	}
}

// TestTwoRunsTwoTargets: runs that have different targets do not keep each
// other from their work, although they share a branch, a bucket or a folder.
func TestTwoRunsTwoTargets(t *testing.T) {
	for _, name := range []string{"file", "git", "s3", "artifact"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, shop)
			where := w.stores()[name]
			got := w.together(t,
				[]string{"promote", "--to", "production", "--target", "eu", "--store", where},
				[]string{"promote", "--to", "production", "--target", "us", "--store", where})
			if got[0].code != 0 || got[1].code != 0 {
				t.Fatalf("%s\n%s", got[0], got[1])
			}
			doc := w.wants(t, 0, "", job{run: 9}, "status", "--stage", "production", "--store", where, "--output", "json").document(t)
			for _, target := range doc["targets"].([]any) {
				if found := target.(map[string]any); found["state"] != "SUCCEEDED" {
					t.Errorf("%v", found)
				}
			}
		})
	}
}

// TestTwoRunsInArtifacts: artifacts cannot be swapped. Without a concurrency
// group two runs can move one target, and the run says so beforehand; that it
// happened is found out, and is no state to go on from.
func TestTwoRunsInArtifacts(t *testing.T) {
	w := newWorld(t, shop)
	args := []string{"promote", "--to", "production", "--target", "eu", "--store", "artifact"}
	other := []string{"promote", "--to", "production", "--target", "us", "--store", "artifact"}
	w.wants(t, 0, "", job{run: 5}, "state", "import", "--store", "artifact")
	w.wants(t, 0, "succeeded", job{run: 6}, other...)
	for _, got := range w.together(t, args, args) {
		if !strings.Contains(got.stderr, "concurrency group") {
			t.Errorf("nothing says what artifacts cannot do: %s", got)
		}
	}
	got := w.wants(t, 5, "state accept 7", job{run: 9}, args...)
	for _, part := range []string{"/actions/runs/7", "/actions/runs/8", "state accept 8", "concurrency group"} {
		if !strings.Contains(got.stderr, part) {
			t.Errorf("%q is not said in %s", part, got)
		}
	}
	w.wants(t, 0, "unchanged", job{run: 9}, other...) // that target alone is
	w.wants(t, 4, "saved none of the targets", job{run: 9}, "state", "accept", "9", "--reason", "x", "--store", "artifact")
	w.wants(t, 0, "goes on from run 8", job{run: 9}, "state", "accept", "8", "--reason", "it finished", "--store", "artifact")
	w.wants(t, 0, "unchanged", job{run: 10}, args...)
	w.wants(t, 4, "nothing to decide", job{run: 10}, "state", "accept", "8", "--reason", "again", "--store", "artifact")
}
