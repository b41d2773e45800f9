package proof_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
)

// table counts cases by platform and store as they are run.
type table struct {
	title string
	mu    sync.Mutex
	rows  map[[2]string]*tally
}

type tally struct{ cases, passed int }

func newTable(title string) *table { return &table{title: title, rows: map[[2]string]*tally{}} }

func (b *table) add(platform, store string, passed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	row := b.rows[[2]string{platform, store}]
	if row == nil {
		row = &tally{}
		b.rows[[2]string{platform, store}] = row
	}
	row.cases++
	if passed {
		row.passed++
	}
}

// print tells the table: on standard output where all of it was asked for.
func (b *table) print(t *testing.T) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	var text strings.Builder
	line := func(args ...any) { fmt.Fprintf(&text, "%-10s %-20s %-10s %8v %8v\n", args...) }
	line(b.title, "PLATFORM", "STORE", "CASES", "PASSED")
	var all tally
	order := func(x, y [2]string) int { return slices.Compare(x[:], y[:]) }
	for _, key := range slices.SortedFunc(maps.Keys(b.rows), order) {
		row := b.rows[key]
		line("", key[0], key[1], row.cases, row.passed)
		all.cases += row.cases
		all.passed += row.passed
	}
	line("", "all", "all", all.cases, all.passed)
	if !whole() {
		t.Log("\n" + text.String())
		return
	}
	fmt.Println("\n" + text.String())
}
