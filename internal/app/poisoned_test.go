package app

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/outside/outsidetest"
	"sluice/internal/proof/prooftest"
	"sluice/internal/store"
	"sluice/internal/store/storetest"
	"sluice/rollout"
)

// poison puts words into one place of an entry of the state, as whoever can write the
// store could. What cannot be encoded is no entry.
type poison struct {
	kind   string // as the store calls it
	name   string // as rollout does
	places []outsidetest.Place
	put    func(data []byte, place outsidetest.Place, words string) ([]byte, error)
}

func poisonOf[E rollout.Entry](kind string) poison {
	t := reflect.TypeFor[E]()
	return poison{kind: kind, name: t.Name(), places: outsidetest.Places(t), put: func(data []byte, place outsidetest.Place, words string) ([]byte, error) {
		e, err := rollout.Decode[E](data)
		if err != nil {
			return nil, err
		}
		place.Put(&e, words)
		return rollout.Encode(e)
	}}
}

func poisons() []poison {
	return []poison{
		poisonOf[rollout.Record](store.KindTarget), poisonOf[rollout.Promotion](store.KindPromotion), poisonOf[rollout.Run](store.KindRun),
		poisonOf[rollout.History](store.KindHistory), poisonOf[rollout.Index](store.KindIndex),
	}
}

// TestEveryEntryIsPoisoned: what the state is made of is read from the code.
func TestEveryEntryIsPoisoned(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../../rollout/codec.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if ok && spec.Name.Name == "Entry" {
			ast.Inspect(spec.Type, func(n ast.Node) bool {
				if name, ok := n.(*ast.Ident); ok {
					names = append(names, name.Name)
				}
				return true
			})
		}
		return true
	})
	var have []string
	for _, p := range poisons() {
		have = append(have, p.name)
	}
	if len(names) == 0 || !slices.Equal(names, have) {
		t.Errorf("the state is made of %q, and %q are poisoned", names, have)
	}
}

// lived is the state of a target that something of everything happened to: a rollout
// that went well, one that failed, one that waits, a block, an order, a run at work.
func lived(t *testing.T) *base {
	t.Helper()
	b := newBase(t, &moon{way: goesWell})
	inside := modes()[0]
	for _, step := range []struct {
		way  way
		args []string
	}{
		{goesWell, []string{"promote", "--to", "production"}},
		{goesWell, []string{"promote", "--to", "staging", "--release", "r3"}},
		{goesWrong, []string{"promote", "--to", "production"}},
		{goesWell, []string{"rollback", "--target", "api", "--reason", "it is slow"}},
		{goesWell, []string{"lock", "--target", "api", "--reason", "incident 12"}},
	} {
		b.moon.way = step.way
		got := b.run(t, inside, step.args...)
		if want := step.way == goesWrong; (got.code != 0) != want {
			t.Fatalf("%v: exit %d\n%s", step.args, got.code, got.stderr)
		}
		time.Sleep(time.Minute)
	}
	b.moon.way = goesWell
	entries := b.entries(t)
	for key, data := range entries {
		if key.Kind != store.KindTarget {
			continue
		}
		r, err := rollout.Decode[rollout.Record](data)
		if err != nil {
			t.Fatal(err)
		}
		if key.Target == "source" {
			r.Lease = "run-9"
		}
		r.Orders = []rollout.Order{{ID: "o-1", Command: "rollback", By: "anna", Reason: "because", At: time.Now()}}
		r.Past = []rollout.Past{{Rollout: "r0-to-api-0001", State: rollout.StateSucceeded, Release: "r0"}}
		if entries[key], err = rollout.Encode(r); err != nil {
			t.Fatal(err)
		}
		history := rollout.History{Schema: rollout.Schema, Pipeline: key.Pipeline, Target: key.Target, Generation: 1, Rollouts: r.Rollouts[:min(1, len(r.Rollouts))], Events: r.Events[:min(1, len(r.Events))]}
		if entries[store.Key{Pipeline: key.Pipeline, Kind: store.KindHistory, Target: key.Target}], err = rollout.Encode(history); err != nil {
			t.Fatal(err)
		}
	}
	run := rollout.Run{Schema: rollout.Schema, ID: "run-9", Pipeline: "shop", Generation: 1, Actor: "berta", Host: "elsewhere", RunURL: "https://github.example/9", Started: time.Now(), Until: time.Now().AddDate(1, 0, 0)}
	var err error
	if entries[store.Key{Pipeline: "shop", Kind: store.KindRun, Target: run.ID}], err = rollout.Encode(run); err != nil {
		t.Fatal(err)
	}
	b.memory = holding(entries)
	return b
}

// entries are what the state holds.
func (b *base) entries(t *testing.T) map[store.Key][]byte {
	t.Helper()
	all := map[store.Key][]byte{}
	for _, e := range b.memory.History() {
		all[e.Key] = e.Data
		if e.Data == nil {
			delete(all, e.Key)
		}
	}
	return all
}

// holding is a store that holds entries.
func holding(entries map[store.Key][]byte) *storetest.Memory {
	m := storetest.NewMemory()
	for key, data := range entries {
		m.Set(key, data)
	}
	return m
}

// look are the commands that tell of the state, and those that go on from it, some of
// them in turn.
func look(dir string, n int) [][]string {
	return append(someOf([][]string{
		{"history"}, {"events"}, {"state", "show"}, {"plan", "--to", "production"}, {"plan", "rollback", "--target", "api"}, {"reconcile"}, {"unlock", "--target", "api"},
		{"promote", "--to", "production", "--wait-budget", "2m"}, {"rollback", "--target", "api", "--reason", "again"}, {"report", "--out", dir + "/site"},
	}, n), []string{"status"}, []string{"get", "r2-to-api-0001"})
}

// TestHostileState: each text of each entry of the state is hostile, one after the
// other, and has a credential of the program's in it. Nothing of it acts in anything
// that any command tells, whether the entry is still believed or not, and the
// credential is not told.
func TestHostileState(t *testing.T) {
	t.Parallel()
	h := from(t, "state")
	var entries map[store.Key][]byte
	synctest.Test(t, func(t *testing.T) { entries = lived(t).entries(t) })
	n := 0
	for _, p := range poisons() {
		for i, place := range p.places {
			if p.kind == store.KindHistory && !prooftest.Whole() && i%4 != 0 {
				continue // what is in it is in a record, too
			}
			n++
			changed, err := p.in(entries, place, secretOf(n)+" "+outsidetest.Words)
			if err != nil {
				t.Logf("%s.%s: no such entry can be: %v", p.name, place.Path, err)
				continue
			}
			h.try(t, p.name, p.name+"."+place.Path, n, modes(), func(t *testing.T, n int, as mode) []string {
				return poisoned(t, changed, n, as)
			})
		}
	}
}

// in are entries with words in one place of each of the kind.
func (p poison) in(entries map[store.Key][]byte, place outsidetest.Place, words string) (map[store.Key][]byte, error) {
	changed, found := maps.Clone(entries), false
	for key, data := range entries {
		if key.Kind != p.kind {
			continue
		}
		var err error
		if changed[key], err = p.put(data, place, words); err != nil {
			return nil, err
		}
		found = true
	}
	if !found {
		return nil, errors.New("the state has no entry of the kind")
	}
	return changed, nil
}

// poisoned runs all commands on a state, and finds what is wrong with what they tell.
func poisoned(t *testing.T, entries map[store.Key][]byte, n int, as mode) []string {
	t.Helper()
	time.Sleep(time.Hour) // the state is that old
	b := newBase(t, &moon{way: goesWell})
	secret := b.plant(n)
	var wrong []string
	for _, args := range look(b.dir, n) {
		b.memory, b.moon.runs = holding(entries), map[string]string{"source": "r3", "api": "r2"}
		wrong = append(wrong, b.told(t, as, secret, args)...)
	}
	return wrong
}
