package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const root = "../.."

// laid is a platform that is begun, laid over this tree for Go's tools alone: a
// file of its own for each, edited, and named in what -overlay takes.
func laid(t *testing.T, name string, edit *strings.Replacer) (overlay string) {
	t.Helper()
	files, err := begin(root, name)
	if err != nil {
		t.Fatal(err)
	}
	replace := map[string]string{}
	dir := t.TempDir()
	for path, content := range files {
		at := filepath.Join(dir, strings.ReplaceAll(path, "/", "_"))
		if edit != nil {
			content = []byte(edit.Replace(string(content)))
		}
		if err := os.WriteFile(at, content, 0o600); err != nil {
			t.Fatal(err)
		}
		abs, err := filepath.Abs(filepath.Join(root, path))
		if err != nil {
			t.Fatal(err)
		}
		replace[abs] = at
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	overlay = filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlay, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return overlay
}

// tool runs one of Go's tools in the tree.
func tool(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// suite runs the tests of a package that is only laid over the tree, and returns what
// they say.
func suite(t *testing.T, overlay, folder string) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "suite")
	tool(t, "test", "-c", "-vet=off", "-overlay", overlay, "-o", binary, "./"+folder)
	cmd := exec.CommandContext(t.Context(), binary, "-test.run=TestConformance")
	cmd.Dir = t.TempDir()
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Fatalf("%s: what is not written passes:\n%s", folder, out)
	}
	return string(out)
}

// TestScaffold: what is begun compiles with all that lists it, and its suites fail at what
// is to be written, by name: the emulator first, then the driver.
func TestScaffold(t *testing.T) {
	overlay := laid(t, "newcomer", nil)
	tool(t, "build", "-overlay", overlay, "./stages/all", "./internal/sandbox/all")
	for _, folder := range []string{"internal/sandbox/newcomer", "stages/newcomer"} {
		if out := suite(t, overlay, folder); !strings.Contains(out, "internal/sandbox/newcomer/emulator.go: Seed is not written yet") {
			t.Errorf("%s does not say what comes first:\n%s", folder, out)
		}
	}
	seeded := strings.NewReplacer(`r0 = notWritten("Seed")`, "")
	out := suite(t, laid(t, "newcomer", seeded), "stages/newcomer")
	for _, want := range []string{"stages/newcomer/driver.go: Live is not written yet", "TestConformance/deploy/AnswerLost", "TestConformance/rollback/OneEffect"} {
		if !strings.Contains(out, want) {
			t.Errorf("the suite does not say %q:\n%s", want, out)
		}
	}
}

// TestRefused: nothing is begun twice, or under a name that Go does not take.
func TestRefused(t *testing.T) {
	for name, want := range map[string]string{"heroku": "is there already", "Fly": "is no name", "fly-io": "is no name", "": "is no name"} {
		if _, err := begin(root, name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", name, err, want)
		}
	}
}
