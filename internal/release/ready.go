package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// todo is what documents and examples write until it is known.
type todo struct{ placeholder, do string }

// placeholders are all of them.
func placeholders() []todo {
	return []todo{
		{"OWNER" + "/sluice", "write the account that publishes: make owner OWNER=your-account"},
		{"CONTACT" + "@example.com", "write the address that takes reports: make owner CONTACT=you@your-domain"},
	}
}

var (
	fromLine   = regexp.MustCompile(`(?m)^FROM +(?:--\S+ +)*(\S+)`)
	argLine    = regexp.MustCompile(`(?m)^ARG +([A-Z_]+)=(\S+)`)
	usesLine   = regexp.MustCompile(`(?m)^\s*(?:- )?uses: *([^\s#]+)`)
	ownUses    = regexp.MustCompile(`^(\./|[A-Za-z0-9-]+/sluice(/setup)?@)`)
	pinnedUses = regexp.MustCompile(`@[0-9a-f]{40}$`)
)

// unready is what is still to be done under root before a release, each as one line:
// where, what, and how. It is empty when a release can be made.
func unready(root string) ([]string, error) {
	var missing []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return skipFolder(root, path)
		}
		relative, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		relative = filepath.ToSlash(relative)
		if !isPublished(relative) {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		missing = append(missing, unreadyFile(relative, string(text))...)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return append(missing, unreadyNotes(root)...), nil
}

// skipFolder leaves out what is not part of the tree.
func skipFolder(root, path string) error {
	if path != root && slices.Contains([]string{".git", ".sluice", "bin", "dist", "testdata", "internal"}, filepath.Base(path)) {
		return filepath.SkipDir
	}
	return nil
}

// isPublished reports whether people read or run the file.
func isPublished(path string) bool {
	return slices.Contains([]string{".md", ".yml", ".yaml"}, filepath.Ext(path)) || filepath.Base(path) == "Dockerfile"
}

// unreadyFile is what one file lacks.
func unreadyFile(path, text string) []string {
	var missing []string
	for _, p := range placeholders() {
		if n := strings.Count(text, p.placeholder); n > 0 {
			missing = append(missing, fmt.Sprintf("%s: %s stands %d times: %s", path, p.placeholder, n, p.do))
		}
	}
	if filepath.Base(path) == "Dockerfile" {
		missing = append(missing, unpinnedImages(path, text)...)
	}
	if strings.HasPrefix(path, ".github/workflows/") || strings.HasPrefix(path, "examples/") {
		missing = append(missing, unpinnedActions(path, text)...)
	}
	return missing
}

// unpinnedImages are the base images of a Dockerfile that name no digest.
func unpinnedImages(path, text string) []string {
	args := map[string]string{}
	for _, m := range argLine.FindAllStringSubmatch(text, -1) {
		args["${"+m[1]+"}"], args["$"+m[1]] = m[2], m[2]
	}
	var missing []string
	for _, m := range fromLine.FindAllStringSubmatch(text, -1) {
		image := m[1]
		if of, ok := args[image]; ok {
			image = of
		}
		if image != "scratch" && !strings.Contains(image, "@sha256:") {
			missing = append(missing, fmt.Sprintf("%s: the base image %s has no digest: docker buildx imagetools inspect %s", path, image, image))
		}
	}
	return missing
}

// unpinnedActions are other people's actions in a workflow that name no commit.
func unpinnedActions(path, text string) []string {
	var missing []string
	for _, m := range usesLine.FindAllStringSubmatch(text, -1) {
		if !ownUses.MatchString(m[1]) && !pinnedUses.MatchString(m[1]) {
			missing = append(missing, fmt.Sprintf("%s: %s is not pinned by a full commit SHA", path, m[1]))
		}
	}
	return missing
}

// unreadyNotes asks for the notes of what is unreleased.
func unreadyNotes(root string) []string {
	changes, err := readFragments(filepath.Join(root, fragmentsFolder))
	switch {
	case err != nil:
		return strings.Split(err.Error(), "\n")
	case len(changes) > 0:
		return []string{fmt.Sprintf("%s: %d changes are in no notes: make notes VERSION=v1.2.3, and merge what it writes", fragmentsFolder, len(changes))}
	}
	return nil
}
