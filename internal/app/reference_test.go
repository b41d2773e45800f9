package app_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sluice/internal/app"
)

var update = flag.Bool("update", false, "write docs/reference.md and sluice.schema.json instead of comparing them")

// help is what the program says of a command.
func help(t *testing.T, path ...string) string {
	t.Helper()
	var out, wrong bytes.Buffer
	if code := app.Main(t.Context(), app.Process{Args: append([]string{"help"}, path...), Stdout: &out, Stderr: &wrong}); code != 0 {
		t.Fatalf("help %v: exit %d, %s", path, code, &wrong)
	}
	return out.String()
}

// commandsIn are the commands that a help lists, under the headlines that list
// commands.
func commandsIn(text string) (names, headlines []string) {
	headline := ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if strings.HasSuffix(line, ":") && !strings.HasPrefix(line, " ") {
			headline = line
		}
		found := regexp.MustCompile(`^  ([a-z][a-z-]*) +[A-Z]`).FindStringSubmatch(line)
		if found == nil || slices.Contains([]string{"Usage:", "Examples:", "Flags:", "Global Flags:"}, headline) {
			continue
		}
		names = append(names, found[1])
		if !slices.Contains(headlines, headline) {
			headlines = append(headlines, headline)
		}
	}
	return names, headlines
}

// TestHelp: every command stands under a headline, and each that does something has
// an example.
func TestHelp(t *testing.T) {
	names, headlines := commandsIn(help(t))
	if want := []string{"Promote, and go back:", "Decide:", "Look:", "State:", "Set up:"}; !slices.Equal(headlines, want) {
		t.Errorf("the headlines are %q, want %q", headlines, want)
	}
	if len(names) < 30 {
		t.Errorf("only %d commands: %v", len(names), names)
	}
	for _, name := range names {
		text := help(t, name)
		subs, _ := commandsIn(text)
		if name == "completion" || name == "help" {
			continue // the command line's library says what they do
		}
		if len(subs) == 0 && !strings.Contains(text, "\nExamples:\n") {
			t.Errorf("%s has no example", name)
		}
		for _, sub := range subs {
			if name != "plan" && !strings.Contains(help(t, name, sub), "\nExamples:\n") {
				t.Errorf("%s %s has no example", name, sub)
			}
		}
	}
}

// reference is the page of all commands.
func reference(t *testing.T) string {
	var b strings.Builder
	b.WriteString("# Reference\n\nWhat `sluice help COMMAND` says. The page is written by `go test ./internal/app -run TestReference -update`;\n[Commands](commands.md) says more of how they work together.\n")
	page := func(path ...string) string {
		text := help(t, path...)
		shown, _, _ := strings.Cut(text, "\nGlobal Flags:\n")
		if len(path) == 0 {
			shown = text
		}
		if i := strings.LastIndex(shown, "\nUse \"sluice"); i > 0 {
			shown = shown[:i]
		}
		b.WriteString("\n## " + strings.Join(append([]string{"sluice"}, path...), " ") + "\n\n```text\n" + strings.TrimSpace(shown) + "\n```\n")
		return text
	}
	names, _ := commandsIn(page())
	for _, name := range names {
		if name == "completion" || name == "help" {
			continue
		}
		subs, _ := commandsIn(page(name))
		for _, sub := range subs {
			page(name, sub)
		}
	}
	return b.String()
}

// TestReference: the page of all commands is what the program says.
func TestReference(t *testing.T) {
	current(t, "docs/reference.md", reference(t))
}

// TestReferenceSchema: the schema that the examples name is what the program prints.
func TestReferenceSchema(t *testing.T) {
	var out bytes.Buffer
	if code := app.Main(t.Context(), app.Process{Args: []string{"schema"}, Stdout: &out, Stderr: &out}); code != 0 {
		t.Fatal(out.String())
	}
	current(t, "sluice.schema.json", out.String())
}

// current compares a file of the tree with what it is made of, or writes it.
func current(t *testing.T, file, want string) {
	t.Helper()
	path := filepath.Join("..", "..", filepath.FromSlash(file))
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != want {
		t.Errorf("%s is not what the program says now (%v); run `go test ./internal/app -run TestReference -update`", file, err)
	}
}
