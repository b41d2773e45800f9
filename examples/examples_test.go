package examples_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/internal/app"
	"sluice/internal/work/worktest"
)

// wednesday is a working day, on which no example's freeze holds. Time passes faster
// there: the emulators take as long as the platforms do.
func wednesday() *worktest.Fast {
	return &worktest.Fast{Epoch: time.Now(), Start: time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC), Speed: 20}
}

// answer is what a test looks at in a command's document.
type answer struct {
	Status  string
	Targets []struct {
		Target, Stage, Status string
		WaitingFor            struct{ Kind string }
	}
	Error string
}

// sluice runs a command in the sandbox of the current folder.
func sluice(t *testing.T, day *worktest.Fast, args ...string) answer {
	t.Helper()
	var out, said bytes.Buffer
	code := app.Main(t.Context(), app.Process{
		Args:   append(args, "--sandbox", "--output", "json"),
		Stdout: &out, Stderr: &said, Clock: day.Clock(),
		Environ: []string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH"), "USER=hubot"},
	})
	var a answer
	if err := json.Unmarshal(out.Bytes(), &a); err != nil || code != 0 {
		t.Fatalf("sluice %s: exit %d (%v)\n%s%s", strings.Join(args, " "), code, err, out.String(), said.String())
	}
	return a
}

// goesOn is the command that a person gives next to what is pending.
func goesOn(t *testing.T, a answer) []string {
	t.Helper()
	for _, target := range a.Targets {
		if target.Status != "pending" {
			continue
		}
		switch target.WaitingFor.Kind {
		case "approval":
			return []string{"approve", "--target", target.Target}
		case "bake", "person":
			return []string{"advance", "--target", target.Target}
		case "operation", "due", "wave", "run":
			return []string{"reconcile"}
		default:
			t.Fatalf("%s waits for %+v, which no example explains", target.Target, target.WaitingFor)
		}
	}
	t.Fatalf("pending, and no target is: %+v", a)
	return nil
}

// TestExamples: every example is promoted through all of its stages in the sandbox,
// whatever it asks a person for.
func TestExamples(t *testing.T) {
	files, err := filepath.Glob("*/sluice.yaml")
	if err != nil || len(files) < 8 {
		t.Fatalf("examples %v (%v)", files, err)
	}
	for _, file := range files {
		t.Run(filepath.Dir(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			t.Chdir(t.TempDir())
			text = bytes.ReplaceAll(text, []byte("approvers: [octocat, hubot]"), []byte("self: true, approvers: ["+whoAmI(t)+"]")) // a rehearsal has one person
			if err := os.WriteFile("sluice.yaml", text, 0o600); err != nil {
				t.Fatal(err)
			}
			day := wednesday()
			stages := stagesOf(t, day)
			for _, stage := range stages[1:] {
				a := sluice(t, day, "promote", "--to", stage)
				for step := 0; a.Status == "pending" && step < 20; step++ {
					if bytes.Contains(text, []byte("analysis:")) { // no person, but looks decide
						day.Skip(10 * time.Minute)
						a = sluice(t, day, "reconcile", "--inline-wait", "0s")
						continue
					}
					a = sluice(t, day, goesOn(t, a)...)
				}
				if a.Status != "succeeded" {
					t.Fatalf("%s: %s, want it promoted: %+v", stage, a.Status, a)
				}
			}
		})
	}
}

// TestOneSandbox: whoever tries one example after the other in one folder has one
// sandbox for all of them, and no two name the same place as something else.
func TestOneSandbox(t *testing.T) {
	files, err := filepath.Glob("*/sluice.yaml")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, filepath.Dir(file)+".yaml"), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	for _, file := range files {
		name, day := filepath.Dir(file)+".yaml", wednesday()
		sluice(t, day, "plan", "--file", name, "--to", stagesOf(t, day, "--file", name)[1])
	}
}

// whoAmI is the login that approvals outside of Actions are recorded under.
func whoAmI(t *testing.T) string {
	t.Helper()
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	return me.Username
}

// stagesOf are the stages of the pipeline in the current folder, in their order.
func stagesOf(t *testing.T, day *worktest.Fast, flags ...string) []string {
	t.Helper()
	var stages []string
	for _, target := range sluice(t, day, append([]string{"status", "--all"}, flags...)...).Targets {
		if !slices.Contains(stages, target.Stage) {
			stages = append(stages, target.Stage)
		}
	}
	if len(stages) < 2 {
		t.Fatalf("only the stages %v", stages)
	}
	return stages
}

// TestRehearse: every example is rehearsed to its end, without a wait.
func TestRehearse(t *testing.T) {
	files, err := filepath.Glob("*/sluice.yaml")
	if err != nil || len(files) < 10 {
		t.Fatalf("%v: %v", files, err)
	}
	for _, file := range files {
		if strings.HasPrefix(file, "fleet") {
			continue // a thousand apps: the other tests have them promoted
		}
		t.Run(filepath.Dir(file), func(t *testing.T) {
			var out, said bytes.Buffer
			code := app.Main(t.Context(), app.Process{Args: []string{"rehearse", "--file", file, "--output", "json"}, Stdout: &out, Stderr: &said})
			var told struct {
				Rehearsal struct {
					Open bool
					Ends []struct{ Target, State, Why string }
				}
			}
			if err := json.Unmarshal(out.Bytes(), &told); err != nil || code != 0 || told.Rehearsal.Open || len(told.Rehearsal.Ends) == 0 {
				t.Fatalf("exit %d (%v)\n%s%s", code, err, out.String(), said.String())
			}
			for _, end := range told.Rehearsal.Ends {
				if end.State != "SUCCEEDED" {
					t.Errorf("%s ends %s: %s", end.Target, end.State, end.Why)
				}
			}
		})
	}
}
