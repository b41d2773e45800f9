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
// ends, and returns what `sluice sandbox` says to export.
func startSandbox(t *testing.T, file string) map[string]string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sluice", "sandbox", "--file", absolute(t, file))
	cmd.Dir, cmd.Env = t.TempDir(), environ(nil)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() }) // t.Context is done by now: the process was told to stop
	env := readExports(bufio.NewScanner(stdout))
	if len(env) == 0 {
		t.Fatalf("sluice sandbox printed no export line\n%s", stderr.String())
	}
	return env
}

// readExports reads `export NAME=value` lines up to the first other one.
func readExports(lines *bufio.Scanner) map[string]string {
	env := map[string]string{}
	for lines.Scan() {
		assignment, ok := strings.CutPrefix(lines.Text(), "export ")
		if !ok {
			break
		}
		name, value, _ := strings.Cut(assignment, "=")
		env[name] = strings.Trim(value, `'"`)
	}
	return env
}
