package sandbox_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice/internal/sandbox"
	"sluice/pipeline"
)

func TestUnreadableStateIsNotEmpty(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "counters.json")
	if err := os.WriteFile(file, []byte("{half"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := sandbox.Start(t.Context(), sandbox.Options{
		Dir: dir, Emulators: []sandbox.Emulator{newCounters()}, Pipelines: []*pipeline.Pipeline{two(t)},
	})
	if err == nil || !strings.Contains(err.Error(), "remove the file to start anew") || !strings.Contains(err.Error(), file) {
		t.Errorf("Start: %v, want it to name the file and the remedy", err)
	}
	if left, err := os.ReadFile(file); err != nil || string(left) != "{half" {
		t.Errorf("the file is now %q, %v", left, err)
	}
}

func TestStateThatBreaksWhileServing(t *testing.T) {
	dir := t.TempDir()
	s := start(t, sandbox.Options{Dir: dir})
	if err := os.WriteFile(filepath.Join(dir, "counters.json"), []byte("{half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if status, body := call(t, s, "POST", "web"); status != 500 || !strings.Contains(body, "not readable") {
		t.Errorf("answered %d %q", status, body)
	}
	if len(s.Effects()) != 0 {
		t.Errorf("effects: %v, want none", s.Effects())
	}
}

func TestStateThatCannotBeSaved(t *testing.T) {
	dir := t.TempDir()
	s := start(t, sandbox.Options{Dir: dir})
	// A folder stands where the next state would be written.
	if err := os.Mkdir(filepath.Join(dir, "counters.json.next"), 0o700); err != nil {
		t.Fatal(err)
	}
	if status, body := call(t, s, "POST", "web"); status != 500 || !strings.Contains(body, "saving state") {
		t.Errorf("answered %d %q: success before the state was kept", status, body)
	}
	if len(s.Effects()) != 0 {
		t.Errorf("effects: %v, want none", s.Effects())
	}
	if _, body := call(t, s, "GET", "web"); body != "100" {
		t.Errorf("web stands at %s, want 100: what was not kept did not happen", body)
	}
}

func TestNothingIsKeptWithoutAFolder(t *testing.T) {
	t.Chdir(t.TempDir())
	call(t, start(t, sandbox.Options{}), "POST", "web")
	files, err := os.ReadDir(".")
	if err != nil || len(files) != 0 {
		t.Errorf("left %v, %v", files, err)
	}
	if _, body := call(t, start(t, sandbox.Options{}), "GET", "web"); body != "100" {
		t.Errorf("a new server sees %s, want the seeded 100", body)
	}
}

// TestReadsAreNotSaved: what changes nothing costs nothing, however much there is; what
// another process changed is seen all the same.
func TestReadsAreNotSaved(t *testing.T) {
	dir := t.TempDir()
	one, other := start(t, sandbox.Options{Dir: dir}), start(t, sandbox.Options{Dir: dir})
	before, err := os.Stat(filepath.Join(dir, "counters.json"))
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		call(t, one, "GET", "web")
	}
	after, err := os.Stat(filepath.Join(dir, "counters.json"))
	if err != nil || !os.SameFile(before, after) {
		t.Errorf("reading saved the state anew: %v", err)
	}
	call(t, other, "POST", "web")
	if _, body := call(t, one, "GET", "web"); body != "101" {
		t.Errorf("web stands at %s, want what the other process made of it", body)
	}
}
