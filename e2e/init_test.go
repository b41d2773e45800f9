package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"sluice/internal/app"
	"sluice/stages/all"
)

// TestInit: the workflows that `sluice init` writes on each platform pass actionlint.
func TestInit(t *testing.T) {
	needProgram(t, "actionlint")
	for _, p := range all.Platforms() {
		if p.Facts.Finds.What == "" {
			continue // nothing can be found there
		}
		t.Run(p.Facts.Platform, func(t *testing.T) {
			dir := t.TempDir()
			t.Chdir(dir)
			if err := os.Mkdir(filepath.Join(dir, ".git"), 0o700); err != nil {
				t.Fatal(err)
			}
			var said bytes.Buffer
			code := app.Main(t.Context(), app.Process{Args: []string{"init", p.Facts.Platform, p.Facts.Finds.Example, "--sandbox"}, Stdout: &said, Stderr: &said})
			if code != 0 {
				t.Fatalf("exit %d: %s", code, &said)
			}
			lint := exec.CommandContext(t.Context(), "actionlint", "-shellcheck=", "-pyflakes=")
			lint.Dir = dir
			if out, err := lint.CombinedOutput(); err != nil {
				t.Errorf("actionlint: %v\n%s", err, out)
			}
		})
	}
}
