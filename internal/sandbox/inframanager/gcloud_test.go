package inframanager_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"sluice/internal/sandbox/inframanager"
)

// TestGcloud previews, applies and locks with Google's own CLI, which checks answers
// by its own types.
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
	b := benchOf(t, func(e *inframanager.Emulator) { e.Step = 0 }) // gcloud waits by the machine's clock, and this one stands
	// Before it applies, gcloud looks for objects that it staged itself: it never did.
	storage := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusNotFound)
		w.Write([]byte(`{"error":{"code":404,"message":"The specified bucket does not exist.","errors":[{"reason":"notFound"}]}}`)) //nolint:errcheck // the client went away
	}))
	defer storage.Close()
	gcloud := func(args ...string) string {
		args = append([]string{"infra-manager"}, append(args, "--project=shop-1234", "--format=json", "--quiet")...)
		cmd := exec.CommandContext(t.Context(), program, args...)
		cmd.Env = append(os.Environ(), "CLOUDSDK_CONFIG="+t.TempDir(), "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK=1", "CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE="+storage.URL+"/storage/v1/")
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
	const prod = location + "/deployments/prod"
	account := "--service-account=projects/shop-1234/serviceAccounts/terraform@shop-1234.iam.gserviceaccount.com"
	if said := gcloud("previews", "create", location+"/previews/one", "--deployment="+prod, account, "--gcs-source=gs://blueprints/new.zip#7"); !strings.Contains(said, "SUCCEEDED") {
		t.Error(said)
	}
	gcloud("deployments", "apply", prod, account, "--gcs-source=gs://blueprints/new.zip#7", "--input-values=environment=prod")
	if d := b.deployment("prod"); d.State != "ACTIVE" || d.TerraformBlueprint.GcsSource != "gs://blueprints/new.zip#7" || !strings.HasSuffix(d.LatestRevision, "/r-1") {
		t.Errorf("%+v", d)
	}
	if said := gcloud("revisions", "list", "--deployment="+prod); !strings.Contains(said, "APPLIED") || !strings.Contains(said, "r-1") {
		t.Error(said)
	}
	gcloud("deployments", "lock", prod)
	if said := gcloud("deployments", "export-lock", prod); !strings.Contains(said, "sandbox@example.com") {
		t.Error(said)
	}
}
