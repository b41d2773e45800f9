package main_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// TestChanges: every change says what kind it is, as .changes/README.md has it; a
// release sorts its notes by that.
func TestChanges(t *testing.T) {
	files, err := filepath.Glob(".changes/unreleased/*.md")
	if err != nil {
		t.Fatal(err)
	}
	kind := regexp.MustCompile(`^(Added|Changed|Fixed|Removed|Security): \S`)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !kind.Match(text) {
			t.Errorf("%s: begin the first line with Added:, Changed:, Fixed:, Removed: or Security:", file)
		}
	}
}
