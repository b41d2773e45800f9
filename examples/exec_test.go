package examples_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sluice/internal/app"
)

// real runs a command that starts programs, with one more variable. They have the
// machine's time; between them a minute is over in three seconds.
func real(t *testing.T, path, variable string, args ...string) (int, string) {
	t.Helper()
	var out bytes.Buffer
	code := app.Main(t.Context(), app.Process{
		Args: args, Stdout: &out, Stderr: &out, Clock: wednesday().Clock(),
		Environ: []string{"HOME=" + t.TempDir(), "PATH=" + path, "USER=hubot", variable},
	})
	return code, out.String()
}

// needs skips a test where a program is missing, and fails it where all must be there.
func needs(t *testing.T, programs ...string) {
	t.Helper()
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			if os.Getenv("SLUICE_E2E") == "require" {
				t.Fatal(err)
			}
			t.Skip(err)
		}
	}
}

// python is the interpreter itself: what finds it may take longer than it does.
func python(t *testing.T) string {
	t.Helper()
	needs(t, "python3")
	out, err := exec.CommandContext(t.Context(), "python3", "-c", "import sys; print(sys.executable)").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// conforms runs the cases against an example and returns those that passed.
func conforms(t *testing.T, path, variable string, args ...string) []string {
	t.Helper()
	code, out := real(t, path, variable, append([]string{"conform"}, args...)...)
	var passed []string
	for line := range strings.Lines(out) {
		if name, ok := strings.CutPrefix(line, "passed"); ok {
			passed = append(passed, strings.TrimSpace(name))
		}
	}
	if code != 0 || strings.Contains(out, "failed  ") {
		t.Fatalf("exit %d\n%s", code, out)
	}
	return passed
}

// TestFileConforms: the example in Python passes what can be brought about from outside.
func TestFileConforms(t *testing.T) {
	interpreter := python(t)
	// It is started 600 times: without what is installed beside Python, in half the time.
	passed := conforms(t, os.Getenv("PATH"), "", "--", interpreter, "-I", "-S", "exec/file.py")
	for _, want := range []string{"Current", "LiveShares", "NothingRuns", "Foreign", "ForeignWhileLost", "deploy/AnswerLost", "weight/Dropped", "stable/OneEffect", "rollback/NeverSent"} {
		if !slices.Contains(passed, want) {
			t.Errorf("%s did not pass: %v", want, passed)
		}
	}
}

// endToEnd skips a test that starts a thousand programs unless the end-to-end tests are
// asked for.
func endToEnd(t *testing.T) {
	t.Helper()
	if os.Getenv("SLUICE_E2E") == "" {
		t.Skip("only with SLUICE_E2E")
	}
}

// TestFlawedFile: a program whose state changes by itself does not pass.
func TestFlawedFile(t *testing.T) {
	endToEnd(t)
	interpreter := python(t)
	text, err := os.ReadFile("exec/file.py")
	if err != nil {
		t.Fatal(err)
	}
	flawed := strings.Replace(string(text), `"state": place,`, `"state": os.getpid(),`, 1)
	path := filepath.Join(t.TempDir(), "flawed.py")
	if err := os.WriteFile(path, []byte(flawed), 0o600); err != nil || flawed == string(text) {
		t.Fatal(err)
	}
	code, out := real(t, os.Getenv("PATH"), "", "conform", "--", interpreter, "-I", "-S", path)
	if code != 1 || !strings.Contains(out, "failed  deploy/NeverSent") {
		t.Errorf("a state that changes by itself: exit %d\n%s", code, out)
	}
}

// cluster is a folder that the imitated kubectl takes for a cluster.
func cluster(t *testing.T) (path, variable, dir string) {
	t.Helper()
	needs(t, "jq", "sh")
	dir = t.TempDir()
	for name, digit := range map[string]string{"staging.web": "2", "production.web": "1"} {
		deployment := fmt.Sprintf(`{"metadata": {"generation": 1, "annotations": {"deployment.kubernetes.io/revision": "1"}},
			"spec": {"replicas": 2, "template": {"spec": {"containers": [{"image": %q}]}}},
			"status": {"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}}`, image(digit))
		if err := os.WriteFile(filepath.Join(dir, name+".json"), []byte(deployment), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	fakes, err := filepath.Abs("testdata/kubernetes")
	if err != nil {
		t.Fatal(err)
	}
	return fakes + string(os.PathListSeparator) + os.Getenv("PATH"), "KUBECONFIG=" + dir, dir
}

// hasty is the example in shell for a cluster that does everything at once.
func hasty(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("exec/kubectl.sh")
	if err != nil {
		t.Fatal(err)
	}
	for _, wait := range []string{`"5s"`, `\"5s\"`, `"2s"`} {
		if !bytes.Contains(text, []byte(wait)) {
			t.Fatalf("the example does not wait for %s any more", wait)
		}
		text = bytes.ReplaceAll(text, []byte(wait), []byte(strings.NewReplacer("5", "0", "2", "0").Replace(wait)))
	}
	path := filepath.Join(t.TempDir(), "kubectl.sh")
	if err := os.WriteFile(path, text, 0o700); err != nil { //nolint:gosec // it is to be started
		t.Fatal(err)
	}
	return path
}

func image(digit string) string {
	return "registry.example/web@sha256:" + strings.Repeat(digit, 64)
}

// TestKubectlConforms: the example in shell passes, on a place that --trial names.
func TestKubectlConforms(t *testing.T) {
	endToEnd(t)
	path, variable, _ := cluster(t)
	trial := filepath.Join(t.TempDir(), "trial.json")
	places := `{"source": "staging/web", "target": "production/web", "unknown": "production/gone", "other": "` + image("3") + `", "environment": ["KUBECONFIG"]}`
	if err := os.WriteFile(trial, []byte(places), 0o600); err != nil {
		t.Fatal(err)
	}
	passed := conforms(t, path, variable, "--trial", trial, hasty(t))
	for _, want := range []string{"Resolve", "UnknownResource", "Foreign", "ForeignWhileLost", "deploy/OneEffect", "deploy/AnswerLost", "rollback/Dropped"} {
		if !slices.Contains(passed, want) {
			t.Errorf("%s did not pass: %v", want, passed)
		}
	}
}

// TestKubectlPromotes: programs are started, and what one of them runs travels and is taken
// back again.
func TestKubectlPromotes(t *testing.T) {
	path, variable, dir := cluster(t)
	text, err := os.ReadFile("exec/sluice.yaml")
	if err != nil {
		t.Fatal(err)
	}
	driver := hasty(t)
	text = bytes.ReplaceAll(text, []byte("./examples/exec/kubectl.sh"), []byte(driver))
	t.Chdir(t.TempDir())
	if err := os.WriteFile("sluice.yaml", text, 0o600); err != nil {
		t.Fatal(err)
	}
	runs := func() string {
		out, err := os.ReadFile(filepath.Join(dir, "production.web.json"))
		var deployment struct {
			Spec struct {
				Template struct {
					Spec struct{ Containers []struct{ Image string } }
				}
			}
		}
		if err == nil {
			err = json.Unmarshal(out, &deployment)
		}
		if err != nil {
			t.Fatal(err)
		}
		return deployment.Spec.Template.Spec.Containers[0].Image
	}
	for _, step := range []struct {
		args []string
		runs string
	}{
		{[]string{"promote", "--to", "production", "--target", "web"}, image("2")},
		{[]string{"rollback", "--target", "web", "--reason", "it is slow"}, image("1")},
	} {
		code, out := real(t, path, variable, append(step.args, "--store", "file:state")...)
		if code != 0 || runs() != step.runs {
			t.Fatalf("%v: exit %d, and it runs %s\n%s", step.args, code, runs(), out)
		}
	}
	if patches, err := os.ReadFile(filepath.Join(dir, "patches")); err != nil || strings.Count(string(patches), "changed") != 2 {
		t.Errorf("%q (%v), want two changes", patches, err)
	}
}
