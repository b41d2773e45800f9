package e2e

import (
	"archive/zip"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestCanaryWorkflow promotes a canary with `uses: ./`: one job starts it, a
// second one, which has only the state artifact, finishes it, a third one
// downloads the artifact without Sluice.
func TestCanaryWorkflow(t *testing.T) {
	t.Parallel()
	env := startSandbox(t, "testdata/canary/sluice.yaml", lastGatewayExport)
	w := workflow{
		Dir: newRepository(t, map[string]string{
			"sluice.yaml":                read(t, "testdata/canary/sluice.yaml"),
			".github/workflows/test.yml": read(t, "testdata/canary/workflow.yml"),
		}),
		File: "test.yml", Env: env, RunID: 1001, Artifacts: t.TempDir(),
	}
	stage := gateway{env}
	before := stage.get(t, "staging")

	r := w.run(t)
	r.wantJobs(t, map[string]string{"start": "success", "finish": "success", "inspect": "success"})

	started := r.target(t, "start/promote")
	if started.Status != "pending" || started.WaitingFor.Kind != "person" || started.WaitingFor.Command == "" {
		t.Errorf("after the canary's only percentage: %+v, want pending, waiting for a person, with the command that continues it", started)
	}
	if r.outputs["start/promote"]["state"] == "" || r.outputs["start/promote"]["generation"] == "" {
		t.Errorf("outputs say nothing of the state: %v", r.outputs["start/promote"])
	}
	finished := r.outputs["finish/advance"]
	if finished["status"] != "succeeded" || finished["release"] != before.DeploymentID {
		t.Errorf("advance: outputs %v, want succeeded with release %s", finished, before.DeploymentID)
	}
	if again := r.outputs["finish/again"]["status"]; again != "unchanged" {
		t.Errorf("promoting once more: status %q, want unchanged", again)
	}
	for _, step := range []string{"start/promote", "finish/advance"} {
		if s := r.summaries[step]; !strings.Contains(s, "| ") || !strings.Contains(s, "api") {
			t.Errorf("%s: the summary has no table of targets:\n%s", step, s)
		}
	}

	after := stage.get(t, "prod")
	if after.DeploymentID != before.DeploymentID || after.Canary != nil || after.Variables["sv1"] != "val2" || after.Variables["sv2"] != "val3" || after.Variables["environment"] != "production" {
		t.Errorf("production is %+v, want deployment %s without a canary, sv1=val2, sv2=val3 and its own variable", after, before.DeploymentID)
	}
	saved := w.saved(t)
	record := saved.Record
	if record.Schema != "sluice.state/v2" || record.Target != "api" || record.Release.ID != before.DeploymentID || record.Lease != "" || len(record.Rollouts) != 1 || record.Rollouts[0].Rollout.State != "SUCCEEDED" {
		t.Errorf("the state artifact says %+v, want one rollout that succeeded and no lease", record)
	}
	last := r.outputs["finish/again"]
	if last["generation"] != strconv.Itoa(saved.Generation) || !strings.Contains(finished["state"]+last["state"], saved.Digest) {
		t.Errorf("the artifact has generation %d and digest %s, outputs say %v after %v", saved.Generation, saved.Digest, last, finished)
	}
}

// target is the only member of a step's output `targets`.
func (r result) target(t *testing.T, step string) outputTarget {
	t.Helper()
	var targets []outputTarget
	if err := json.Unmarshal([]byte(r.outputs[step]["targets"]), &targets); err != nil || len(targets) != 1 {
		t.Fatalf("%s: targets %q (%v), want one\n%s", step, r.outputs[step]["targets"], err, r.readable())
	}
	return targets[0]
}

type outputTarget struct {
	Target, Stage, Platform, Status, State, Release string
	WaitingFor                                      struct{ Kind, Command string }
}

// savedState is what a person looks for in a target's state.
type savedState struct {
	Generation int
	Digest     string
	Record     struct {
		Schema, Target string
		Release        struct{ ID string }
		Lease          string
		Rollouts       []struct {
			Rollout struct{ State string }
		}
	}
}

// saved is the record of api in the only artifact that the run left.
func (w workflow) saved(t *testing.T) savedState {
	t.Helper()
	var archives []string
	err := filepath.WalkDir(w.Artifacts, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			archives = append(archives, path)
		}
		return err
	})
	if err != nil || len(archives) != 1 {
		t.Fatalf("the run left %v (%v), want one artifact", archives, err)
	}
	archive, err := zip.OpenReader(archives[0])
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	i := slices.IndexFunc(archive.File, func(f *zip.File) bool { return strings.HasSuffix(f.Name, ".json") })
	if i < 0 {
		t.Fatalf("the artifact has no JSON: %v", archive.File)
	}
	f, err := archive.File[i].Open()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	var snapshot struct {
		Entries []struct {
			Sealed struct {
				savedState
				Kind, Target string
			}
		}
	}
	if err := json.Unmarshal(data, &snapshot); err != nil {
		t.Fatalf("the artifact's snapshot: %v\n%s", err, data)
	}
	for _, e := range snapshot.Entries {
		if e.Sealed.Kind == "" && e.Sealed.Target == "api" {
			return e.Sealed.savedState
		}
	}
	t.Fatalf("the artifact has no record of api: %s", data)
	return savedState{}
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
