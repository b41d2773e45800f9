package storetest

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/store"
)

// Service is what the test of a store behind HTTP provides: a fresh stand-in of
// the service, served in process, so that time can be faked.
type Service struct {
	// Open returns another handle, with whatever the program puts around the
	// store. Its requests go through wrap.
	Open func(t *testing.T, wrap func(http.RoundTripper) http.RoundTripper) store.Store
	// Label names a request in the table: "GET blobs".
	Label func(*http.Request) string
	// Reads reports whether a request changes nothing.
	Reads func(*http.Request) bool
	// Leads reports whether the answer of a request is an address elsewhere, by
	// the service's own contract; it is asked there without credentials.
	Leads func(*http.Request) bool
	// Saves counts the saves that became part of the state so far.
	Saves func() int
	// Secrets must never be sent to another host.
	Secrets []string
}

// Within is how long one call of a store may take, whatever it is answered.
const Within = 2*time.Minute + 30*time.Second

// most is how much memory a call may take, in bytes.
const most = 200 << 20

// act is one call of a store, and what must be true after it.
type act struct {
	name   string
	saves  int // at most
	call   func(ctx context.Context, s store.Store) outcome
	before func(t *testing.T, s store.Store) // by the same handle, answered well
}

// outcome is what a call did, as its caller learns it.
type outcome struct {
	entries []store.Entry // loaded, or saved
	keys    []store.Key
	err     error
}

func acts() []act {
	read := func(t *testing.T, s store.Store) { load(t, s, key("web")) }
	commit := func(generation int64, k store.Key) func(context.Context, store.Store) outcome {
		return func(ctx context.Context, s store.Store) outcome {
			e := store.Entry{Key: k, Generation: generation, Data: record(100)}
			if generation > 1 {
				e.Version = versions(ctx, s, k)
			}
			saved, err := s.Commit(ctx, e)
			return outcome{entries: saved, err: err}
		}
	}
	loads := func(k store.Key) func(context.Context, store.Store) outcome {
		return func(ctx context.Context, s store.Store) outcome {
			entries, err := s.Load(ctx, k)
			return outcome{entries: entries, err: err}
		}
	}
	remove := func(ctx context.Context, s store.Store) outcome {
		saved, err := s.Commit(ctx, store.Entry{Key: key("web"), Generation: 2, Version: versions(ctx, s, key("web"))})
		return outcome{entries: saved, err: err}
	}
	return []act{
		{name: "load", call: loads(key("web"))},
		{name: "load, never written", call: loads(key("never"))},
		{name: "list", call: func(ctx context.Context, s store.Store) outcome {
			keys, err := s.List(ctx, "storefront", store.KindTarget)
			return outcome{keys: keys, err: err}
		}},
		{name: "create", call: commit(1, key("new")), saves: 1},
		{name: "save", call: commit(2, key("web")), saves: 1, before: read},
		{name: "remove", call: remove, saves: 1, before: read},
	}
}

// known is the key under which a handle's loaded version travels to its commit.
type known struct{}

func versions(ctx context.Context, _ store.Store, k store.Key) string {
	v, _ := ctx.Value(known{}).(map[store.Key]string)
	return v[k]
}

// Hostile gives every request of every call every hostile answer, once and from
// then on, before it took effect and after, and prints what the store did. It
// fails for each rule of docs/guarantees.md that an answer broke. newService is
// called once per case.
func Hostile(t *testing.T, newService func(t *testing.T) Service) {
	t.Helper()
	defer debug.SetGCPercent(debug.SetGCPercent(50))
	table, read := &table{}, map[string]bool{}
	for _, a := range acts() {
		asked := map[string]bool{}
		for n, label := range requests(t, newService, a) {
			again, known := asked[label.name], read[label.name]
			asked[label.name], read[label.name] = true, true
			for _, kind := range kinds() {
				// The same code reads it, and each takes as long: of those that end alike for
				// its caller, one is enough for each call, and none for a second request of it.
				if kind.long && (again || known && !kind.heals) {
					continue
				}
				for _, place := range label.places(kind) {
					table.add(t, newService, hostility{act: a, n: n, label: label, kind: kind, place: place})
				}
			}
		}
	}
	t.Log("\n" + table.String())
}

// requested is a request of a call that is answered well.
type requested struct {
	name    string
	writing bool
}

func (r requested) places(k kind) []string {
	if r.writing && k.edits { // there is no answer to edit before
		return []string{"after"}
	}
	if r.writing {
		return []string{"before", "after"}
	}
	return []string{"read"}
}

// requests are those that a call sends where every answer is good.
func requests(t *testing.T, newService func(*testing.T) Service, a act) (list []requested) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		world := prepared(t, newService)
		spy := &hostileTransport{service: world.service, hostility: hostility{n: -1}}
		got := world.run(t, a, spy)
		if got.err != nil {
			t.Fatalf("%s: %v", a.name, got.err)
		}
		list = spy.seen
	})
	if len(list) == 0 {
		t.Fatalf("%s sends nothing: the suite would prove nothing", a.name)
	}
	return list
}

// hostility is one case.
type hostility struct {
	act    act
	n      int
	label  requested
	kind   kind
	place  string
	always bool
}

// world is a service that holds two records, web and api.
type world struct {
	service Service
	web     store.Entry
}

func prepared(t *testing.T, newService func(*testing.T) Service) *world {
	t.Helper()
	w := &world{service: newService(t)}
	w.web = put(t, w.good(t), key("web"), record(1))
	put(t, w.good(t), key("api"), record(1))
	return w
}

// good is a handle whose requests nobody touches.
func (w *world) good(t *testing.T) store.Store {
	t.Helper()
	return w.service.Open(t, func(next http.RoundTripper) http.RoundTripper { return next })
}

// run makes the call through spy. A panic is an outcome.
func (w *world) run(t *testing.T, a act, spy *hostileTransport) (got outcome) {
	t.Helper()
	defer func() {
		if v := recover(); v != nil {
			got.err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	s := w.service.Open(t, func(next http.RoundTripper) http.RoundTripper { spy.next = next; return spy })
	if a.before != nil {
		spy.off = true
		a.before(t, s)
		spy.off = false
	}
	return a.call(context.WithValue(t.Context(), known{}, map[store.Key]string{key("web"): w.web.Version}), s)
}

// try runs one case and returns which rules it broke, and in a word what the
// store did.
func (h hostility) try(t *testing.T, newService func(*testing.T) Service) (did string, broken []string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := prepared(t, newService)
		spy := &hostileTransport{service: w.service, hostility: h}
		saves, started := w.service.Saves(), time.Now()
		gauge := newGauge()
		spy.gauge = gauge
		got := w.run(t, h.act, spy)
		gauge.look()
		took := time.Since(started)
		did = got.word()
		rule := func(kept bool, format string, args ...any) {
			if !kept {
				broken = append(broken, fmt.Sprintf(format, args...))
			}
		}
		rule(took <= Within, "bounded time: it took %s", took)
		rule(gauge.peak <= most, "memory: it took %d MB", gauge.peak>>20)
		rule(w.service.Saves()-saves <= h.act.saves, "never a second write: %d saves", w.service.Saves()-saves)
		broken = append(broken, spy.leaks...)
		broken = append(broken, h.judge(t, w, got)...)
	})
	return did, broken
}

// judge compares what the store said with what a handle finds that is answered
// well.
func (h hostility) judge(t *testing.T, w *world, got outcome) (broken []string) {
	t.Helper()
	rule := func(kept bool, format string, args ...any) {
		if !kept {
			broken = append(broken, fmt.Sprintf(format, args...))
		}
	}
	_, isUnreadable := asUnreadable(got.err)
	rule(got.err == nil || isUnreadable && !store.IsConflict(got.err), "what cannot be believed is unreadable: %v", got.err)
	rule(got.err == nil || len(got.entries) == 0, "a failed commit saved %v", got.entries)
	heals := h.kind.heals && !h.always && (h.place == "read" || h.place == "after")
	rule(!heals || got.err == nil, "one bad answer heals by being read again: %v", got.err)
	switch h.act.name {
	case "list":
		rule(got.err != nil || slices.Equal(got.keys, []store.Key{key("api"), key("web")}), "the list is %v", got.keys)
		return broken
	case "load":
		rule(got.err != nil || same(got.entries, w.web), "unreadable is never empty: it loads %+v", got.entries)
		return broken
	case "load, never written":
		rule(got.err != nil || same(got.entries, store.Entry{Key: key("never")}), "it loads %+v", got.entries)
		return broken
	}
	return append(broken, w.saved(t, h.act, got)...)
}

func same(entries []store.Entry, want store.Entry) bool {
	return len(entries) == 1 && entries[0].Key == want.Key && entries[0].Version == want.Version &&
		entries[0].Generation == want.Generation && bytes.Equal(entries[0].Data, want.Data)
}

// saved judges a commit: what it said was saved is found again, whatever is
// found is the old record or the new one, and the next save is possible.
func (w *world) saved(t *testing.T, a act, got outcome) (broken []string) {
	t.Helper()
	k, old := key("web"), w.web
	if a.name == "create" {
		k, old = key("new"), store.Entry{Key: key("new")}
	}
	entries, err := w.good(t).Load(t.Context(), k)
	if err != nil {
		return []string{fmt.Sprintf("the state is not readable any more: %v", err)}
	}
	now := entries[0]
	if a.name == "remove" {
		return append(broken, w.removed(t, got)...)
	}
	if isNew := now.Generation == old.Generation+1 && bytes.Equal(now.Data, record(100)); !isNew && !same(entries, old) {
		broken = append(broken, fmt.Sprintf("the record is neither the old nor the new one: %+v", now))
	}
	if got.err == nil && (len(got.entries) != 1 || !same(got.entries, now) || now.Version == old.Version) {
		broken = append(broken, fmt.Sprintf("a lost commit was reported as saved: %+v, found %+v", got.entries, now))
	}
	if _, err := w.good(t).Commit(t.Context(), next(now, record(101))); err != nil {
		broken = append(broken, fmt.Sprintf("the next save is impossible: %v", err))
	}
	return broken
}

// removed judges the commit of a removal as saved does.
func (w *world) removed(t *testing.T, got outcome) (broken []string) {
	t.Helper()
	s := w.good(t)
	now := load1(t, s, key("web"))
	gone := now.Version == "" && len(now.Data) == 0
	if !gone && !same([]store.Entry{now}, w.web) {
		broken = append(broken, fmt.Sprintf("the record is neither there nor gone: %+v", now))
	}
	if got.err == nil && (len(got.entries) != 1 || got.entries[0].Version != "" || !gone) {
		broken = append(broken, fmt.Sprintf("a lost removal was reported as saved: %+v, found %+v", got.entries, now))
	}
	if _, err := s.Commit(t.Context(), next(now, record(101))); err != nil {
		broken = append(broken, fmt.Sprintf("the next save is impossible: %v", err))
	}
	return broken
}

// word is the outcome in the table.
func (o outcome) word() string {
	switch {
	case o.err == nil:
		return "done"
	case store.IsConflict(o.err):
		return "CONFLICT"
	case store.IsUnreadable(o.err):
		return "unreadable"
	case strings.HasPrefix(o.err.Error(), "panic"):
		return "PANIC"
	default:
		return "ERROR"
	}
}

// table is call × request × answer → what the store did.
type table struct {
	rows   []string
	broken int
}

func (l *table) add(t *testing.T, newService func(*testing.T) Service, h hostility) {
	t.Helper()
	once, broken := "-", []string(nil)
	if !h.kind.long || h.kind.heals {
		once, broken = h.try(t, newService)
	}
	h.always = true
	always, more := h.try(t, newService)
	row := fmt.Sprintf("%-20s %-34s %-7s %-16s once: %-11s from then on: %s", h.act.name, fmt.Sprintf("%d %s", h.n+1, h.label.name), h.place, h.kind.name, once, always)
	l.rows = append(l.rows, row)
	for _, b := range append(broken, more...) {
		t.Errorf("%s\n\tbroke: %.600s", row, b)
		l.broken++
	}
	if l.broken > enough {
		t.Fatalf("stopped after %d broken rules\n%s", l.broken, l)
	}
}

// enough broken rules are told at once: the rest take long and say the same.
const enough = 3

func (l *table) String() string { return strings.Join(l.rows, "\n") }
