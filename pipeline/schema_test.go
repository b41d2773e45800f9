package pipeline

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"

	"sluice/stages/driver"
)

// judge is a validator that knows the schema alone.
func judge(t *testing.T, facts []driver.Facts) *jsonschema.Schema {
	t.Helper()
	text, err := json.Marshal(Schema(facts))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("sluice.json", doc); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("sluice.json")
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

func known(t *testing.T) []driver.Facts {
	t.Helper()
	data, err := os.ReadFile("../testdata/platforms.json")
	if err != nil {
		t.Fatal(err)
	}
	var facts []driver.Facts
	if err := json.Unmarshal(data, &facts); err != nil {
		t.Fatal(err)
	}
	return facts
}

// relations are mistakes that no schema can say: how values of one mapping compare
// with each other, and what only a calendar, a list of zones or a parser of schedules
// knows.
var relations = []string{
	"does not ascend", "is longer than max", "can never come from", "swap them", "appears twice", "is not known; want a name of the IANA", "is not a schedule",
	"leave both out for the whole day", "write 100% at the end", "is above", "are more than", "nothing could be told", "can never be as sure", "has none of",
	"is too long", "at most 14d", "is the last phase", "says another percentage", "another phase is called", "no canary", "takes no v", "would be asked as it is",
	"would be taken as it is", "is not replaced here", "bytes in all", "cannot have scope: stage", "is too short",
}

// wrong reports whether the parser finds a mistake in a file before it looks up what
// is declared elsewhere, leaving out relations; sure is false where it finds those.
func wrong(src []byte, facts []driver.Facts) (bad, sure bool, why string) {
	w := &walker{file: "f", lines: splitLines(src), platforms: facts, patterns: patterns{}}
	root, ok := load(w, src)
	if ok {
		noteExpressions(w, root)
		readPipeline(w, root)
	}
	sure = true
	for _, p := range w.problems {
		switch {
		case p.Warning:
		case slices.ContainsFunc(relations, func(part string) bool { return strings.Contains(p.Message, part) }):
			sure = false
		default:
			return true, true, p.Message
		}
	}
	return false, sure, ""
}

// jsonOf is a file as JSON has it; false where it is no YAML that JSON could hold.
func jsonOf(src []byte) (any, bool) {
	var value any
	d := yaml.NewDecoder(bytes.NewReader(src))
	if d.Decode(&value) != nil || !errors.Is(d.Decode(new(any)), io.EOF) { // a language server looks at each document by itself
		return nil, false
	}
	value, ok := asJSON(value)
	return value, ok
}

func asJSON(value any) (any, bool) {
	switch v := value.(type) {
	case map[string]any:
		for key := range v {
			inner, ok := asJSON(v[key])
			if !ok {
				return nil, false
			}
			v[key] = inner
		}
	case map[any]any:
		return nil, false
	case []any:
		for i := range v {
			inner, ok := asJSON(v[i])
			if !ok {
				return nil, false
			}
			v[i] = inner
		}
	case time.Time:
		return v.Format(time.RFC3339), true // a language server takes it for text
	case int:
		return float64(v), true
	case uint64, int64:
		return nil, false
	}
	return value, true
}

// TestSchemaAgrees: of every file the schema says what validate says, but for what
// is declared elsewhere in it.
func TestSchemaAgrees(t *testing.T) {
	facts := known(t)
	s := judge(t, facts)
	seen := map[string]int{}
	for _, pattern := range []string{"../testdata/*/*.yaml", "../examples/*/sluice.yaml"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range found {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			value, ok := jsonOf(src)
			bad, sure, why := wrong(src, facts)
			if !ok || !sure && !bad {
				seen["not asked"]++
				continue
			}
			verdict := s.Validate(value)
			switch {
			case bad && verdict == nil:
				t.Errorf("%s: the schema takes it; validate says %s", file, why)
			case !bad && verdict != nil:
				t.Errorf("%s: validate takes it; the schema says %v", file, verdict)
			}
			seen[map[bool]string{true: "refused", false: "taken"}[bad]]++
		}
	}
	if seen["refused"] < 25 || seen["taken"] < 15 {
		t.Errorf("too few files were compared: %v", seen)
	}
	t.Logf("files: %v", seen)
}

// TestSchemaAgreesWhenChanged changes values and keys of the good files, one at a time,
// into what could stand there by mistake: every 17th change, all of the empty lists and
// mappings, and with SLUICE_SCHEMA=all all 15,000, as `make proof` does.
func TestSchemaAgreesWhenChanged(t *testing.T) {
	facts := known(t)
	s := judge(t, facts)
	found, err := filepath.Glob("../testdata/ok/*.yaml")
	if err != nil || len(found) < 10 {
		t.Fatalf("%v %v", found, err)
	}
	asked, seen, every := 0, 0, 17
	if os.Getenv("SLUICE_SCHEMA") == "all" {
		every = 1
	}
	for _, file := range found {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if len(src) > 20_000 {
			continue
		}
		var root yaml.Node
		if err := yaml.Unmarshal(src, &root); err != nil {
			t.Fatal(err)
		}
		changes(&root, func(what string) {
			if seen++; seen%every != 0 && !strings.HasSuffix(what, " is []") && !strings.HasSuffix(what, " is {}") {
				return
			}
			changed, err := yaml.Marshal(&root)
			if err != nil {
				return
			}
			value, ok := jsonOf(changed)
			bad, sure, why := wrong(changed, facts)
			if !ok || !sure && !bad {
				return
			}
			asked++
			if verdict := s.Validate(value); bad == (verdict == nil) {
				t.Errorf("%s, %s: validate says %q, the schema %v", file, what, why, verdict)
			}
		})
	}
	if asked < 500 {
		t.Errorf("only %d changes were compared", asked)
	}
	t.Logf("%d changes", asked)
}

// changes makes one change of the tree after the other, each undone before the next.
func changes(n *yaml.Node, try func(what string)) {
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			key := child.Value
			child.Value = key + "x"
			try("key " + key + " renamed")
			child.Value = key
			with := n.Content
			n.Content = slices.Concat(with[:i:i], with[i+2:])
			try("key " + key + " removed")
			n.Content = with
			continue
		}
		changes(child, try)
		if child.Kind == yaml.AliasNode || child.Anchor != "" || n.Kind == yaml.DocumentNode {
			continue
		}
		for _, text := range []string{`""`, `" "`, "nothing", "5", "-1", "0", "1.5", "true", "null", "[]", "{}", `["a b"]`, `"Big Words"`, `"10s"`, `"0s"`, "{a: b}"} {
			var other yaml.Node
			if yaml.Unmarshal([]byte(text), &other) != nil {
				continue
			}
			n.Content[i] = other.Content[0]
			where := "an element"
			if n.Kind == yaml.MappingNode {
				where = n.Content[i-1].Value
			}
			try(where + " is " + text)
			n.Content[i] = child
		}
	}
}

// TestSchemaDescribes: what an editor shows of a key is there, and the schema is one
// by its dialect's own schema.
func TestSchemaDescribes(t *testing.T) {
	s := Schema(known(t))
	if s["$schema"] != Dialect {
		t.Errorf("dialect %v", s["$schema"])
	}
	for key, value := range s["properties"].(schema) {
		if value.(schema)["description"] == nil {
			t.Errorf("%s is not described", key)
		}
	}
}
