package storetest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"sluice/internal/store"
)

// Place is what the test of a store without a service provides: a fresh place,
// and what others may have put there.
type Place struct {
	// Open returns another handle, with whatever the program puts around the
	// store.
	Open func(t *testing.T) store.Store
	// Damages are what others put in the place, by name.
	Damages map[string]Damage
}

// Damage is something hostile in a place that holds the records web and api of
// the pipeline storefront.
type Damage struct {
	// Make puts it there.
	Make func(t *testing.T)
	// Intact, where set, says what was changed that is not the store's.
	Intact func() error
	// Harmless says that the store must not mind.
	Harmless bool
}

// quick is how long a call may take where nothing is waited for.
const quick = 10 * time.Second

// HostilePlace makes every call in every damaged place and prints what the store
// did, as [Hostile] does. newPlace is called once per case.
func HostilePlace(t *testing.T, newPlace func(t *testing.T) Place) {
	t.Helper()
	var names []string
	for name := range newPlace(t).Damages {
		names = append(names, name)
	}
	slices.Sort(names)
	list := &table{}
	for _, a := range acts() {
		for _, name := range names {
			did, broken := damaged(t, newPlace(t), a, name)
			row := fmt.Sprintf("%-20s %-44s %s", a.name, name, did)
			list.rows = append(list.rows, row)
			for _, b := range broken {
				t.Errorf("%s\n\tbroke: %.600s", row, b)
			}
		}
	}
	t.Log("\n" + list.String())
}

// damaged runs one case.
func damaged(t *testing.T, p Place, a act, name string) (did string, broken []string) {
	t.Helper()
	rule := func(kept bool, format string, args ...any) {
		if !kept {
			broken = append(broken, fmt.Sprintf(format, args...))
		}
	}
	web := put(t, p.Open(t), key("web"), record(1))
	put(t, p.Open(t), key("api"), record(1))
	s := p.Open(t)
	if a.before != nil {
		a.before(t, s)
	}
	damage := p.Damages[name]
	damage.Make(t)
	gauge := newGauge()
	ctx := context.WithValue(t.Context(), known{}, map[store.Key]string{key("web"): web.Version})
	done := make(chan outcome, 1)
	go func() { done <- a.call(ctx, s) }()
	var got outcome
	select {
	case got = <-done:
	case <-time.After(quick):
		return "HANGS", []string{"bounded time: it does not end"}
	}
	gauge.look()
	_, isUnreadable := asUnreadable(got.err)
	rule(gauge.peak <= most, "memory: it took %d MB", gauge.peak>>20)
	rule(got.err == nil || isUnreadable && !store.IsConflict(got.err), "what cannot be believed is unreadable: %v", got.err)
	rule(got.err == nil || len(got.entries) == 0, "a failed commit saved %v", got.entries)
	rule(got.err == nil || !damage.Harmless, "it must not mind: %v", got.err)
	if damage.Intact != nil {
		err := damage.Intact()
		rule(err == nil, "nothing outside the place is touched: %v", err)
	}
	if got.err == nil {
		broken = append(broken, believed(t, p, a, web, got)...)
	}
	return got.word(), broken
}

// believed judges a call that succeeded in a damaged place: what it says is what
// was saved.
func believed(t *testing.T, p Place, a act, web store.Entry, got outcome) []string {
	t.Helper()
	switch a.name {
	case "list":
		if !slices.Equal(got.keys, []store.Key{key("api"), key("web")}) {
			return []string{fmt.Sprintf("the list is %v", got.keys)}
		}
	case "load":
		if !same(got.entries, web) {
			return []string{fmt.Sprintf("unreadable is never empty: it loads %+v", got.entries)}
		}
	case "load, never written":
		if !same(got.entries, store.Entry{Key: key("never")}) {
			return []string{fmt.Sprintf("it loads %+v", got.entries)}
		}
	case "remove":
		found, err := p.Open(t).Load(t.Context(), key("web"))
		if err != nil || found[0].Version != "" || got.entries[0].Version != "" {
			return []string{fmt.Sprintf("a lost removal was reported as saved: %+v, found %+v, %v", got.entries, found, err)}
		}
	default:
		found, err := p.Open(t).Load(t.Context(), got.entries[0].Key)
		if err != nil || !same(found, got.entries[0]) {
			return []string{fmt.Sprintf("a lost commit was reported as saved: %+v, found %+v, %v", got.entries, found, err)}
		}
	}
	return nil
}
