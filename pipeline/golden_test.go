package pipeline_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"sluice/pipeline"
	"sluice/stages/all"
	"sluice/stages/driver"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing them")

// platforms is the facts that the golden files are parsed with.
func platforms(t testing.TB) []driver.Facts {
	t.Helper()
	data, err := os.ReadFile("../testdata/platforms.json")
	if err != nil {
		t.Fatal(err)
	}
	var facts []driver.Facts
	if err := json.Unmarshal(data, &facts); err != nil {
		t.Fatal(err)
	}
	return facts
}

// files lists what a pattern matches, and fails where that is nothing.
func files(t testing.TB, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil || len(found) == 0 {
		t.Fatalf("no file matches %s (%v)", pattern, err)
	}
	return found
}

// golden compares got with a file, or writes the file.
func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; run the test with -update to write it", err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; run the test with -update and look at the difference\ngot:\n%s\nwant:\n%s", file, got, want)
	}
}

func read(t testing.TB, file string) []byte {
	t.Helper()
	src, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func TestGoodFiles(t *testing.T) {
	for _, file := range append(files(t, "../testdata/ok/*.yaml"), files(t, "../testdata/examples/*.yaml")...) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			p, problems := pipeline.Parse(filepath.Base(file), read(t, file), platforms(t))
			if p == nil {
				t.Fatalf("does not parse:\n%s", pipeline.Format(problems))
			}
			summary, err := json.MarshalIndent(summarize(p, problems), "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden(t, file[:len(file)-len(".yaml")]+".out", append(summary, '\n'))
		})
	}
}

func TestBadFiles(t *testing.T) {
	for _, file := range files(t, "../testdata/err/*.yaml") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			p, problems := pipeline.Parse(filepath.Base(file), read(t, file), platforms(t))
			if p != nil {
				t.Errorf("parses, with %d warnings", len(problems))
			}
			golden(t, file[:len(file)-len(".yaml")]+".out", []byte(pipeline.Format(problems)))
		})
	}
}

// TestExamples parses what a stranger copies first.
func TestExamples(t *testing.T) {
	var known []driver.Facts
	for _, p := range all.Platforms() {
		known = append(known, p.Facts)
	}
	for _, file := range files(t, "../examples/*/sluice.yaml") {
		_, problems := pipeline.Parse(file, read(t, file), known)
		problems = slices.DeleteFunc(problems, func(p pipeline.Problem) bool { return p.Note })
		if len(problems) > 0 {
			t.Errorf("%s has problems:\n%s", file, pipeline.Format(problems))
		}
	}
}
