package storetest

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"testing"

	"sluice/internal/store"
)

func testBadEntries(t *testing.T, h Harness) {
	s := h.Open(t)
	web := store.Entry{Key: key("web"), Generation: 1, Data: record(1)}
	for name, entries := range map[string][]store.Entry{
		"not JSON":  {{Key: key("web"), Generation: 1, Data: []byte("{")}},
		"no data":   {{Key: key("web"), Generation: 1}},
		"twice":     {web, web},
		"two JSONs": {{Key: key("web"), Generation: 1, Data: []byte("{} {}")}},
		"one bad":   {web, {Key: key("api"), Generation: 1, Data: []byte("x")}},
	} {
		saved, err := s.Commit(t.Context(), entries...)
		unreadable(t, err, "write")
		if len(saved) != 0 || h.Writes() != 0 {
			t.Errorf("%s: saved %v with %d writes", name, saved, h.Writes())
		}
	}
}

func testBadNames(t *testing.T, h Harness) {
	s := h.Open(t)
	for _, bad := range []string{
		"", ".", "..", "../web", "a/b", "/etc", "a\\b", "Web", "a.json", "a b", "a\n", "a\x00", "ü", "-a", "a-",
		string(bytes.Repeat([]byte("a"), 64)),
	} {
		for _, k := range []store.Key{{Pipeline: "storefront", Target: bad}, {Pipeline: bad, Target: "web"}} {
			_, err := s.Load(t.Context(), k)
			unreadable(t, err, "read")
			_, err = s.Commit(t.Context(), store.Entry{Key: k, Generation: 1, Data: record(1)})
			unreadable(t, err, "write")
		}
		_, err := s.List(t.Context(), bad, store.KindTarget)
		unreadable(t, err, "list")
	}
	if n := h.Writes(); n != 0 {
		t.Errorf("bad names led to %d writes", n)
	}
}

func testSizeLimit(t *testing.T, h Harness) {
	s := h.Open(t)
	current := put(t, s, key("web"), record(1))
	before := h.Writes()
	data := slices.Concat([]byte(`"`), bytes.Repeat([]byte("a"), store.MaxRecord), []byte(`"`))
	_, err := s.Commit(t.Context(), next(current, data))
	unreadable(t, err, "write")
	if n := h.Writes() - before; n != 0 {
		t.Errorf("a record that is too large led to %d writes", n)
	}
	holds(t, h, current)
}

// damages are edits that must be noticed.
func damages() map[string]func([]byte) []byte {
	cut := func(part int) func([]byte) []byte {
		return func(b []byte) []byte { return b[:len(b)*part/8] }
	}
	swap := func(old, with string) func([]byte) []byte {
		return func(b []byte) []byte { return bytes.Replace(b, []byte(old), []byte(with), 1) }
	}
	return map[string]func([]byte) []byte{
		"empty":               func([]byte) []byte { return nil },
		"zeroes":              func(b []byte) []byte { return make([]byte, len(b)) },
		"garbage":             func([]byte) []byte { return []byte("<html>502 Bad Gateway</html>") },
		"empty object":        func([]byte) []byte { return []byte("{}") },
		"null":                func([]byte) []byte { return []byte("null") },
		"cut to an eighth":    cut(1),
		"cut to a half":       cut(4),
		"last bytes missing":  func(b []byte) []byte { return b[:len(b)-3] },
		"twice":               func(b []byte) []byte { return slices.Concat(b, b) },
		"digit of the record": swap("4711", "4712"),
		"generation":          swap(`"generation": 1`, `"generation": 2`),
		"target":              swap(`"target": "web"`, `"target": "api"`),
		"newer schema":        swap(store.Schema, "sluice.store/v2"),
	}
}

func testCorrupt(t *testing.T, h Harness) {
	if h.Corrupt == nil {
		t.Skip("nothing outside this process can damage the place")
	}
	put(t, h.Open(t), key("api"), record(1))
	saved := put(t, h.Open(t), key("web"), record(4711))
	for _, name := range slices.Sorted(maps.Keys(damages())) {
		t.Run(name, func(t *testing.T) {
			var whole []byte
			h.Corrupt(t, key("web"), func(b []byte) []byte {
				whole = bytes.Clone(b)
				damaged := damages()[name](b)
				if bytes.Equal(damaged, whole) {
					t.Fatal("this damage changes nothing: the test would prove nothing")
				}
				return damaged
			})
			before := h.Writes()
			_, err := h.Open(t).Load(t.Context(), key("web"))
			unreadable(t, err, "read")
			_, err = h.Open(t).Load(t.Context(), key("api"), key("web"))
			unreadable(t, err, "read")
			if h.Open(t).Facts().Swap {
				_, err = h.Open(t).Commit(t.Context(), store.Entry{Key: key("web"), Generation: 1, Data: record(9)})
				if err == nil {
					t.Error("a damaged record was overwritten as if it had never been written")
				}
			}
			if n := h.Writes() - before; n != 0 {
				t.Errorf("a damaged record led to %d writes", n)
			}
			h.Corrupt(t, key("web"), func([]byte) []byte { return whole })
		})
	}
	if got := load1(t, h.Open(t), key("web")); !bytes.Equal(got.Data, saved.Data) {
		t.Errorf("the repaired record reads %s", got.Data)
	}
}

func testUnreadable(t *testing.T, h Harness) {
	saved := put(t, h.Open(t), key("web"), record(1))
	for _, name := range slices.Sorted(maps.Keys(h.Breaks)) {
		t.Run(name, func(t *testing.T) {
			before := h.Writes()
			repair := h.Breaks[name](t)
			for _, k := range []store.Key{key("web"), key("never-written")} {
				_, err := h.Open(t).Load(t.Context(), k)
				unreadable(t, err, "read")
			}
			_, err := h.Open(t).List(t.Context(), "storefront", store.KindTarget)
			unreadable(t, err, "list")
			_, err = h.Open(t).Commit(t.Context(), next(saved, record(2)))
			if _, ok := asUnreadable(err); !ok {
				t.Errorf("commit to a broken place: %v, want unreadable", err)
			}
			repair()
			if n := h.Writes() - before; n != 0 {
				t.Errorf("a broken place took %d writes", n)
			}
			holds(t, h, saved)
		})
	}
}

func testCancelledBefore(t *testing.T, h Harness) {
	s := h.Open(t)
	saved := put(t, s, key("web"), record(1))
	before := h.Writes()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Commit(ctx, next(saved, record(2)), store.Entry{Key: key("api"), Generation: 1, Data: record(1)})
	cancelled(t, err)
	_, err = s.Load(ctx, key("web"))
	cancelled(t, err)
	_, err = s.List(ctx, "storefront", store.KindTarget)
	cancelled(t, err)
	if n := h.Writes() - before; n != 0 {
		t.Errorf("%d writes after the context was cancelled", n)
	}
	holds(t, h, saved)
}

func cancelled(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, context.Canceled) || store.IsUnreadable(err) || store.IsConflict(err) {
		t.Errorf("error %v, want context.Canceled as it is", err)
	}
}

// testCancelledWithin cancels at every point where the store looks. Whatever
// it answers, each record is afterwards the old one or the new one, and those
// that were reported as saved are the new one.
func testCancelledWithin(t *testing.T, h Harness) {
	const points = 12
	succeeded := false
	for n := range points {
		s := h.Open(t)
		before := load(t, s, key("web"), key("api"))
		wanted := []store.Entry{next(before[0], record(100+n)), next(before[1], record(200+n))}
		ctx := newCancelOn(t.Context(), n)
		saved, err := s.Commit(ctx, wanted...)
		ctx.cancel()
		succeeded = succeeded || err == nil
		if err == nil && len(saved) != len(wanted) {
			t.Fatalf("no error, but %d of %d saved", len(saved), len(wanted))
		}
		if err != nil && s.Facts().Atomic && len(saved) != 0 {
			t.Errorf("an atomic store saved %d of a cancelled commit", len(saved))
		}
		writes := h.Writes()
		for i, e := range load(t, h.Open(t), key("web"), key("api")) {
			whole(t, e, before[i], wanted[i], saved)
		}
		if h.Writes() != writes {
			t.Error("the place was modified after a cancelled commit returned")
		}
	}
	if !succeeded {
		t.Logf("no commit got through %d checks of its context", points)
	}
}

func whole(t *testing.T, got, old, wanted store.Entry, saved []store.Entry) {
	t.Helper()
	for _, s := range saved {
		if s.Key == got.Key && s.Version != got.Version {
			t.Errorf("%s was reported as saved with version %q, but has %q", got.Key, s.Version, got.Version)
		}
	}
	isOld := got.Version == old.Version && bytes.Equal(got.Data, old.Data)
	isNew := got.Generation == wanted.Generation && bytes.Equal(got.Data, wanted.Data)
	if !isOld && !isNew {
		t.Errorf("%s is neither the old record nor the new one: %+v", got.Key, got)
	}
}
