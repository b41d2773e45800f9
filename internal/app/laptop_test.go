package app_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sluice/internal/actions/artifact/artifacttest"
	"sluice/internal/app"
	"sluice/internal/store/gitref/gitreftest"

	"bytes"
)

// atDesk runs a command line outside of any workflow, with programs of which a test
// says what they answer.
func (w *world) atDesk(t *testing.T, programs map[string]string, args ...string) outcome {
	t.Helper()
	bin := t.TempDir()
	for name, script := range programs {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil { //nolint:gosec // a program
			t.Fatal(err)
		}
	}
	env := []string{"PATH=" + bin + ":/bin:/usr/bin", "GITHUB_API_URL=" + w.github.URL, "HOME=" + t.TempDir()}
	for _, kv := range w.environ(job{run: 1}) {
		if name, _, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "AWS_") {
			env = append(env, kv)
		}
	}
	var stdout, stderr bytes.Buffer
	code := app.Main(t.Context(), app.Process{Args: append(args, "--file", w.file), Stdout: &stdout, Stderr: &stderr, Environ: env})
	return outcome{code, stdout.String(), stderr.String()}
}

// TestAtADesk: the commands that read work in a clone, with any store: the repository
// is that of the remote, the token gh's.
func TestAtADesk(t *testing.T) {
	for _, store := range []string{"git", "artifact"} {
		t.Run(store, func(t *testing.T) {
			w := newWorld(t, shop)
			w.wants(t, 0, "succeeded", job{run: 7}, "promote", "--to", "production", "--target", "eu", "--store", store)
			token := map[string]string{"git": gitreftest.Token, "artifact": artifacttest.Token}[store]
			for _, address := range []string{"https://github.com/octocat/shop.git", "git@github.com:octocat/shop", "ssh://git@github.com/octocat/shop.git"} {
				programs := map[string]string{"git": "echo " + address, "gh": "echo " + token}
				for _, command := range [][]string{{"status"}, {"events"}, {"state", "show"}, {"plan", "--to", "production"}} {
					got := w.atDesk(t, programs, slices.Concat(command, []string{"--store", store})...)
					if got.code != 0 || !strings.Contains(got.stdout, "eu") || strings.Contains(got.stdout+got.stderr, token) {
						t.Errorf("%v at %s: %s", command, address, got)
					}
				}
			}
			got := w.atDesk(t, map[string]string{"git": "exit 2", "gh": "exit 1"}, "status", "--store", store)
			if got.code != 6 || !strings.Contains(got.stderr, "GITHUB_REPOSITORY") {
				t.Errorf("in no clone: %s", got)
			}
			got = w.atDesk(t, map[string]string{"git": "echo git@github.com:octocat/shop"}, "status", "--store", store)
			if got.code != 6 || !strings.Contains(got.stderr, "GITHUB_TOKEN") || !strings.Contains(got.stderr, "gh auth login") {
				t.Errorf("without a token: %s", got)
			}
		})
	}
}
