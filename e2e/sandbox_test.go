package e2e

import (
	"bufio"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// startSandbox serves the platforms that the pipeline file uses, until the test
// ends, and returns what `sluice sandbox` says to export. The exports are sorted;
// last is the one that nothing follows.
func startSandbox(t *testing.T, file, last string, args ...string) map[string]string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sluice", append([]string{"sandbox", "--file", absolute(t, file)}, args...)...)
	cmd.Dir, cmd.Env = t.TempDir(), environ(nil)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() }) // t.Context is done by now: the process was told to stop
	env := readExports(bufio.NewScanner(stdout), last)
	if _, ok := env[last]; !ok {
		t.Fatalf("sluice sandbox exported %v, without %s", env, last)
	}
	return env
}

// readExports reads `export NAME=value` lines up to the last one.
func readExports(lines *bufio.Scanner, last string) map[string]string {
	env := map[string]string{}
	for lines.Scan() {
		assignment, _ := strings.CutPrefix(lines.Text(), "export ")
		name, value, _ := strings.Cut(assignment, "=")
		env[name] = value
		if name == last {
			break
		}
	}
	return env
}
