package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

const digest = "@sha256:0f063af2d465d8dcae54cce04278ada488b96f77b42449c8d071e47d016cc65a"

// TestUnready: each thing that is missing is one line, and what is ready is none.
func TestUnready(t *testing.T) {
	placeholder := "OWNER" + "/sluice@v1"
	root := tree(t, map[string]string{
		"README.md":                "uses: " + placeholder + " and " + placeholder,
		"Dockerfile":               "ARG GO=golang:1.26\nFROM ${GO} AS build\nFROM scratch\n",
		".github/workflows/ci.yml": "steps:\n  - uses: actions/checkout@v5\n  - uses: ./\n",
		"examples/w/a.yml":         "steps:\n  - uses: acme/sluice@v1\n  - uses: acme/other@v1\n",
		".changes/unreleased/a.md": "Added: one.\n",
		"SECURITY.md":              "write to CONTACT" + "@example.com",
		"internal/x/README.md":     placeholder,
	})
	got, err := unready(root)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	want := []string{
		".changes/unreleased: 1 changes are in no notes",
		".github/workflows/ci.yml: actions/checkout@v5 is not pinned",
		"Dockerfile: the base image golang:1.26 has no digest",
		"README.md: OWNER" + "/sluice stands 2 times: write the account",
		"SECURITY.md: CONTACT" + "@example.com stands 1 times",
		"examples/w/a.yml: acme/other@v1 is not pinned",
	}
	if len(got) != len(want) {
		t.Fatalf("missing:\n%s", strings.Join(got, "\n"))
	}
	for i := range want {
		if !strings.Contains(got[i], want[i]) {
			t.Errorf("%q, want %q", got[i], want[i])
		}
	}
}

func TestReady(t *testing.T) {
	root := tree(t, map[string]string{
		"README.md":                "uses: acme/sluice@v1",
		"Dockerfile":               "ARG GO=golang:1.26" + digest + "\nFROM --platform=linux/amd64 ${GO} AS build\nFROM scratch\n",
		".github/workflows/ci.yml": "steps:\n  - uses: actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8 # v5.0.0\n",
	})
	var out bytes.Buffer
	if err := run(t.Context(), []string{"check", root}, nil, &out); err != nil || !strings.Contains(out.String(), "ready to publish") {
		t.Errorf("%v\n%s", err, out.String())
	}
}

// TestTree: of this repository itself nothing is missing but what its owner decides.
func TestTree(t *testing.T) {
	missing, err := unready("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range missing {
		if !strings.Contains(m, " stands ") && !strings.Contains(m, "changes are in no notes") {
			t.Error(m)
		}
	}
}
