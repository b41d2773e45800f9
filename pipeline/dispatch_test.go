package pipeline_test

import (
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"sluice/pipeline"
)

// TestDispatches: of the example workflows those are found that a command is given to.
func TestDispatches(t *testing.T) {
	dir := fstest.MapFS{
		".github/workflows/broken.yml": {Data: []byte("on: [")}, ".github/workflows/list.yml": {Data: []byte("on: [push, workflow_dispatch]")},
		".github/workflows/notes.txt": {Data: []byte("on: {workflow_dispatch: {inputs: {command: {}}}}")},
		".github/workflows/any.yaml":  {Data: []byte("on: {workflow_dispatch: {inputs: {command: {required: true}}}}")},
	}
	files, err := filepath.Glob("../examples/workflows/*.yml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		dir[".github/workflows/"+filepath.Base(file)] = &fstest.MapFile{Data: text}
	}
	found := map[string]pipeline.Dispatch{}
	for _, d := range pipeline.Dispatches(dir) {
		found[d.File] = d
	}
	if len(found) != 4 {
		t.Errorf("found %v", found)
	}
	for _, want := range []struct {
		file, input, value string
		takes              bool
	}{
		{"decide.yml", "command", "approve", true}, {"decide.yml", "command", "rollback", false}, {"decide.yml", "target", "anything", true},
		{"decide.yml", "job", "deploy", false}, {"back.yml", "command", "rollback", true}, {"any.yaml", "command", "whatever", true},
	} {
		if got := found[want.file].Takes(want.input, want.value); got != want.takes {
			t.Errorf("%s takes %s %s: %t", want.file, want.input, want.value, got)
		}
	}
	if !found["decide.yml"].Inputs["reason"].Required {
		t.Error("decide.yml wants a reason")
	}
}
