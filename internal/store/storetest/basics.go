package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"sluice/internal/store"
)

func asUnreadable(err error) (*store.UnreadableError, bool) {
	var u *store.UnreadableError
	ok := errors.As(err, &u)
	return u, ok
}

func testFacts(t *testing.T, h Harness) {
	s := h.Open(t)
	if s.Facts().Name == "" {
		t.Error("the store has no name")
	}
	if again := h.Open(t).Facts(); again != s.Facts() {
		t.Errorf("facts differ between handles: %+v and %+v", s.Facts(), again)
	}
}

func testNeverWritten(t *testing.T, h Harness) {
	for _, e := range load(t, h.Open(t), key("web"), key("api")) {
		if e.Version != "" || e.Generation != 0 || len(e.Data) != 0 {
			t.Errorf("%s was never written, but loads as %+v", e.Key, e)
		}
	}
	put(t, h.Open(t), key("web"), record(1))
	if e := load1(t, h.Open(t), key("api")); e.Version != "" {
		t.Errorf("%s was never written, but has version %q once another record exists", e.Key, e.Version)
	}
	if entries := load(t, h.Open(t)); len(entries) != 0 {
		t.Errorf("loading no keys returned %v", entries)
	}
}

func testRoundTrip(t *testing.T, h Harness) {
	first := put(t, h.Open(t), key("web"), record(1))
	if first.Version == "" {
		t.Fatal("a saved entry has no version")
	}
	holds(t, h, first)
	second := put(t, h.Open(t), key("web"), record(2))
	if second.Version == first.Version {
		t.Error("the version did not change with the record")
	}
	holds(t, h, second)
	s := h.Open(t)
	third, err := s.Commit(t.Context(), next(second, record(3)))
	if err != nil {
		t.Fatalf("a store that never loaded cannot commit on a version it was given: %v", err)
	}
	holds(t, h, third[0])
	put(t, s, key("web"), record(4))
	entries := load(t, s, key("api"), key("web"), key("web"))
	if entries[0].Version != "" || entries[1].Generation != 4 || entries[2].Version != entries[1].Version {
		t.Errorf("a mixed load returned %+v", entries)
	}
}

// testContent saves what an encoder might change on the way.
func testContent(t *testing.T, h Harness) {
	s := h.Open(t)
	for _, data := range []string{
		`{"unknown":{"kept":[1,2,{"deep":null}]},"schema":"sluice.state/v9"}`,
		`{"text":"<a href=\"x\">&amp;</a> \u2028 ü 🚀 \u0000 \\ ::set-output::"}`,
		"{\"raw\":\"\u2028\u2029\u00a0\"}",
		`{"big":123456789012345678901234567890,"exp":1e400,"neg":-0.0,"ten":10.50}`,
		`{"b":1,"a":2,"b2":3}`,
		`[]`, `null`, `"text"`, `{}`,
	} {
		saved := put(t, s, key("web"), []byte(data))
		if string(saved.Data) != data {
			t.Errorf("commit returned %s for %s", saved.Data, data)
		}
		holds(t, h, saved)
	}
	e := put(t, s, key("web"), []byte("{\n  \"spaced\" : true\n}\n"))
	if got := load1(t, h.Open(t), e.Key).Data; string(got) != `{"spaced":true}` {
		t.Errorf("data comes back as %q, want compact JSON", got)
	}
}

func testOpenIsLazy(t *testing.T, h Harness) {
	s := h.Open(t)
	if n := h.Writes(); n != 0 {
		t.Errorf("opening modified the place %d times", n)
	}
	load(t, s, key("web"))
	if _, err := s.List(t.Context(), "storefront", store.KindTarget); err != nil {
		t.Fatal(err)
	}
	if n := h.Writes(); n != 0 {
		t.Errorf("reading modified the place %d times", n)
	}
}

func testList(t *testing.T, h Harness) {
	s := h.Open(t)
	if keys, err := s.List(t.Context(), "storefront", store.KindTarget); err != nil || len(keys) != 0 {
		t.Fatalf("list of an empty place: %v, %v", keys, err)
	}
	for _, target := range []string{"web", "api", "a-1"} {
		put(t, s, key(target), record(1))
	}
	put(t, s, key("web"), record(2))
	put(t, s, store.Key{Pipeline: "storefront-2", Target: "other"}, record(1))
	put(t, s, store.Key{Pipeline: "store", Target: "front-web"}, record(1))
	keys, err := h.Open(t).List(t.Context(), "storefront", store.KindTarget)
	if err != nil {
		t.Fatal(err)
	}
	if want := []store.Key{key("a-1"), key("api"), key("web")}; !slices.Equal(keys, want) {
		t.Errorf("list is %v, want %v", keys, want)
	}
}

func testWhere(t *testing.T, h Harness) {
	s := h.Open(t)
	if places := s.Where(); len(places) != 0 {
		t.Fatalf("a new handle says it saved at %v", places)
	}
	put(t, s, key("web"), record(1))
	put(t, s, key("api"), record(1))
	put(t, s, key("web"), record(2))
	places := s.Where()
	if len(places) != 2 {
		t.Fatalf("where lists %v, want one place per key", places)
	}
	for _, p := range places {
		if p.Location == "" || !strings.HasPrefix(p.Digest, "sha256:") {
			t.Errorf("a place lacks its location or digest: %+v", p)
		}
	}
	if other := h.Open(t).Where(); len(other) != 0 {
		t.Errorf("another handle claims those commits: %v", other)
	}
}

func testSeveral(t *testing.T, h Harness) {
	s := h.Open(t)
	entries := load(t, s, key("web"), key("api"), key("worker"))
	for i := range entries {
		entries[i] = next(entries[i], record(i))
	}
	saved, err := s.Commit(t.Context(), entries...)
	if err != nil || len(saved) != 3 {
		t.Fatalf("saved %d of 3: %v", len(saved), err)
	}
	for i, e := range saved {
		if e.Key != entries[i].Key {
			t.Errorf("saved entry %d is %s, want %s", i, e.Key, entries[i].Key)
		}
		holds(t, h, e)
	}
}

func testEmptyCommit(t *testing.T, h Harness) {
	saved, err := h.Open(t).Commit(t.Context())
	if err != nil || len(saved) != 0 || h.Writes() != 0 {
		t.Errorf("committing nothing saved %v with %d writes: %v", saved, h.Writes(), err)
	}
}

func testLarge(t *testing.T, h Harness) {
	data := []byte(`{"0":0`)
	for i := range 50_000 {
		data = fmt.Appendf(data, `,"%x":%d`, i*i+1, i)
	}
	data = append(data, '}')
	holds(t, h, put(t, h.Open(t), key("web"), data))
}
