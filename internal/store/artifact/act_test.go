package artifact_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sluice/internal/actions"
	protocol "sluice/internal/actions/artifact"
	"sluice/internal/actions/artifact/artifacttest"
	"sluice/internal/store/artifact"
	"sluice/internal/work"
)

// stepVariable, when set, makes the test binary a step of a workflow that act
// runs: it loads the record, saves the next generation, and says so.
const stepVariable = "SLUICE_TEST_STEP"

func TestMain(m *testing.M) {
	if os.Getenv(stepVariable) == "" {
		os.Exit(m.Run())
	}
	if err := step(context.Background()); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func step(ctx context.Context) error {
	runner := actions.New(os.Getenv, os.Stderr)
	run, err := runner.Context()
	if err != nil {
		return err
	}
	s := artifact.Open(artifact.Options{
		Run: run, GitHub: runner.GitHub, Refs: actions.Refs{run.Branch, artifacttest.DefaultBranch},
		Runs: func() (*protocol.Client, error) { return protocol.Open(os.Getenv, nil, work.Clock{}, nil) },
	})
	entries, err := s.Load(ctx, web)
	if err != nil {
		return err
	}
	loaded := entries[0].Generation
	entries[0].Generation++
	entries[0].Data = fmt.Appendf(nil, `{"run":%d}`, run.RunID)
	if _, err := s.Commit(ctx, entries...); err != nil {
		return err
	}
	fmt.Printf("run %d loaded generation %d and saved %d\n", run.RunID, loaded, entries[0].Generation)
	return nil
}

const workflow = `on: workflow_dispatch
jobs:
  one:
    runs-on: ubuntu-latest
    steps:
      - run: %[1]s
  two:
    runs-on: ubuntu-latest
    needs: one
    steps:
      - run: %[1]s
`

// TestUnderTheRealAct has act itself run two jobs, and then another run that
// finds the first one's state through the REST API.
func TestUnderTheRealAct(t *testing.T) {
	act, err := exec.LookPath("act")
	if err != nil && os.Getenv("SLUICE_E2E") == "require" {
		t.Fatal(err)
	}
	if err != nil {
		t.Skip("act is not installed")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	kept := filepath.Join(dir, "artifacts")
	write(t, filepath.Join(dir, ".github", "workflows", "w.yml"), fmt.Sprintf(workflow, self))
	git := exec.CommandContext(t.Context(), "git", "init", "-q", dir)
	if out, err := git.CombinedOutput(); err != nil {
		t.Skipf("git: %v\n%s", err, out)
	}
	rest := httptest.NewServer(artifacttest.Directory(kept))
	t.Cleanup(rest.Close)
	for id, want := range []string{"run 1 loaded generation 1 and saved 2", "run 2 loaded generation 2 and saved 3", "run 3 loaded generation 4 and saved 5"} {
		cmd := exec.CommandContext(t.Context(), act, "workflow_dispatch", "-P", "ubuntu-latest=-self-hosted", "--pull=false",
			"--artifact-server-path", kept, "--env", stepVariable+"=1",
			"--env", fmt.Sprintf("GITHUB_RUN_ID=%d", id+1), "--env", "GITHUB_API_URL="+rest.URL, "--env", "GITHUB_TOKEN=any",
			"--env", fmt.Sprintf("GITHUB_REPOSITORY_ID=%d", artifacttest.RepositoryID))
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), want) {
			t.Fatalf("%v, want %q in\n%s", err, want, bytes.TrimSpace(out))
		}
	}
	if left, err := filepath.Glob(filepath.Join(kept, "3", "*")); err != nil || len(left) != 1 {
		t.Errorf("run 3 left %v, %v", left, err)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
