package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sluice/stages/all"
)

var code = regexp.MustCompile("`[^`\n]*`")

var link = regexp.MustCompile(`\]\(([^)#\s]+)(#[^)\s]*)?\)`)

// TestLinks: whatever a document links to within the repository is there.
func TestLinks(t *testing.T) {
	seen := 0
	for _, pattern := range []string{"*.md", "how-to/*.md", "../*.md"} {
		pages, err := filepath.Glob(pattern)
		if err != nil || len(pages) == 0 {
			t.Fatalf("%s: %v (%v)", pattern, pages, err)
		}
		for _, page := range pages {
			for _, m := range link.FindAllStringSubmatch(code.ReplaceAllString(read(t, page), "code"), -1) {
				if strings.Contains(m[1], "://") {
					continue
				}
				seen++
				if _, err := os.Stat(filepath.Join(filepath.Dir(page), m[1])); err != nil {
					t.Errorf("%s links to %s: %v", page, m[1], err)
				}
			}
		}
	}
	if seen < 40 {
		t.Errorf("only %d links were found", seen)
	}
}

// TestEveryPlatform: each has a page with its credentials and traps, a row in the
// README, and an example of its own.
func TestEveryPlatform(t *testing.T) {
	readme := read(t, "../README.md")
	for _, p := range all.Platforms() {
		name := p.Facts.Platform
		if link := "(docs/" + name + ".md)"; !strings.Contains(readme, link) {
			t.Errorf("README.md does not link to %s", link)
		}
		for _, section := range []string{"## Credentials", "## Traps"} {
			if page := name + ".md"; !strings.Contains(read(t, page), "\n"+section+"\n") {
				t.Errorf("docs/%s has no section %q", page, section)
			}
		}
		if example := "../examples/" + name + "/sluice.yaml"; !strings.Contains(read(t, example), name+":") {
			t.Errorf("%s is no example of the platform", example)
		}
	}
}
