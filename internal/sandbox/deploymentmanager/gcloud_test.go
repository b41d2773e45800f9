package deploymentmanager_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestGcloud previews an update with Google's own CLI, which checks answers by
// its own types, and deploys it.
func TestGcloud(t *testing.T) {
	if testing.Short() {
		t.Skip("gcloud takes seconds to start")
	}
	program, err := exec.LookPath("gcloud")
	if err != nil {
		if os.Getenv("SLUICE_E2E") == "require" {
			t.Fatal("SLUICE_E2E=require, but there is no gcloud: install the package google-cloud-cli")
		}
		t.Skip("no gcloud: install the package google-cloud-cli to drive the emulator with it")
	}
	b := newSlowBench(t, 0) // gcloud waits by the machine's clock, and this one stands
	gcloud := func(args ...string) string {
		args = append([]string{"deployment-manager"}, append(args, "--project=shop-1234", "--format=json", "--quiet")...)
		cmd := exec.CommandContext(t.Context(), program, args...)
		cmd.Env = append(os.Environ(), "CLOUDSDK_CONFIG="+t.TempDir(), "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK=1")
		for name, value := range b.server.Env() {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
		var said bytes.Buffer
		cmd.Stdout, cmd.Stderr = &said, &said
		if err := cmd.Run(); err != nil {
			t.Fatalf("gcloud %s: %v: %s", strings.Join(args, " "), err, said.String())
		}
		return said.String()
	}
	file := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(file, []byte("resources: []\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if said := gcloud("deployments", "update", "prod", "--config="+file, "--preview"); strings.Contains(said, "ERROR") {
		t.Error(said)
	}
	gcloud("deployments", "update", "prod")
	b.clock.Move(time.Second)
	if got := b.manifest("prod").Config.Content; got != "resources: []\n" {
		t.Errorf("it runs %q", got)
	}
	if said := gcloud("deployments", "describe", "prod"); !strings.Contains(said, `"update"`) || !strings.Contains(said, "DONE") {
		t.Error(said)
	}
}
