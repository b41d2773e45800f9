package store_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"sluice/internal/store"
)

var web = store.Key{Pipeline: "storefront", Target: "web"}

func FuzzEnvelope(f *testing.F) {
	f.Add([]byte(`{"a":"<&>"}`), int64(1), "run 1")
	f.Add([]byte("\" \u2028\""), int64(7), "")
	f.Add([]byte("\"\xff\""), int64(1), "\xff")
	f.Fuzz(func(t *testing.T, data []byte, generation int64, by string) {
		if !json.Valid(data) || generation < 1 {
			t.Skip()
		}
		text, digest, err := store.Encode(store.Entry{Key: web, Generation: generation, Data: data}, by)
		if err != nil {
			t.Fatal(err)
		}
		if !utf8.Valid(text) {
			t.Errorf("not UTF-8: %q", text)
		}
		got, err := store.Decode(web, text)
		if err != nil {
			t.Fatalf("what was encoded does not decode: %v\n%s", err, text)
		}
		var want bytes.Buffer
		if err := json.Compact(&want, bytes.ToValidUTF8(data, []byte("\ufffd"))); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Data, want.Bytes()) || got.Generation != generation || got.Digest != digest {
			t.Errorf("decoded generation %d %q, want %d %q", got.Generation, got.Data, generation, want.Bytes())
		}
	})
}

func FuzzDecode(f *testing.F) {
	text, _, err := store.Encode(store.Entry{Key: web, Generation: 3, Data: []byte(`{"a":1}`)}, "run 1")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"schema":"sluice.store/v1","record":null}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := store.Decode(web, text)
		if err == nil && (got.Key != web || got.Generation < 1 || !json.Valid(got.Data) || got.Digest == "") {
			t.Errorf("accepted %q as %+v", text, got)
		}
	})
}

func TestNoTwoSavesAreEqual(t *testing.T) {
	e := store.Entry{Key: web, Generation: 1, Data: []byte("{}")}
	a, first, err := store.Encode(e, "run 1")
	if err != nil {
		t.Fatal(err)
	}
	b, second, err := store.Encode(e, "run 1")
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(a, b) || first == second {
		t.Error("a lost answer could not be told from a lost race")
	}
}

func TestDecodeSaysWhatIsWrong(t *testing.T) {
	for text, want := range map[string]string{
		"":                             "empty",
		"{":                            "not a whole record",
		"[]":                           "not a whole record",
		`{"schema":"other"}`:           `schema "other"`,
		`{"schema":"sluice.store/v9"}`: "this version of sluice knows sluice.store/v1",
		`{"schema":"sluice.store/v1"}`: "lacks its record",
		`{"schema":"sluice.store/v1","generation":1,"record":{}}`: "changed or damaged",
	} {
		if _, err := store.Decode(web, []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", text, err, want)
		}
	}
	text, _, err := store.Encode(store.Entry{Key: store.Key{Pipeline: "p", Target: "t"}, Generation: 1, Data: []byte("{}")}, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Decode(web, text); err == nil || !strings.Contains(err.Error(), "the record of p/t") {
		t.Errorf("another target's record: %v", err)
	}
}

func TestCompare(t *testing.T) {
	stored := func(target, version string, generation int64, by string) store.Stored {
		k := store.Key{Pipeline: "p", Target: target}
		return store.Stored{Entry: store.Entry{Key: k, Version: version, Generation: generation}, By: by}
	}
	current := []store.Stored{stored("a", "1", 1, "run 1"), stored("b", "2", 2, "run 2"), stored("c", "3", 3, "")}
	wanted := []store.Entry{stored("a", "1", 2, "").Entry, stored("b", "1", 2, "").Entry, stored("c", "3", 3, "").Entry}
	err := store.Compare(current, wanted)
	var lost *store.ConflictError
	if !errors.As(err, &lost) {
		t.Fatalf("error %v, want a conflict", err)
	}
	if len(lost.Keys) != 2 || lost.Keys[0].Target != "b" || lost.Keys[1].Target != "c" || !slices.Equal(lost.Who, []string{"run 2"}) {
		t.Errorf("conflict %+v", lost)
	}
	if err := store.Compare(current[:1], wanted[:1]); err != nil {
		t.Errorf("a current entry: %v", err)
	}
}

func TestPlacesKeepTheNewestLast(t *testing.T) {
	var p store.Places
	p.Add(web, store.Saved{Location: "1"})
	p.Add(store.Key{Pipeline: "storefront", Target: "api"}, store.Saved{Location: "2"})
	p.Add(web, store.Saved{Location: "3"})
	want := []store.Saved{{Location: "2"}, {Location: "3"}}
	if got := p.List(); !slices.Equal(got, want) {
		t.Errorf("places %v, want %v", got, want)
	}
}
