package kit_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/kit"
	"sluice/internal/sandbox/sandboxtest"
)

type state struct {
	Shops map[string]*shop `json:"shops"`
	kit.Count
}

type shop struct {
	Runs string `json:"runs"`
	kit.Work
}

func empty() state { return state{Shops: map[string]*shop{}} }

var start = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func newCore() kit.Core[state, string] {
	return kit.NewCore[string]("place", func() time.Time { return start }, empty, kit.Fail, "own")
}

// What is saved is the whole state; a document that is none changes nothing, and a map
// that an old one lacks is there.
func TestKept(t *testing.T) {
	c, other := newCore(), newCore()
	c.State.Shops["a"] = &shop{Runs: "v1", Work: kit.Begin(start, kit.Hang)}
	c.State.Next()
	saved, err := c.Save()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Restore(saved); err != nil {
		t.Fatal(err)
	}
	if again, err := other.Save(); err != nil || string(again) != string(saved) {
		t.Errorf("restored %s, %v\nsaved %s", again, err, saved)
	}
	if err := other.Restore([]byte(`{"shops":{"b":{}},`)); err == nil || other.State.Shops["a"] == nil {
		t.Errorf("half a document: %v, and left %v", err, other.State.Shops)
	}
	if err := other.Restore([]byte(`{"made":7}`)); err != nil || other.State.Shops == nil || other.State.Next() != 8 {
		t.Errorf("%v, %+v", err, other.State)
	}
	if got := fmt.Sprint(c.Platform(), c.FaultKinds()); got != "place[fail own]" {
		t.Error(got)
	}
}

func TestTargets(t *testing.T) {
	shops := map[string]*shop{"one": {Runs: "v1"}}
	targets := kit.Targets[string]{}
	for _, learned := range [][2]string{{"one", "web"}, {"one", "api"}, {"one", "web"}, {"two", "web"}} {
		targets.Learn(learned[0], learned[1])
	}
	if got := targets.Naming(func(key string) bool { return key == "one" }); !slices.Equal(got, []string{"api", "web"}) {
		t.Errorf("one is named by %v", got)
	}
	if got := targets.All(); !slices.Equal(got, []string{"api", "web"}) {
		t.Errorf("all are %v", got)
	}
	if s, err := kit.Named(targets, "api", shops); err != nil || s.Runs != "v1" {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := kit.Named(targets, "nobody", shops); err == nil || !strings.Contains(err.Error(), "the known ones are api, web") {
		t.Error(err)
	}
	delete(shops, "one")
	if _, err := kit.Named(targets, "api", shops); err == nil || !strings.Contains(err.Error(), "gone") {
		t.Error(err)
	}
}

// A seat knows how many stages are before its own, and how many of them have one of its
// group.
func TestSeats(t *testing.T) {
	type config struct{ App string }
	at := func(name, app string) sandboxtest.Target { return sandboxtest.Target{Name: name, Config: config{app}} }
	p := sandboxtest.Pipeline(t, "place", []sandboxtest.Target{at("a", "x"), at("b", "x")}, []sandboxtest.Target{at("c", "y")}, []sandboxtest.Target{at("d", "x")})
	list := func(group func(config) string) string {
		seats, err := kit.Seats(p, "place", group)
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, s := range seats {
			all = append(all, fmt.Sprint(s.Name(), s.Stage, s.Position))
		}
		return strings.Join(all, " ")
	}
	if got := list(nil); got != "a0 0 b0 0 c1 1 d2 2" {
		t.Errorf("all together: %s", got)
	}
	if got := list(func(c config) string { return c.App }); got != "a0 0 b0 0 c1 0 d2 1" {
		t.Errorf("by app: %s", got)
	}
	if seats, err := kit.Seats[config](p, "elsewhere", nil); err != nil || len(seats) > 0 {
		t.Errorf("elsewhere: %v, %v", seats, err)
	}
	p.Stages[1].Targets[0].Config = []byte(`{"App":7}`)
	if err := kit.Seed(p, "place", nil, func(kit.Seat[config]) {}); err == nil || !strings.Contains(err.Error(), "target c") {
		t.Errorf("keys of another type: %v", err)
	}
}

func TestPages(t *testing.T) {
	all := []int{1, 2, 3, 4, 5}
	var pages []string
	for from := range []int{0, 2, 4} {
		items, next := kit.Page(all, 2*from, 2)
		pages = append(pages, fmt.Sprint(items, kit.Token(next)))
	}
	if got := strings.Join(pages, " "); got != "[1 2]2 [3 4]4 [5]" {
		t.Error(got)
	}
	if items, next := kit.Page(all, 9, 2); len(items) != 0 || next != 0 {
		t.Errorf("beyond the end: %v, %d", items, next)
	}
	for text, good := range map[string]bool{"": true, "1": true, "0": false, "-1": false, "x": false} {
		if _, ok := kit.Number(text, 5, 1); ok != good {
			t.Errorf("%q is a number from 1 on: %t", text, ok)
		}
	}
}

// A page by name begins at the one that is called so, and says what comes after it.
func TestPagesByName(t *testing.T) {
	all := []string{"a", "b", "c", "d", "e"}
	name := func(one string) string { return one }
	var pages []string
	for at, more := "", true; more; more = at != "" {
		items, next, ok := kit.PageAt(all, name, at, 2)
		if at = next; !ok || len(pages) > len(all) {
			t.Fatalf("%v, %q, %t", items, next, ok)
		}
		pages = append(pages, fmt.Sprint(items))
	}
	if got := strings.Join(pages, " "); got != "[a b] [c d] [e]" {
		t.Error(got)
	}
	if items, next, ok := kit.PageAt(all, name, "x", 2); ok || items != nil || next != "" {
		t.Errorf("from what is not there: %v, %q, %t", items, next, ok)
	}
}

func TestAnswers(t *testing.T) {
	w := httptest.NewRecorder()
	kit.WriteJSON(w, http.StatusTeapot, "application/hal+json", map[string]int{"n": 1})
	if got := fmt.Sprintf("%d %s %s", w.Code, w.Header().Get("Content-Type"), w.Body); got != "418 application/hal+json {\"n\":1}\n" {
		t.Errorf("%q", got)
	}
	if a, b := kit.Hash(4, "a"), kit.Hash(4, "b"); len(a) != 8 || a == b || a != kit.Hash(4, "a") {
		t.Errorf("hashes %q, %q", a, b)
	}
}

// Work ends after a step, hangs as long as it is told to, and is forgotten once time has
// passed.
func TestWork(t *testing.T) {
	const step = 4 * time.Second
	for fault, want := range map[sandbox.FaultKind]string{"": "false false/false true/true", kit.Hang: "false false/false true/false", kit.Vanish: "false false/true true/true"} {
		w := kit.Begin(start, fault)
		atOnce := w.Run(start, step)
		later := w.Run(start.Add(step/2-1), step)
		gone, half := w.Gone, w.Half(start.Add(step/2), step)
		over := w.Run(start.Add(step), step)
		if got := fmt.Sprintf("%t %t/%t %t/%t", atOnce, later, gone, half, over); got != want {
			t.Errorf("fault %q: %s, want %s", fault, got, want)
		}
	}
}

func TestMoves(t *testing.T) {
	var m kit.Moves
	m.Move()
	if first, second := m.Moved(), m.Moved(); !first || second {
		t.Errorf("asked twice after one move: %t, %t", first, second)
	}
}
