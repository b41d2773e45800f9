package e2e

import (
	"archive/zip"
	"encoding/json"
	"io"
	"io/fs"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sluice/internal/actions/artifact/artifacttest"
)

// TestCanaryWorkflow promotes a canary with `uses: ./`: one job starts it, a
// second one, which has only the state artifact, finishes it, a third one
// downloads the artifact without Sluice.
func TestCanaryWorkflow(t *testing.T) {
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

// TestExampleWorkflow runs the example that people copy, as a person would
// start it from the Actions tab: one run after the other, each of which finds
// what the earlier ones left among the repository's artifacts.
func TestExampleWorkflow(t *testing.T) {
	env := startSandbox(t, "testdata/canary/sluice.yaml", lastGatewayExport)
	released := gateway{env}.get(t, "dev").DeploymentID
	artifacts := t.TempDir()
	api := httptest.NewServer(artifacttest.Directory(artifacts))
	t.Cleanup(api.Close)
	env["GITHUB_API_URL"], env["GITHUB_REPOSITORY_ID"] = api.URL, strconv.FormatInt(artifacttest.RepositoryID, 10)

	w := workflow{
		Dir: newRepository(t, map[string]string{
			"sluice.yaml":                   read(t, "testdata/canary/sluice.yaml"),
			".github/workflows/promote.yml": example(t, "promote.yml", env),
		}),
		File: "promote.yml", Env: env, RunID: 2000, Artifacts: artifacts, Token: artifacttest.Token,
	}
	run := func(command, stage, target string) (result, map[string]string) {
		w.RunID++
		w.Inputs = map[string]string{"command": command, "stage": stage, "target": target}
		r := w.run(t)
		return r, r.outputs["sluice/sluice"]
	}
	for _, step := range []struct{ command, stage, status string }{
		{"promote", "staging", "succeeded"},
		{"plan", "production", "succeeded"},
		{"promote", "production", "pending"},
		{"status", "", "pending"},
		{"advance", "production", "succeeded"},
		{"promote", "production", "unchanged"},
	} {
		r, outputs := run(step.command, step.stage, "")
		r.wantJobs(t, map[string]string{"sluice": "success"})
		if outputs["status"] != step.status {
			t.Fatalf("%s to %s: status %q, want %q\n%s", step.command, step.stage, outputs["status"], step.status, r.readable())
		}
		if step.command == "advance" && outputs["release"] != released {
			t.Errorf("production got release %q, want %q, which development runs", outputs["release"], released)
		}
	}
	r, outputs := run("promote-canary", "", "api")
	r.wantJobs(t, map[string]string{"sluice": "failure"})
	if outputs["status"] != "refused" {
		t.Errorf("promote-canary where no canary stands: status %q, want refused\n%s", outputs["status"], r.readable())
	}
}

// TestMatrixWorkflow promotes six targets in four shards, a job each.
func TestMatrixWorkflow(t *testing.T) {
	env := startSandbox(t, "testdata/fleet/sluice.yaml", lastGatewayExport)
	w := workflow{
		Dir: newRepository(t, map[string]string{
			"sluice.yaml":                  read(t, "testdata/fleet/sluice.yaml"),
			".github/workflows/matrix.yml": example(t, "matrix.yml", env),
		}),
		File: "matrix.yml", Env: env, RunID: 3001, Artifacts: t.TempDir(), Inputs: map[string]string{"stage": "production"},
	}
	r := w.run(t)
	r.wantJobs(t, map[string]string{"plan": "success", "promote": "success", "collect": "success"})
	var matrix struct{ Include []struct{ Shard string } }
	if err := json.Unmarshal([]byte(r.outputs["plan/plan"]["matrix"]), &matrix); err != nil || len(matrix.Include) != 4 {
		t.Errorf("matrix %q (%v), want four shards", r.outputs["plan/plan"]["matrix"], err)
	}
	collected := r.outputs["collect/collect"]
	if collected["status"] != "succeeded" || collected["promotion"] == "" {
		t.Errorf("collect: outputs %v, want one promotion that succeeded", collected)
	}
	var targets []outputTarget
	if err := json.Unmarshal([]byte(collected["targets"]), &targets); err != nil || len(targets) != 6 {
		t.Fatalf("collect: targets %q (%v), want six", collected["targets"], err)
	}
	for _, target := range targets {
		if target.Status != "succeeded" || target.Release == "" || !strings.Contains(r.summaries["collect/collect"], target.Target) {
			t.Errorf("%+v, want it succeeded and in the summary:\n%s", target, r.summaries["collect/collect"])
		}
	}
}

// example is a workflow that people copy, with the action of this tree and, for
// the secrets, the sandbox's dummies, which every step has anyway.
func example(t *testing.T, name string, env map[string]string) string {
	t.Helper()
	return strings.NewReplacer("OWNER/sluice@v1", "./",
		"${{ secrets.AWS_ACCESS_KEY_ID }}", env["AWS_ACCESS_KEY_ID"],
		"${{ secrets.AWS_SECRET_ACCESS_KEY }}", env["AWS_SECRET_ACCESS_KEY"],
	).Replace(read(t, filepath.Join("../examples/workflows", name)))
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
