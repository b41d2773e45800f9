package main

import (
	"bytes"
	"embed"
	"fmt"
	"go/format"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"text/template"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/kit"
	"sluice/stages/driver"
)

//go:embed templates/*.tmpl
var templates embed.FS

var platformName = regexp.MustCompile(`^[a-z][a-z0-9]{1,30}$`)

// begin is the files of a new platform by their paths under root: new ones, and the two
// lists with it added. A name that Go takes for no package, and a platform that is
// there, are refused.
func begin(root, name string) (map[string][]byte, error) {
	if !platformName.MatchString(name) {
		return nil, fmt.Errorf("%q is no name of a platform: lower-case letters and digits, as flyio", name)
	}
	if _, err := os.Stat(filepath.Join(root, "stages", name)); err == nil {
		return nil, fmt.Errorf("stages/%s is there already", name)
	}
	files := map[string][]byte{}
	for from, to := range map[string]string{
		"driver.go.tmpl":           "stages/" + name + "/driver.go",
		"conformance_test.go.tmpl": "stages/" + name + "/conformance_test.go",
		"emulator.go.tmpl":         "internal/sandbox/" + name + "/emulator.go",
		"emulator_test.go.tmpl":    "internal/sandbox/" + name + "/emulator_test.go",
		"page.md.tmpl":             "docs/" + name + ".md",
		"example.yaml.tmpl":        "examples/" + name + "/sluice.yaml",
		"change.md.tmpl":           ".changes/unreleased/" + name + ".md",
	} {
		content, err := render(from, name)
		if err != nil {
			return nil, err
		}
		files[to] = content
	}
	for list, entry := range map[string]string{
		"stages/all":           "{Facts: " + name + ".Facts(), Open: " + name + ".Open},",
		"internal/sandbox/all": name + ".New(now),",
	} {
		path := list + "/all.go"
		content, err := addTo(filepath.Join(root, path), "sluice/"+strings.TrimSuffix(list, "all")+name, entry)
		if err != nil {
			return nil, err
		}
		files[path] = content
	}
	return files, nil
}

// render fills a template in; Go is formatted.
func render(from, name string) ([]byte, error) {
	text, err := fs.ReadFile(templates, "templates/"+from)
	if err != nil {
		return nil, err
	}
	t, err := template.New(from).Parse(string(text))
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = t.Execute(&out, map[string]any{
		"Name": name, "Title": strings.ToUpper(name[:1]) + name[1:], "Variable": strings.ToUpper(name),
		"Driver":   methods[driver.Driver]("p *platform", "driver", nil),
		"Emulator": methods[sandbox.Emulator]("e *Emulator", "emulator", reflect.TypeFor[*kit.Core[struct{}, string]]()),
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", from, err)
	}
	if !strings.HasSuffix(from, ".go.tmpl") {
		return out.Bytes(), nil
	}
	formatted, err := format.Source(out.Bytes())
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", from, err, out.Bytes())
	}
	return formatted, nil
}

// bodies are what a method that is not written yet does, where the common answer, no
// result and an error that says what to write, is none.
var bodies = map[string]string{ //nolint:gochecknoglobals // a constant
	"driver.Live": "errs := make([]error, len(a1))\n\tfor i := range errs {\n\t\terrs[i] = notWritten(\"Live\")\n\t}\n\treturn make([]driver.Live, len(a1)), errs",
	"driver.Explain": "if errors.Is(a0, errNotWritten) {\n\t\treturn driver.Explanation{Code: driver.Unsupported}\n\t}\n" +
		"\treturn driver.Explanation{} // the platform's own codes: which may be repeated, which are busy, which are final",
	"emulator.ServeHTTP": "http.Error(a0, \"not written: serve \"+a1.Method+\" \"+a1.URL.Path, http.StatusNotImplemented)",
	"emulator.Seed": "if err := kit.Seed(a0, e.Platform(), nil, func(s kit.Seat[config]) { e.Targets.Learn(s.Config.App, s.Name()) }); err != nil {\n\t\treturn err\n\t}\n" +
		"\tr0 = notWritten(\"Seed\") // make what each seat names, where it is missing: the first stage runs the newest release\n\treturn",
	"emulator.Env":      "return map[string]string{urlVariable: a0, tokenVariable: \"sandbox-dummy-not-a-secret\"}",
	"emulator.Classify": "return sandbox.Action{Kind: sandbox.Read}",
	"emulator.Refuse":   "http.Error(a0, \"not written: refuse as the platform does\", http.StatusServiceUnavailable)",
}

// methods are those of the interface I on a receiver, taken from the interface itself, so
// that what is begun here always has today's contract. embedded is a type that has some of
// them already; nil for none.
func methods[I any](receiver, of string, embedded reflect.Type) string {
	var b strings.Builder
	contract := reflect.TypeFor[I]()
	for m := range contract.NumMethod() {
		method := contract.Method(m)
		if embedded != nil {
			if _, has := embedded.MethodByName(method.Name); has {
				continue
			}
		}
		var in, out []string
		for i := range method.Type.NumIn() {
			in = append(in, fmt.Sprintf("a%d %s", i, method.Type.In(i)))
		}
		for i := range method.Type.NumOut() {
			out = append(out, fmt.Sprintf("r%d %s", i, method.Type.Out(i)))
		}
		fmt.Fprintf(&b, "// %s is described at %s.\nfunc (%s) %s(%s) (%s) {\n\t%s\n}\n\n",
			method.Name, contract, receiver, method.Name, strings.Join(in, ", "), strings.Join(out, ", "), body(of, method.Name, len(out)))
	}
	return b.String()
}

// body is what a method does until it is written.
func body(of, method string, results int) string {
	if own, ok := bodies[of+"."+method]; ok {
		return own
	}
	if results == 0 {
		return ""
	}
	return fmt.Sprintf("r%d = notWritten(%q)\n\treturn", results-1, method)
}

// addTo is a list of platforms with one more: its package among the imports, its entry
// at the end.
func addTo(path, imported, entry string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	head, rest, found := strings.Cut(string(text), "\n)\n")
	end := strings.LastIndex(rest, "\n\t}\n}")
	if !found || end < 0 {
		return nil, fmt.Errorf("%s: neither imports nor a list were found", path)
	}
	whole := head + "\n\t\"" + imported + "\"\n)\n" + rest[:end] + "\n\t\t" + entry + rest[end:]
	return format.Source([]byte(whole))
}
