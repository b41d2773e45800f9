package sandboxtest

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"

	"sluice/internal/sandbox"
)

// AWS runs a command of the unmodified aws CLI against a server. endpoint is the
// variable of the server's environment that holds the service's address: it is given
// by hand, because older CLIs do not know it. The answer is read into a value, where
// that is not nil; refusal is what the CLI says where it fails. Without the CLI the
// test is skipped, or fails where the end-to-end tools are required
// (SLUICE_E2E=require).
func AWS(t *testing.T, s *sandbox.Server, endpoint string, into any, args ...string) (refusal string) {
	t.Helper()
	program, err := exec.LookPath("aws")
	if err != nil {
		if os.Getenv("SLUICE_E2E") == "require" {
			t.Fatal("SLUICE_E2E=require, but there is no aws CLI: install the package awscli")
		}
		t.Skip("no aws CLI: install the package awscli to drive the emulator with it")
	}
	cmd := exec.CommandContext(t.Context(), program, append(args, "--endpoint-url", s.Env()[endpoint], "--output", "json")...)
	cmd.Env = append(os.Environ(), "AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull, "AWS_PAGER=", "AWS_MAX_ATTEMPTS=1")
	for name, value := range s.Env() {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	if err := cmd.Run(); err != nil {
		return complaints.String()
	}
	if into != nil {
		if err := json.Unmarshal(out.Bytes(), into); err != nil {
			t.Fatalf("aws %s printed %q: %v", strings.Join(args, " "), out.String(), err)
		}
	}
	return ""
}
