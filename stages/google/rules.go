package google

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Rules say what the answers of an API must carry to be believed.
//
// A resource carries the name that was asked for, in full ("projects/P/…/ID") or
// its last part, as the API has it. What a list holds is held to the same rules:
// each element is named as something below what was asked for.
type Rules struct {
	// ShortNames says that a resource's name is its last part alone.
	ShortNames bool
	// Resources are what can be read, by the last part of its lists' paths
	// ("rollouts"). Nothing else is ever believed.
	Resources map[string]Rule
	// Verbs are the reads that are no resources, by their verb (":exportLock"): what
	// refuses an answer. Nil where there are none.
	Verbs map[string]func(answer Fields) error
	// Effect holds the answer to a request that changes something to its rule.
	// path is relative to the endpoint.
	Effect func(path string, answer Fields) error
}

// Rule says what a resource carries beside its name.
type Rule struct {
	// Carries are fields that hold something in every one.
	Carries []string
	// Check refuses one for other reasons; nil for none.
	Check func(Fields) error
}

// Fields are an object's fields as they came.
type Fields map[string]json.RawMessage

// Text is a field that must hold text; "" where it is missing or something else.
func (f Fields) Text(name string) string { return read[string](f[name]) }

// Object is a field that must hold an object; nil where it is missing or
// something else.
func (f Fields) Object(name string) Fields { return read[Fields](f[name]) }

// List is a field that must hold a list of objects; nil where it is missing or
// something else.
func (f Fields) List(name string) []Fields { return read[[]Fields](f[name]) }

// Has reports whether a field holds something: not null, false, or an empty
// text, list or object.
func (f Fields) Has(name string) bool {
	switch string(bytes.TrimSpace(f[name])) {
	case "", "null", "false", `""`, "[]", "{}":
		return false
	default:
		return true
	}
}

// Lacks is an error that names the first of the fields that hold nothing; nil
// where all do.
func (f Fields) Lacks(names ...string) error {
	i := slices.IndexFunc(names, func(name string) bool { return !f.Has(name) })
	if i < 0 {
		return nil
	}
	return fmt.Errorf("it has no %s", names[i])
}

// unclear refuses an object with a field in two spellings: which of them counts
// depends on who reads it.
func (f Fields) unclear() error {
	spelt := map[string]string{}
	for name := range f {
		folded := strings.ToLower(name)
		if other, ok := spelt[folded]; ok {
			return fmt.Errorf("it has both %q and %q", min(name, other), max(name, other))
		}
		spelt[folded] = name
	}
	return nil
}

// read is a JSON value of a type; the zero value where it has another.
func read[T any](raw json.RawMessage) T {
	var v, zero T
	if json.Unmarshal(raw, &v) != nil {
		return zero
	}
	return v
}

// asked is a request; its path is relative to the endpoint.
type asked struct {
	method, path string
	query        url.Values
}

func (a asked) String() string { return a.method + " " + a.path }

// check says what an answer with a JSON object lacks.
func (r Rules) check(to asked, body []byte) error {
	var answer Fields
	if err := json.Unmarshal(body, &answer); err != nil {
		return err
	}
	if to.method != http.MethodGet {
		return r.Effect(to.path, answer)
	}
	if _, verb, isVerb := strings.Cut(Last(to.path), ":"); isVerb && r.Verbs[verb] != nil {
		return r.Verbs[verb](answer)
	}
	resource, kind := below(to.path)
	rule, known := r.Resources[kind]
	switch {
	case !known:
		return fmt.Errorf("nothing is known of what %q holds", kind)
	case resource:
		return r.checkOne(rule, to.path, answer)
	default:
		return r.checkList(rule, kind, to, answer)
	}
}

// below tells a resource's path from a list's. Both have pairs of a kind and a
// name; where there are no locations, "global" stands for them.
func below(path string) (resource bool, kind string) {
	parts := strings.Split(path, "/")
	parts = parts[max(slices.Index(parts, "projects"), 0):]
	if len(parts) > 2 && parts[2] == "global" {
		parts = slices.Delete(parts, 2, 3)
	}
	if resource = len(parts)%2 == 0; resource {
		return true, parts[len(parts)-2]
	}
	return false, parts[len(parts)-1]
}

func (r Rules) checkOne(rule Rule, path string, one Fields) error {
	name := one.Text("name")
	switch {
	case name == "":
		return errors.New("it has no name")
	case r.ShortNames && name != Last(path), !r.ShortNames && !Named(name, path):
		return fmt.Errorf("it is about %q", name)
	}
	if err := one.unclear(); err != nil {
		return err
	}
	if err := one.Lacks(rule.Carries...); err != nil {
		return err
	}
	if rule.Check != nil {
		return rule.Check(one)
	}
	return nil
}

// checkList checks a page of a list and each of its elements. A list that could
// not be read everywhere is none: what is missing would pass as not being there.
func (r Rules) checkList(rule Rule, kind string, to asked, page Fields) error {
	if page.Has("name") || page.Has("error") {
		return errors.New("it is no page of a list")
	}
	if page.Has("unreachable") {
		return fmt.Errorf("it is a part of the list: %s could not be reached", page["unreachable"])
	}
	if token := page.Text("nextPageToken"); token != "" && token == to.query.Get("pageToken") {
		return errors.New("the page after it is itself")
	}
	if !page.Has(kind) {
		return nil
	}
	var elements []Fields
	if err := json.Unmarshal(page[kind], &elements); err != nil {
		return fmt.Errorf("its %s are no list: %w", kind, err)
	}
	for i, one := range elements {
		path := to.path + "/" + anyName
		if r.ShortNames {
			path = to.path + "/" + one.Text("name")
		}
		if err := r.checkOne(rule, path, one); err != nil {
			return fmt.Errorf("%s %d: %w", kind, i+1, err)
		}
	}
	return nil
}

// anyName stands for every name in a path.
const anyName = "-"

// Named reports whether a full resource name ("projects/P/…") is the path's,
// where "-" in the path is every name. What stands before "projects" in the path
// does not count, nor whether the project is given by its id or its number.
func Named(name, path string) bool {
	have, want := strings.Split(name, "/"), strings.Split(path, "/")
	want = want[max(slices.Index(want, "projects"), 0):]
	if len(have) != len(want) || len(have) < 2 || have[0] != "projects" {
		return false
	}
	if !isNumber(have[1]) && isNumber(want[1]) || isNumber(have[1]) && !isNumber(want[1]) {
		have[1] = want[1]
	}
	for i := range have {
		if have[i] == "" || have[i] != want[i] && want[i] != anyName {
			return false
		}
	}
	return true
}

func isNumber(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}

// Last is the last part of a name, a link or a path.
func Last(name string) string { return name[strings.LastIndex(name, "/")+1:] }
