package clouddeploy_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	api "google.golang.org/api/clouddeploy/v1"
)

// gcloud runs the unmodified CLI; what it says where it fails is the refusal.
// Without it the test is skipped, or fails where the end-to-end tools are
// required (SLUICE_E2E=require).
func gcloud(b *bench, into any, args ...string) (refusal string) {
	b.Helper()
	program, err := exec.LookPath("gcloud")
	if err != nil {
		if os.Getenv("SLUICE_E2E") == "require" {
			b.Fatal("SLUICE_E2E=require, but there is no gcloud: install the package google-cloud-cli")
		}
		b.Skip("no gcloud: install the package google-cloud-cli to drive the emulator with it")
	}
	args = append(args, "--project=shop-1234", "--region=europe-west1", "--delivery-pipeline=shop", "--format=json", "--quiet")
	cmd := exec.CommandContext(b.Context(), program, append([]string{"deploy"}, args...)...)
	cmd.Env = append(os.Environ(), "CLOUDSDK_CONFIG="+b.TempDir(), "CLOUDSDK_CORE_DISABLE_PROMPTS=1", "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK=1")
	for name, value := range b.server.Env() {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	if err := cmd.Run(); err != nil {
		return complaints.String()
	}
	if into != nil {
		if err := json.Unmarshal(out.Bytes(), into); err != nil {
			b.Fatalf("gcloud deploy %s printed %q: %v", strings.Join(args, " "), out.String(), err)
		}
	}
	return ""
}

// TestGcloud drives a promotion, its advance and its rollback with Google's own
// CLI, which checks answers by its own types.
func TestGcloud(t *testing.T) {
	if testing.Short() {
		t.Skip("gcloud takes seconds to start")
	}
	b := newBench(t)
	var made api.Rollout
	if refused := gcloud(b, &made, "releases", "promote", "--release=release-003", "--to-target=prod", "--rollout-id=r1"); refused != "" {
		t.Fatal(refused)
	}
	if made.State != "IN_PROGRESS" || made.TargetId != "prod" {
		t.Errorf("%+v", made)
	}
	if refused := gcloud(b, nil, "rollouts", "approve", "r1", "--release=release-003"); !strings.Contains(refused, "PENDING_APPROVAL") {
		t.Errorf("an approval out of place: %q", refused)
	}
	b.clock.Move(time.Minute)
	var all []api.Rollout
	if refused := gcloud(b, &all, "rollouts", "list", "--release=release-003"); refused != "" || len(all) != 1 || all[0].State != "SUCCEEDED" {
		t.Errorf("%s %+v", refused, all)
	}
	if refused := gcloud(b, nil, "targets", "rollback", "prod"); refused != "" {
		t.Error(refused)
	}
	b.clock.Move(time.Minute)
	b.want(shop+"/releases/release-001/rollouts/release-001-to-prod-0002", "SUCCEEDED")
}
