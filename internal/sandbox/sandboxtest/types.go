package sandboxtest

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// Pair is a type of an emulator's and the one that the vendor's own client has for it.
type Pair struct{ Ours, Theirs any }

// HoldTypes holds the types of a file to the vendor's: every one of them is among the
// pairs, or embedded in one that is, and has the same fields, by their names in JSON, of
// the same types. One of ours may stand for several that have the same fields. What ours
// has as a [json.RawMessage] may be anything. A type in partly may have fewer fields.
func HoldTypes(t *testing.T, file string, partly []string, pairs ...Pair) {
	t.Helper()
	held := map[string]bool{}
	for _, p := range pairs {
		ours, theirs := reflect.TypeOf(p.Ours), reflect.TypeOf(p.Theirs)
		held[ours.Name()] = true
		have, want := fields(ours, held), fields(theirs, held)
		for _, name := range slices.Sorted(maps.Keys(have)) {
			if theirs, ok := want[name]; !ok || !paired(pairs).same(have[name], theirs) {
				t.Errorf("%s.%s is a %v, and the vendor's is a %v", ours, name, have[name], theirs)
			}
			delete(want, name)
		}
		if len(want) > 0 && !slices.Contains(partly, ours.Name()) {
			t.Errorf("%s lacks the fields %q of the vendor's", ours, slices.Sorted(maps.Keys(want)))
		}
	}
	for _, name := range declared(t, file) {
		if !held[name] {
			t.Errorf("%s of %s is held to nothing", name, file)
		}
	}
}

// fields are a type's by what their tags say, with those of the types that it embeds,
// whose names are added to held.
func fields(t reflect.Type, held map[string]bool) map[string]reflect.Type {
	all := map[string]reflect.Type{}
	for i := range t.NumField() {
		f := t.Field(i)
		if tag := f.Tag.Get("json"); tag != "" && tag != "-" {
			all[strings.Replace(tag, ",omitempty", "", 1)] = f.Type
		} else if f.Anonymous {
			held[f.Type.Name()] = true
			maps.Copy(all, fields(f.Type, held))
		}
	}
	return all
}

// paired are the types that are held to each other.
type paired []Pair

func (all paired) same(ours, theirs reflect.Type) bool {
	if ours == reflect.TypeFor[json.RawMessage]() {
		return true
	}
	if ours.Kind() != theirs.Kind() {
		return false
	}
	switch ours.Kind() {
	case reflect.Pointer, reflect.Slice:
		return all.same(ours.Elem(), theirs.Elem())
	case reflect.Map:
		return all.same(ours.Key(), theirs.Key()) && all.same(ours.Elem(), theirs.Elem())
	case reflect.Struct:
		return slices.ContainsFunc(all, func(p Pair) bool { return reflect.TypeOf(p.Ours) == ours && reflect.TypeOf(p.Theirs) == theirs })
	default:
		return true
	}
}

// declared are the names of the types that a file declares.
func declared(t *testing.T, file string) []string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, d := range parsed.Decls {
		decl, ok := d.(*ast.GenDecl)
		if !ok || decl.Tok != token.TYPE {
			continue
		}
		for _, spec := range decl.Specs {
			if s, ok := spec.(*ast.TypeSpec); ok {
				names = append(names, s.Name.Name)
			}
		}
	}
	return names
}
