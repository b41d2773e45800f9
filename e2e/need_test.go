package e2e

import (
	"bytes"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
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

// serve starts a program that listens on host, and waits until it answers a GET of
// health. Its folder is a temporary one; it is stopped when the test ends.
func serve(t *testing.T, health string, env []string, argv ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), env...)
	said := &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may be over
		_ = cmd.Wait()         // as killed
		if t.Failed() {
			t.Logf("%s said:\n%.4000s", argv[0], said)
		}
	})
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		resp, err := http.Get(health) //nolint:gosec,noctx // on loopback
		if err == nil {
			resp.Body.Close() //nolint:errcheck // it was only asked
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		if time.Now().After(end) {
			t.Fatalf("%s is not ready", argv[0])
		}
	}
}

// freeHost is an address on loopback that nothing listens on.
func freeHost(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	return listener.Addr().String()
}
