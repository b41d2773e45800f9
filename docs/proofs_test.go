package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestPromisesHaveProofs: each promise of the design is named with the tests that prove
// it, and each defence of the threat model; those tests exist.
func TestPromisesHaveProofs(t *testing.T) {
	promises := section(read(t, "design.md"), "## 2. Guarantees")
	held(t, titles(promises), proofs(read(t, "guarantees.md"), "## What proves each promise"))
	model := read(t, "../THREAT_MODEL.md")
	held(t, titles(section(model, "## What could be tried")), proofs(model, "## What proves each defence"))
}

// section is what stands below a heading.
func section(text, heading string) string {
	_, rest, _ := strings.Cut(text, "\n"+heading+"\n")
	inside, _, _ := strings.Cut(rest, "\n## ")
	return inside
}

// titles are what begins paragraphs and points in bold.
func titles(text string) []string {
	var list []string
	for _, m := range regexp.MustCompile(`(?m)^(?:\d+\. )?\*\*([^*]+?)\.?\*\*`).FindAllStringSubmatch(text, -1) {
		list = append(list, m[1])
	}
	return list
}

// proofs are the tests that a table names, by what its rows begin with.
func proofs(text, heading string) map[string][]string {
	table := map[string][]string{}
	for _, row := range regexp.MustCompile(`(?m)^\| ([^|]+?)\.? \| ([^|]+) \|`).FindAllStringSubmatch(section(text, heading), -1) {
		for _, m := range regexp.MustCompile("`([a-z0-9/]+\\.Test\\w+)`").FindAllStringSubmatch(row[2], -1) {
			table[row[1]] = append(table[row[1]], m[1])
		}
	}
	return table
}

// held checks that each title has a row, each row a title, and each test a place.
func held(t *testing.T, titles []string, table map[string][]string) {
	t.Helper()
	if len(titles) < 8 {
		t.Fatalf("only %q are promised", titles)
	}
	known := map[string]bool{}
	for _, title := range titles {
		known[title] = true
		if len(table[title]) == 0 {
			t.Errorf("%s: no test is named that proves it", title)
		}
	}
	for title, tests := range table {
		if !known[title] {
			t.Errorf("%s: it is proved, and nobody promises it", title)
		}
		for _, name := range tests {
			if !exists(t, name) {
				t.Errorf("%s: there is no test %s", title, name)
			}
		}
	}
}

// exists reports whether a package has a test, named as PACKAGE.TEST.
func exists(t *testing.T, name string) bool {
	t.Helper()
	dir, test, _ := strings.Cut(name, ".")
	files, err := filepath.Glob(filepath.Join("..", filepath.FromSlash(dir), "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "\nfunc "+test+"(") {
			return true
		}
	}
	return false
}
