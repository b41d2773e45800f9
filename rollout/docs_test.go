package rollout

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

func rolloutsPage(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile("../docs/rollouts.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestDocumentedCommands: what docs/rollouts.md says is allowed is what the
// tests of every command in every state assert.
func TestDocumentedCommands(t *testing.T) {
	_, page, _ := strings.Cut(rolloutsPage(t), "| state | where it is | allowed | unchanged |\n|---|---|---|---|\n")
	table, _, _ := strings.Cut(page, "\n\n")
	var want []string
	for _, s := range situations {
		want = append(want, strings.Join(strings.Fields(fmt.Sprintf("| `%s` | %s | %s | %s |", s.state, s.name, s.allowed, s.unchanged)), " "))
	}
	if table != strings.Join(want, "\n") {
		t.Errorf("docs/rollouts.md has\n%s\nwant\n%s", table, strings.Join(want, "\n"))
	}
}

// TestDocumentedWords: the page explains every state, job and failure cause.
func TestDocumentedWords(t *testing.T) {
	source, err := os.ReadFile("resource.go")
	if err != nil {
		t.Fatal(err)
	}
	words := regexp.MustCompile(`(?m)^\t\w+ +(?:\w+ += |= )"([\w]+)"`).FindAllStringSubmatch(string(source), -1)
	if len(words) < 35 {
		t.Fatalf("only %d words in resource.go", len(words))
	}
	internal := "PENDING_RELEASE NEEDS_APPROVAL DOES_NOT_NEED_APPROVAL APPROVED REJECTED DISABLED"
	for _, w := range words {
		if !strings.Contains(rolloutsPage(t), "`"+w[1]+"`") && !strings.Contains(internal, w[1]) {
			t.Errorf("docs/rollouts.md does not explain %s", w[1])
		}
	}
}
