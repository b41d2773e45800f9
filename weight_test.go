package main_test

import (
	"go/ast"
	"go/token"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

// What a package brings stays in the program, and what it does before main begins is
// done by every command: Go leaves out neither. These were there once, for nothing that
// the program does.
func TestWhatTheProgramDoesWithout(t *testing.T) {
	const size, start = "its size", "what it does before main begins"
	without := map[string]string{
		"google.golang.org/grpc":     size,
		"google.golang.org/protobuf": size,
		"google.golang.org/api":      size, // the generated clients; googleapi is small
		"cloud.google.com/go/auth":   start,
		"encoding/gob":               start,
		"github.com/spf13/cobra/doc": size, // the manual pages' generator
		"net/rpc":                    start,
		"github.com/charmbracelet/x": start,
		"github.com/mattn":           start, // go-runewidth
	}
	for _, have := range packages(t) {
		if strings.HasPrefix(have, "google.golang.org/api/googleapi") || strings.HasPrefix(have, "google.golang.org/api/internal/third_party/") {
			continue
		}
		if strings.HasPrefix(have, "github.com/aws/") && strings.HasSuffix(have, "/schemas") {
			t.Errorf("the program has %s: hold the client at the version before, for %s (docs/design.md, section 3)", have, start)
		}
		for path, why := range without {
			if have == path || strings.HasPrefix(have, path+"/") {
				t.Errorf("the program has %s again: avoided for %s (docs/design.md, section 3); see `go mod why` and `go list -deps`", have, why)
			}
		}
	}
}

// packages are those that the program is built from.
func packages(t *testing.T) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Fields(string(out))
	if len(all) < 100 {
		t.Fatalf("the program has %d packages", len(all))
	}
	return all
}

// A regular expression is read by whoever first asks for it, with [sync.OnceValue], and
// not by every command before main begins.
func TestExpressionsAreReadWhenUsed(t *testing.T) {
	ours := packages(t)
	looked := 0
	for _, file := range goFiles(t, ".") {
		if !slices.Contains(ours, path.Join("sluice", path.Dir(file.path))) {
			continue
		}
		for _, decl := range file.syntax.Decls {
			group, ok := decl.(*ast.GenDecl)
			if !ok || group.Tok != token.VAR {
				continue
			}
			looked++
			if pos := compiles(group); pos != token.NoPos {
				t.Errorf("%s: an expression is read before main begins: write sync.OnceValue(func() *regexp.Regexp { return … })", file.at(pos))
			}
		}
	}
	if looked == 0 {
		t.Error("no variable of a package was looked at")
	}
}

// compiles is where a declaration calls [regexp.MustCompile] by itself, not within a
// function.
func compiles(group *ast.GenDecl) token.Pos {
	found := token.NoPos
	ast.Inspect(group, func(n ast.Node) bool {
		call, isCall := n.(*ast.CallExpr)
		if _, isFunc := n.(*ast.FuncLit); isFunc || !isCall {
			return !isFunc
		}
		if f, ok := call.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "MustCompile" {
			found = call.Pos()
		}
		return true
	})
	return found
}
