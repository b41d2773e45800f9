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
	cmd.Stderr = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() }) // t.Context is done by now: the process was told to stop
	env := readExports(bufio.NewScanner(stdout))
	if _, ok := env[lastExport]; !ok {
		t.Fatalf("sluice sandbox exported %v, without %s", env, lastExport)
	}
	return env
}

// lastExport is the last of the variables that API Gateway's clients need: the
// exports are sorted, and nothing follows them.
const lastExport = "AWS_SESSION_TOKEN"

// readExports reads `export NAME=value` lines up to the last one.
func readExports(lines *bufio.Scanner) map[string]string {
	env := map[string]string{}
	for lines.Scan() {
		assignment, _ := strings.CutPrefix(lines.Text(), "export ")
		name, value, _ := strings.Cut(assignment, "=")
		env[name] = value
		if name == lastExport {
			break
		}
	}
	return env
}
