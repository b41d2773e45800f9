package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// tree is a repository of the files, by their paths.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func contentOf(t *testing.T, path ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var releaseDay = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// TestNotes: what is unreleased becomes the changelog's newest section, by kind, and is
// unreleased no more.
func TestNotes(t *testing.T) {
	root := tree(t, map[string]string{
		".changes/unreleased/b.md": "Added: two.\n\nMore of\ntwo.\nFixed: three.\n",
		".changes/unreleased/a.md": "Added: one.\n",
		"CHANGELOG.md":             "# Changelog\n\n" + changelogMark + "\n## v1.0.0, 2026-01-01\n\nold\n",
	})
	notes, err := moveNotes(root, "v1.1.0", releaseDay)
	if err != nil {
		t.Fatal(err)
	}
	const want = "### Added\n\n- one.\n- two.\n\n  More of\n  two.\n\n### Fixed\n\n- three.\n"
	if notes != want {
		t.Errorf("notes %q, want %q", notes, want)
	}
	const changelogNow = "# Changelog\n\n" + changelogMark + "\n## v1.1.0, 2026-11-25\n\n" + want + "\n\n## v1.0.0, 2026-01-01\n\nold\n"
	if got := contentOf(t, root, "CHANGELOG.md"); got != changelogNow {
		t.Errorf("changelog %q, want %q", got, changelogNow)
	}
	if got := contentOf(t, root, ".changes/v1.1.0/a.md"); got != "Added: one.\n" {
		t.Errorf("the fragment was not kept: %q", got)
	}
	if left, err := filepath.Glob(filepath.Join(root, fragmentsFolder, "*.md")); err != nil || len(left) != 0 {
		t.Errorf("still unreleased: %v (%v)", left, err)
	}
	if _, err := moveNotes(root, "v1.2.0", releaseDay); err == nil || !strings.Contains(err.Error(), "nothing to release") {
		t.Errorf("a release without a change: %v", err)
	}
}

// TestNotesRefused: nothing is moved, and every mistake is named.
func TestNotesRefused(t *testing.T) {
	for name, test := range map[string]struct{ version, fragment, changelog, want string }{
		"version":   {version: "1.1", fragment: "Added: one.\n", changelog: changelogMark, want: "not of the form"},
		"twice":     {version: "v1.0.0", fragment: "Added: one.\n", changelog: changelogMark, want: "is there already"},
		"kind":      {version: "v1.1.0", fragment: "Something new.\n", changelog: changelogMark, want: "a.md: the first line begins with none of"},
		"empty":     {version: "v1.1.0", fragment: "", changelog: changelogMark, want: "a.md: the file is empty"},
		"changelog": {version: "v1.1.0", fragment: "Added: one.\n", changelog: "# Changelog\n", want: "is missing, under which"},
	} {
		t.Run(name, func(t *testing.T) {
			root := tree(t, map[string]string{
				".changes/unreleased/a.md": test.fragment,
				".changes/v1.0.0/old.md":   "Added: old.\n",
				"CHANGELOG.md":             test.changelog,
			})
			_, err := moveNotes(root, test.version, releaseDay)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
			if got := contentOf(t, root, "CHANGELOG.md"); got != test.changelog {
				t.Errorf("refused, and the changelog is %q", got)
			}
			if got := contentOf(t, root, ".changes/unreleased/a.md"); got != test.fragment {
				t.Errorf("refused, and the fragment is %q", got)
			}
		})
	}
}
