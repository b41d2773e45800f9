package app_test

import (
	"regexp"
	"strings"
	"testing"

	"sluice/internal/store/gitref"
)

// TestLostState: a state branch that was moved or deleted is no state. Nothing is
// done until a person says from where to go on, and every remedy that is printed
// is accepted.
func TestLostState(t *testing.T) {
	const branch = gitref.DefaultBranch
	for name, take := range map[string]func(w *world, first string){
		"deleted":    func(w *world, _ string) { w.git.Force(branch, "") },
		"force-push": func(w *world, first string) { w.git.Force(branch, first) },
	} {
		t.Run(name, func(t *testing.T) {
			remedies := 1
			for i := 0; i < remedies; i++ {
				w := newWorld(t, shop)
				promote := []string{"promote", "--to", "production", "--target", "eu", "--store", "git"}
				w.wants(t, 0, "locked", job{run: 5}, "lock", "--target", "us", "--reason", "first", "--store", "git")
				first := w.git.Head(branch)
				w.wants(t, 0, "succeeded", job{run: 7}, promote...)
				take(w, first)
				effects, requests := len(w.effects()), len(w.platforms.Requests())
				got := w.wants(t, 6, "which does not go on from", job{run: 8}, promote...)
				w.wants(t, 6, "state accept", job{run: 8}, "status", "--store", "git")
				if len(w.effects()) > effects || len(w.platforms.Requests()) > requests {
					t.Errorf("platforms were asked for something: %v", w.platforms.Requests()[requests:])
				}
				commands := regexp.MustCompile("`sluice (state accept [0-9a-f]{40}) --reason …`").FindAllStringSubmatch(got.stderr, -1)
				if remedies = len(commands); remedies == 0 {
					t.Fatalf("no remedy in %s", got)
				}
				accept := append(strings.Fields(commands[i][1]), "--store", "git")
				w.wants(t, 2, "--reason", job{run: 9}, accept...)
				w.wants(t, 0, "the state goes on from commit", job{run: 9}, append(accept, "--reason", "a push by mistake")...)
				w.wants(t, 0, "", job{run: 10}, promote...)
				w.wants(t, 4, "not lost", job{run: 9}, append(accept, "--reason", "again")...)
			}
		})
	}
	w := newWorld(t, shop)
	w.wants(t, 2, "restore it where it is kept", job{run: 9}, "state", "accept", "0123456", "--reason", "x", "--store", "s3://bucket/x")
}
