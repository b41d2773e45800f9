package inframanager

import (
	"encoding/json"
	"testing"
)

// The definition is a contract: releases in saved state are written so.
func TestSources(t *testing.T) {
	for text, want := range map[string]string{
		`{"gcsSource":"gs://b/o.zip#17"}`:                                             "gs://b/o.zip#17",
		`{"gitSource":{"repo":"https://github.com/a/b"}}`:                             "git::https://github.com/a/b",
		`{"gitSource":{"repo":"https://github.com/a/b","directory":"x/y","ref":"m"}}`: "git::https://github.com/a/b//x/y?ref=m",
		`{"gitSource":{"repo":"https://github.com/a/b.git","ref":"feature/a b"}}`:     "git::https://github.com/a/b.git?ref=feature%2Fa+b",
	} {
		var b blueprint
		if err := json.Unmarshal([]byte(text), &b); err != nil {
			t.Fatal(err)
		}
		s, err := b.source()
		if err != nil || s.String() != want {
			t.Errorf("%s: %s, %v", text, s, err)
		}
		parsed, ok := parseSource(want)
		again, err := b.with(parsed)
		if !ok || err != nil || !again.same(b) {
			t.Errorf("%s is read as %+v, %t", want, parsed, ok)
		}
	}
	for _, text := range []string{"", "app.zip", "gs://b", "gs://b/o#x", "gs://b/o#1#2", "git::x", "git::https://", "git::https://a/b?x=1", "git::https://a/b c"} {
		if s, ok := parseSource(text); ok {
			t.Errorf("%q is read as %+v", text, s)
		}
	}
}

// What a blueprint is given, and what is newer than this version, stays.
func TestBlueprintKeepsTheRest(t *testing.T) {
	var b blueprint
	if err := json.Unmarshal([]byte(`{"gcsSource":"gs://b/o#1","inputValues":{"a":{"inputValue":[1,{"b":null}]}},"externalValues":{"x":{}},"newer":7}`), &b); err != nil {
		t.Fatal(err)
	}
	s, _ := parseSource("git::https://a/b?ref=v1.0")
	next, err := b.with(s)
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(next)
	if want := `{"externalValues":{"x":{}},"gitSource":{"repo":"https://a/b","ref":"v1.0"},"inputValues":{"a":{"inputValue":[1,{"b":null}]}},"newer":7}`; err != nil || string(data) != want {
		t.Errorf("%s, want %s", data, want)
	}
	if b.same(next) {
		t.Error("they are the same")
	}
}

// FuzzSource: what is read as a release is written back the same.
func FuzzSource(f *testing.F) {
	for _, text := range []string{"gs://b/o#1", "git::https://a/b//c?ref=d", "git::ssh://git@a/b?ref=%2F", "git::https://a//b//c?ref=&ref=x"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if s, ok := parseSource(text); ok && s.String() != text {
			t.Errorf("%q is written back as %q", text, s)
		}
	})
}
