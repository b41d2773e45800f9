package sandbox_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Each rule of an emulator stands on a line of the platforms' facts, or of those of
// metrics, quoted in a comment: // docs/platforms.md: "the words". The words must be
// there.
func TestRulesCiteTheFacts(t *testing.T) {
	texts := map[string]string{}
	for _, page := range []string{"platforms", "metrics"} {
		facts, err := os.ReadFile("../../docs/" + page + ".md")
		if err != nil {
			t.Fatal(err)
		}
		texts[page] = strings.Join(strings.Fields(string(facts)), " ")
	}
	citation := regexp.MustCompile(`// docs/(platforms|metrics)\.md: "(.*)"`)
	folders := map[string]int{}
	files, err := filepath.Glob("*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		folder := filepath.Dir(file)
		if folder == "all" || folder == "sandboxtest" || folder == "googleapi" || folder == "kit" || folder == "metrics" || strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		folders[folder] += 0
		for _, found := range citation.FindAllStringSubmatch(string(source), -1) {
			folders[folder]++
			if !strings.Contains(texts[found[1]], strings.Join(strings.Fields(found[2]), " ")) {
				t.Errorf("%s cites what docs/%s.md does not say: %q", file, found[1], found[2])
			}
		}
	}
	if len(folders) == 0 {
		t.Fatal("no emulators found")
	}
	for folder, cited := range folders {
		if cited == 0 {
			t.Errorf("%s cites no page of facts", folder)
		}
	}
}
