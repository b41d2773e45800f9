package app

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"gopkg.in/yaml.v3"

	"sluice/internal/actions"
	"sluice/internal/outside/outsidetest"
	"sluice/internal/proof/prooftest"
	"sluice/stages/all"
)

// isVariable is what environment variables are called.
var isVariable = regexp.MustCompile(`^[A-Z][A-Z0-9]*(_[A-Z0-9]+)+$|^(HOME|PATH|NETRC|CI|ACT)$`)

// variables are the environment variables that the program may read: every name in its
// sources that could be one, those that GitHub's context is read from, and each flag's own
// and its input's.
func variables(t *testing.T) []string {
	t.Helper()
	names := map[string]bool{}
	for _, dir := range []string{"../../internal", "../../stages", "../../pipeline"} {
		for name := range literals(t, dir) {
			if isVariable.MatchString(name) {
				names[name] = true
			}
		}
	}
	_, err := actions.New(func(name string) string {
		names[name] = true
		return ""
	}, io.Discard).Context()
	if err != nil {
		t.Fatal(err)
	}
	inv := newInvocation(Process{Stdout: io.Discard, Stderr: io.Discard})
	var flags func(*cobra.Command)
	flags = func(cmd *cobra.Command) {
		take := func(f *pflag.Flag) {
			names["SLUICE_"+strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))] = true
			names["INPUT_"+strings.ToUpper(f.Name)] = true
		}
		cmd.Flags().VisitAll(take)
		cmd.PersistentFlags().VisitAll(take)
		for _, sub := range cmd.Commands() {
			flags(sub)
		}
	}
	flags(inv.root())
	return slices.Sorted(maps.Keys(names))
}

// literals are the strings that stand in the sources of the program below a folder.
func literals(t *testing.T, dir string) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if text, err := strconv.Unquote(lit.Value); err == nil {
					found[text] = true
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// payload is what an event says of who brought it about, with everything that is read
// of it.
func payload() map[string]any {
	return map[string]any{
		"action":       "created",
		"sender":       map[string]any{"type": "User"},
		"comment":      map[string]any{"user": map[string]any{"login": "anna"}, "body": "/sluice approve", "created_at": "2026-03-01T12:00:00Z"},
		"pull_request": map[string]any{"number": 1.0, "head": map[string]any{"sha": "c0ffee", "repo": map[string]any{"id": 1.0, "full_name": "octo/shop"}}},
		"repository":   map[string]any{"id": 1.0, "default_branch": "main", "visibility": "private", "private": true},
	}
}

// texts are the ways to the texts of a value.
func texts(value any, way ...string) [][]string {
	if _, ok := value.(string); ok {
		return [][]string{way}
	}
	var list [][]string
	members, _ := value.(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(members)) {
		list = append(list, texts(members[name], append(slices.Clone(way), name)...)...)
	}
	return list
}

// saidBy writes the payload with words in one place into a file, whose name it returns.
func saidBy(t *testing.T, file string, way []string, words string) string {
	t.Helper()
	event := payload()
	at := event
	for _, name := range way[:len(way)-1] {
		at = at[name].(map[string]any)
	}
	at[way[len(way)-1]] = words
	data, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestHostileEnvironment: each variable that the program may read, each flag, each
// input and each text of an event is hostile, one after the other: nothing of it acts
// in what is told. What the run is, for the rest of the program, has no text that was
// not tried. A variable that is read anywhere, a flag, a field of the context that is
// added has its case here by itself.
func TestHostileEnvironment(t *testing.T) {
	t.Parallel()
	h := from(t, "environment")
	credentials, events := credentialNames(all.Platforms()), t.TempDir()
	reached := map[string]bool{}
	try := func(kind, what string, n int, env map[string]string) {
		for _, as := range inSteps() {
			note(reached, as.env, env, outsidetest.Words)
		}
		h.try(t, kind, what, n, inSteps(), func(t *testing.T, _ int, as mode) []string {
			b := newBase(t, &moon{way: goesWrong})
			b.env = env
			var wrong []string
			for _, args := range [][]string{{"promote", "--to", "production"}, {"status"}, {"approve", "--target", "api"}} {
				wrong = append(wrong, b.run(t, as, args...).judged()...)
			}
			return wrong
		})
	}
	for i, name := range variables(t) {
		words := outsidetest.Words
		if slices.Contains(credentials, name) {
			continue // each is planted in [TestHostileDrivers]
		}
		if name == "GITHUB_REF" {
			words = "refs/heads/" + words
		}
		try("variables", name, i, map[string]string{name: words})
	}
	for i, way := range texts(payload()) {
		event := "issue_comment"
		if way[0] == "pull_request" {
			event = way[0]
		}
		place := "the event's " + strings.Join(way, ".")
		file := saidBy(t, filepath.Join(events, strconv.Itoa(i)+".json"), way, outsidetest.Words)
		try("event", place, i, map[string]string{"GITHUB_EVENT_PATH": file, "GITHUB_EVENT_NAME": event})
	}
	for _, place := range outsidetest.PlacesOf[actions.Context]() {
		if !reached[place.Path] {
			t.Errorf("no variable and no text of an event comes to be %s of the context: plant what does", place.Path)
		}
	}
}

// note notes which texts of what the run is, are words.
func note(reached map[string]bool, mode, env map[string]string, words string) {
	run, err := actions.New(func(name string) string {
		if value, ok := env[name]; ok {
			return value
		}
		return map[string]string{"GITHUB_RUN_ID": "7"}[name] + mode[name]
	}, io.Discard).Context()
	if err != nil {
		return
	}
	for _, place := range outsidetest.PlacesOf[actions.Context]() {
		field := reflect.ValueOf(run)
		for name := range strings.SplitSeq(place.Path, ".") {
			field = field.FieldByName(name)
		}
		reached[place.Path] = reached[place.Path] || strings.Contains(field.String(), words)
	}
}

// TestHostileFile: each text of a pipeline file, and each of its names, is hostile, one
// after the other, as in a pull request: nothing of it acts in what validate tells.
func TestHostileFile(t *testing.T) {
	t.Parallel()
	h := from(t, "file")
	source := []byte(read(t, "../../examples/storefront/sluice.yaml"))
	for i := 0; ; i++ {
		text, more := spoiled(t, source, i)
		if !more {
			break
		}
		if !prooftest.Whole() && i%3 != 0 {
			continue
		}
		h.try(t, "texts", "text "+strconv.Itoa(i), i/3, modes()[:3], func(t *testing.T, _ int, as mode) []string {
			b := newBase(t, &moon{})
			b.stdin, b.platforms = text, all.Platforms()
			return b.run(t, as, "validate").judged()
		})
	}
}

// spoiled is a file with words in the place of its i-th text; more is false where it
// has fewer.
func spoiled(t *testing.T, source []byte, i int) (text string, more bool) {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal(source, &doc); err != nil {
		t.Fatal(err)
	}
	n := 0
	var walk func(*yaml.Node)
	walk = func(node *yaml.Node) {
		if node.Kind == yaml.ScalarNode {
			if n == i {
				node.Value, node.Tag, node.Style, more = outsidetest.Words, "!!str", yaml.DoubleQuotedStyle, true
			}
			n++
		}
		for _, child := range node.Content {
			walk(child)
		}
	}
	walk(&doc)
	data, err := yaml.Marshal(&doc)
	if err != nil {
		t.Fatal(err)
	}
	return string(data), more
}
