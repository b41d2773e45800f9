package app

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The tests that have everybody who is not the program itself say hostile things.
const (
	byGitHub = "internal/app TestHostileGitHub"
	byStore  = "internal/app TestHostileStore"
	byEchoes = "internal/app TestHostileEchoes"

	byMeasures = "internal/app TestHostileMeasures"
)

// asking are the packages that ask somebody over the network or by a program, each with
// the test that has the answers be hostile text.
func asking() map[string]string {
	all := map[string]string{
		"internal/actions":          byGitHub,
		"internal/actions/artifact": "internal/store/artifact TestHostile",
		"internal/app/environment":  "internal/app/environment TestHostile",
		"internal/awssend":          byEchoes,
		"internal/check":            byMeasures,
		"internal/check/cloudwatch": byMeasures,
		"internal/check/datadog":    byMeasures,
		"internal/check/monitoring": byMeasures,
		"internal/check/prometheus": byMeasures,
		"internal/idtoken":          "internal/idtoken TestHostileAnswers",
		"internal/notify":           "internal/notify TestHostileEverywhere",
		"internal/program":          "stages/exec TestHostile",
		"internal/store/artifact":   "internal/store/artifact TestHostile",
		"internal/store/gitref":     "internal/store/gitref TestHostile",
		"internal/store/open":       byStore,
		"internal/store/s3":         "internal/store/s3 TestHostile",
		"internal/telemetry":        "internal/telemetry TestHostile",
		"internal/transport":        byEchoes,
		"stages/amazon":             byEchoes,
		"stages/google":             byEchoes,
	}
	return all
}

// asksNobody are packages that have to do with requests and send none of their own.
func asksNobody() map[string]string {
	return map[string]string{
		"internal/app":       "hands transports out, and opens what asks",
		"internal/rehearsal": "asks the sandbox alone",
		"stages/driver":      "the contract: Env has the transport",
		"stages/conform":     "counts what a driver asks",
	}
}

// asks are the imports of a package that asks somebody.
func asks(path string) bool {
	return path == "net/http" || path == "os/exec" || strings.Contains(path, "/aws-sdk-go-v2/service/") || strings.Contains(path, "/go-github/")
}

// TestEveryAnswerIsHostile: whoever asks somebody is named with the test that has the
// answers be hostile, and that test is there. A platform's own package has its test by
// rule. Which packages ask is read from the code.
func TestEveryAnswerIsHostile(t *testing.T) {
	const root = "../.."
	known, silent := asking(), asksNobody()
	for _, dir := range askers(t, root) {
		test := known[dir]
		switch {
		case silent[dir] != "":
			continue
		case test == "" && isPlatform(t, root, dir):
			test = dir + " TestHostile"
		case test == "":
			t.Errorf("%s asks somebody: name the test in asking() that has its answers be hostile", dir)
			continue
		}
		folder, name, _ := strings.Cut(test, " ")
		if !slices.Contains(functions(t, filepath.Join(root, folder)), name) {
			t.Errorf("%s: %s has no test %s", dir, folder, name)
		}
		delete(known, dir)
	}
	for dir := range known {
		t.Errorf("%s asks nobody any more: take it out of asking()", dir)
	}
}

// TestEveryContractIsHostile: the interfaces by which a driver says something are all
// among those that are tried. They are read from the code.
func TestEveryContractIsHostile(t *testing.T) {
	var tried []string
	for _, contract := range contracts() {
		tried = append(tried, contract.Name())
	}
	slices.Sort(tried)
	if have := interfaces(t, "../../stages/driver"); !slices.Equal(have, tried) {
		t.Errorf("stages/driver has the interfaces %q, and %q are tried with hostile answers: add the missing to contracts(), and to the moon", have, tried)
	}
}

// askers are the program's packages that ask somebody, by their folder.
func askers(t *testing.T, root string) []string {
	t.Helper()
	found := map[string]bool{}
	for _, top := range []string{"internal", "stages"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			dir, err := filepath.Rel(root, filepath.Dir(path))
			if err != nil || isForTests(dir) {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
			if err != nil {
				return err
			}
			for _, spec := range file.Imports {
				if imported, err := strconv.Unquote(spec.Path.Value); err == nil && asks(imported) {
					found[filepath.ToSlash(dir)] = true
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// isForTests reports whether a folder is no part of the program that asks: the sandbox,
// stand-ins for tests, tools of the repository.
func isForTests(dir string) bool {
	parts := strings.Split(filepath.ToSlash(dir), "/")
	own := []string{"sandbox", "proof", "scaffold", "release", "man"}
	return strings.HasSuffix(dir, "test") || len(parts) > 1 && parts[0] == "internal" && slices.Contains(own, parts[1])
}

// isPlatform reports whether a folder is a platform's.
func isPlatform(t *testing.T, root, dir string) bool {
	t.Helper()
	return filepath.Dir(dir) == "stages" && strings.Contains(read(t, filepath.Join(root, "stages", "all", "all.go")), "/"+dir+`"`)
}

// functions are the names of the functions of a folder's tests.
func functions(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	for _, file := range parsed(t, dir, "_test.go") {
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				names = append(names, f.Name.Name)
			}
		}
	}
	return names
}

// interfaces are the names of the exported interfaces of a folder, sorted.
func interfaces(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	for _, file := range parsed(t, dir, ".go") {
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok || !spec.Name.IsExported() {
				return true
			}
			if _, is := spec.Type.(*ast.InterfaceType); is {
				names = append(names, spec.Name.Name)
			}
			return true
		})
	}
	slices.Sort(names)
	return names
}

// parsed are the files of a folder whose names end so; tests only where that is asked for.
func parsed(t *testing.T, dir, end string) []*ast.File {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), end) || end == ".go" && strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, e.Name()), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}
