package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// lack skips the test, or fails it where nothing may be missing.
func lack(t *testing.T, reason string) {
	t.Helper()
	if os.Getenv("SLUICE_E2E") == "require" {
		t.Fatalf("%s, and SLUICE_E2E=require allows no skipping", reason)
	}
	t.Skip(reason + "; .ci/run installs and starts what this test needs")
}

// needProgram skips the test where a program is not installed.
func needProgram(t *testing.T, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		lack(t, name+" is not installed")
	}
}

// needVar returns an environment variable that .ci/run sets.
func needVar(t *testing.T, name string) string {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		lack(t, name+" is not set")
	}
	return value
}

// absolute is a path that a process in another folder can open.
func absolute(t *testing.T, path string) string {
	t.Helper()
	abs, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return abs
}
