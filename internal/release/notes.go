package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// kinds are what a change can be, in the order in which people are told.
var kinds = []string{"Security", "Removed", "Changed", "Added", "Fixed"} //nolint:gochecknoglobals // a constant

var (
	exactVersion = regexp.MustCompile(`^v[0-9]+\.[0-9]+\.[0-9]+$`)
	fragmentLine = regexp.MustCompile(`^(Security|Removed|Changed|Added|Fixed): (.+)$`)
)

const (
	fragmentsFolder = ".changes/unreleased"
	changelog       = "CHANGELOG.md"
	// Below this line the changelog has a section for each release, the newest first.
	changelogMark = "<!-- releases -->\n"
)

// change is one thing that a user notices: its first sentence and what else there
// is to say of it.
type change struct{ kind, text string }

// readFragments are the changes of a folder, file by file in the order of their names.
// The error names every file that does not begin with a kind.
func readFragments(folder string) ([]change, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.md"))
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	var all []change
	var problems []error
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		changes, err := parseFragment(string(text))
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", file, err))
		}
		all = append(all, changes...)
	}
	return all, errors.Join(problems...)
}

// parseFragment reads a file of changes: each begins with its kind at the start of a
// line and goes on to the next one.
func parseFragment(text string) ([]change, error) {
	var changes []change
	for line := range strings.Lines(text) {
		if m := fragmentLine.FindStringSubmatch(strings.TrimRight(line, "\r\n")); m != nil {
			changes = append(changes, change{kind: m[1], text: m[2] + "\n"})
			continue
		}
		if len(changes) == 0 {
			return nil, fmt.Errorf("the first line begins with none of %s", strings.Join(kinds, ":, ")+":")
		}
		changes[len(changes)-1].text += line
	}
	if len(changes) == 0 {
		return nil, errors.New("the file is empty")
	}
	return changes, nil
}

// renderNotes is the release's section in Markdown, without its heading.
func renderNotes(changes []change) string {
	var b strings.Builder
	for _, kind := range kinds {
		of := slices.DeleteFunc(slices.Clone(changes), func(c change) bool { return c.kind != kind })
		if len(of) == 0 {
			continue
		}
		fmt.Fprintf(&b, "### %s\n\n", kind)
		for _, c := range of {
			b.WriteString(listItem(c.text))
		}
		b.WriteString("\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// listItem is text as one item of a Markdown list.
func listItem(text string) string {
	text = strings.TrimSpace(text)
	return "- " + strings.ReplaceAll(strings.ReplaceAll(text, "\n", "\n  "), "\n  \n", "\n\n") + "\n"
}

// moveNotes gathers what is unreleased under root into the changelog's newest section
// and moves the fragments to .changes/VERSION. It returns the section without its
// heading. A version that has notes, and one without a change, are refused.
func moveNotes(root, version string, now time.Time) (string, error) {
	if !exactVersion.MatchString(version) {
		return "", fmt.Errorf("version %q is not of the form v1.2.3", version)
	}
	from, to := filepath.Join(root, fragmentsFolder), filepath.Join(root, ".changes", version)
	if _, err := os.Stat(to); err == nil {
		return "", fmt.Errorf("%s is there already; choose the next version", to)
	}
	changes, err := readFragments(from)
	if err != nil {
		return "", err
	}
	if len(changes) == 0 {
		return "", fmt.Errorf("%s has no changes: there is nothing to release", from)
	}
	notes := renderNotes(changes)
	if err := addSection(filepath.Join(root, changelog), fmt.Sprintf("## %s, %s\n\n%s\n", version, now.Format(time.DateOnly), notes)); err != nil {
		return "", err
	}
	if err := os.Rename(from, to); err != nil {
		return "", err
	}
	return notes, keepFolder(from)
}

// addSection puts a section under the changelog's mark.
func addSection(file, section string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	head, rest, found := strings.Cut(string(text), changelogMark)
	if !found {
		return fmt.Errorf("%s: the line %q is missing, under which releases are listed", file, strings.TrimSpace(changelogMark))
	}
	return os.WriteFile(file, []byte(head+changelogMark+"\n"+section+rest), 0o644) //nolint:gosec // a document of the repository
}

// keepFolder makes the folder of the next fragments, with a file that Git keeps it by.
func keepFolder(folder string) error {
	if err := os.Mkdir(folder, 0o755); err != nil { //nolint:gosec // a folder of the repository
		return err
	}
	return os.WriteFile(filepath.Join(folder, ".gitkeep"), nil, 0o644) //nolint:gosec // a document of the repository
}
