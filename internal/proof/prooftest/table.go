// Package prooftest is for the tests of `make proof`: it counts the cases that they run,
// and writes them into the figures of docs/guarantees.md.
package prooftest

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// Whole reports whether every case there is was asked for.
func Whole() bool { return os.Getenv("SLUICE_PROOF") == "all" }

// Table counts cases as they are run: by platform and store, or by what else stands in
// these columns.
type Table struct {
	title string
	mu    sync.Mutex
	rows  map[[2]string]*tally
}

type tally struct{ cases, passed int }

// NewTable returns a table of a run of that name, without cases.
func NewTable(title string) *Table { return &Table{title: title, rows: map[[2]string]*tally{}} }

// Add counts a case.
func (b *Table) Add(platform, store string, passed bool) {
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

// Print tells the table: on standard output where all of it was asked for. It is written
// into the page where SLUICE_FIGURES says so. The page is looked for from a package two
// folders below the repository's root.
func (b *Table) Print(t *testing.T) {
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
	if !Whole() {
		t.Log("\n" + text.String())
		return
	}
	fmt.Println("\n" + text.String())
	if os.Getenv("SLUICE_FIGURES") == "write" {
		b.write(t)
	}
}

// guarantees is the page that has the figures, between the two lines.
const (
	guarantees   = "../../docs/guarantees.md"
	figuresBegin = "<!-- written by make proof: begin -->\n"
	figuresEnd   = "<!-- written by make proof: end -->\n"
)

// writing is held by the table that is written.
var writing sync.Mutex

// write puts the rows into the page, in place of those of the same run, platform and
// store. The others stay as they were written last.
func (b *Table) write(t *testing.T) {
	t.Helper()
	writing.Lock()
	defer writing.Unlock()
	page, err := os.ReadFile(guarantees)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, found := strings.Cut(string(page), figuresBegin)
	old, tail, ends := strings.Cut(rest, figuresEnd)
	if !found || !ends {
		t.Fatalf("%s has no place for figures", guarantees)
	}
	rows := figures(old)
	for key, row := range b.rows {
		rows[[3]string{b.title, key[0], key[1]}] = *row
	}
	if err := os.WriteFile(guarantees, []byte(head+figuresBegin+written(rows)+figuresEnd+tail), 0o600); err != nil {
		t.Fatal(err)
	}
}

// figures are the rows of a page, by run, platform and store.
func figures(text string) map[[3]string]tally {
	rows := map[[3]string]tally{}
	for line := range strings.Lines(text) {
		cells := strings.Split(line, "|")
		if len(cells) != 7 {
			continue
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		cases, err1 := strconv.Atoi(cells[4])
		passed, err2 := strconv.Atoi(cells[5])
		if err1 == nil && err2 == nil {
			rows[[3]string(cells[1:4])] = tally{cases, passed}
		}
	}
	return rows
}

// written are rows as a table of the page.
func written(rows map[[3]string]tally) string {
	var text strings.Builder
	text.WriteString("| run | platform | store | cases | passed |\n|---|---|---|---:|---:|\n")
	order := func(x, y [3]string) int { return slices.Compare(x[:], y[:]) }
	for _, key := range slices.SortedFunc(maps.Keys(rows), order) {
		fmt.Fprintf(&text, "| %s | %s | %s | %d | %d |\n", key[0], key[1], key[2], rows[key].cases, rows[key].passed)
	}
	return text.String()
}
