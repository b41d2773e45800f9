package main_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"sluice/stages/all"
)

// The rules of docs/design.md, section 3, that no linter knows. The arrows
// between packages are in .golangci.yml.

// TestPlatformNames: what is not a platform's own folder knows no platform. New
// behaviour is a fact or a kind, with a case in stages/stagetest.
func TestPlatformNames(t *testing.T) {
	names := platforms()
	for _, file := range goFiles(t, ".") {
		if slices.ContainsFunc(names, func(name string) bool { return ownFolder(file.path, name) }) {
			continue
		}
		for _, word := range words(file.syntax) {
			says := speaks(word.text)
			for _, name := range names {
				if says(name) {
					t.Errorf("%s: %q names the platform %s; make it a fact or a kind of the driver contract", file.at(word.pos), word.text, name)
				}
			}
		}
	}
}

// platforms are the keys that name them in the pipeline file.
func platforms() []string {
	var names []string
	for _, p := range all.Platforms() {
		names = append(names, p.Facts.Platform)
	}
	return names
}

// ownFolder reports whether path may name the platform.
func ownFolder(path, platform string) bool {
	allowed := []string{"stages/" + platform, "internal/sandbox/" + platform, "stages/all", "internal/sandbox/all", "e2e/clients"}
	return slices.ContainsFunc(allowed, func(dir string) bool { return strings.HasPrefix(path, dir+"/") })
}

// shortName is how long a platform's name is that is a part of other words: it is
// looked for as a word of its own.
const shortName = 4

// speaks returns what reports whether a text names a platform.
func speaks(text string) func(platform string) bool {
	text = strings.TrimPrefix(text, `"exec `) // a line for a shell, which has that word too
	squeezed := squeeze(text)
	parts := strings.FieldsFunc(strings.ToLower(apart.ReplaceAllString(text, "$1 $2")), func(r rune) bool { return !unicode.IsLetter(r) })
	return func(platform string) bool {
		if len(platform) > shortName {
			return strings.Contains(squeezed, platform)
		}
		return slices.Contains(parts, platform)
	}
}

// apart is where a name in camel case begins its next word.
var apart = regexp.MustCompile(`([a-z])([A-Z])`)

// squeeze makes "Cloud Deploy", "cloud-deploy" and cloudDeploy one word.
func squeeze(text string) string { return between.Replace(strings.ToLower(text)) }

var between = strings.NewReplacer(" ", "", "-", "", "_", "", ".", "")

// TestPackageComments: every package says what it is for.
func TestPackageComments(t *testing.T) {
	documented := map[string]bool{}
	for _, file := range goFiles(t, ".") {
		dir := filepath.Dir(file.path)
		documented[dir] = documented[dir] || file.syntax.Doc != nil
	}
	for dir, ok := range documented {
		if !ok {
			t.Errorf("%s: no file has a package comment", dir)
		}
	}
}

// TestNoInit: what runs is what somebody calls.
func TestNoInit(t *testing.T) {
	for _, file := range goFiles(t, ".") {
		for _, decl := range file.syntax.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s: no init(); wire it where it is used", file.at(f.Pos()))
			}
		}
	}
}

// TestArrows: the rooms of the engine know each other one way only, platforms are
// reached through one of them, and the state through another. .golangci.yml says
// the same to who lints.
func TestArrows(t *testing.T) {
	for _, file := range goFiles(t, ".") {
		from := path.Dir(file.path)
		for _, spec := range file.syntax.Imports {
			to, ours := strings.CutPrefix(strings.Trim(spec.Path.Value, `"`), "sluice/")
			if ours && !mayImport(from, to) {
				t.Errorf("%s: %s may not import %s", file.at(spec.Pos()), from, to)
			}
		}
	}
}

// mayImport reports whether a package of ours may import another.
func mayImport(from, to string) bool {
	below := func(dir, of string) bool { return dir == of || strings.HasPrefix(dir, of+"/") }
	wires := from == "internal/app"
	switch {
	case to == "stages" && !wires && !below(from, "stages"):
		return from == "internal/platform"
	case below(to, "internal/store") && !wires && !below(from, "internal/store"):
		return from == "internal/ledger" && to == "internal/store"
	}
	rooms := map[string][]string{ // of those above, the ones below
		"internal/engine":   {"internal/planner", "internal/executor", "internal/view", "internal/ledger", "internal/platform", "internal/work", "internal/check", "rollout", "pipeline", "stages/driver"},
		"internal/view":     {"analysis", "internal/planner", "internal/executor", "internal/ledger", "internal/guard", "internal/outside", "rollout", "pipeline", "stages/driver"},
		"internal/executor": {"analysis", "internal/planner", "internal/ledger", "internal/platform", "internal/work", "internal/check", "rollout", "stages/driver"},
		"internal/planner":  {"internal/platform", "internal/ledger", "internal/work", "rollout", "pipeline", "stages/driver"},
		"internal/ledger":   {"internal/store", "internal/work", "rollout"},
		"internal/platform": {"stages", "internal/work", "stages/driver"},
		"internal/work":     {},
		"rollout":           {"analysis", "stages/driver"},
	}
	allowed, isRoom := rooms[from]
	return !isRoom || slices.Contains(allowed, to)
}

type goFile struct {
	path   string
	set    *token.FileSet
	syntax *ast.File
}

func (f goFile) at(pos token.Pos) string {
	return f.path + ":" + strconv.Itoa(f.set.Position(pos).Line)
}

// goFiles are the files that the program is built from, tests aside.
func goFiles(t *testing.T, root string) []goFile {
	t.Helper()
	var files []goFile
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != root && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata"):
			return filepath.SkipDir
		case entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		set := token.NewFileSet()
		syntax, err := parser.ParseFile(set, path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		files = append(files, goFile{path: filepath.ToSlash(path), set: set, syntax: syntax})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

type word struct {
	pos  token.Pos
	text string
}

// isStandard reports whether a file imports a package of the standard library, whose name
// names no platform: os/exec.
func isStandard(spec *ast.ImportSpec) bool {
	first, _, _ := strings.Cut(strings.Trim(spec.Path.Value, `"`), "/")
	return first != "sluice" && !strings.Contains(first, ".")
}

// standardNames are the names by which a file calls packages of the standard library.
func standardNames(file *ast.File) map[string]bool {
	names := map[string]bool{}
	for _, spec := range file.Imports {
		if isStandard(spec) && spec.Name == nil {
			names[path.Base(strings.Trim(spec.Path.Value, `"`))] = true
		}
	}
	return names
}

// words are a file's names and string literals; comments are documentation.
func words(file *ast.File) []word {
	var found []word
	foreign := standardNames(file)
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			return !isStandard(n)
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && foreign[x.Name] {
				found = append(found, word{n.Sel.Pos(), n.Sel.Name})
				return false
			}
		case *ast.Ident:
			found = append(found, word{n.Pos(), n.Name})
		case *ast.BasicLit:
			if n.Kind == token.STRING {
				found = append(found, word{n.Pos(), n.Value})
			}
		}
		return true
	})
	return found
}
