package app_test

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// costs are what a plain promotion of targets asked of the place of its state.
type costs struct{ artifacts, lists, git, s3 int }

// plain is a pipeline of n targets without a canary.
func plain(n int) string {
	return regexp.MustCompile(`, strategy: .*`).ReplaceAllString(many(n), "}")
}

// cost promotes n targets once with each store.
func cost(t *testing.T, n int) costs {
	t.Helper()
	promote := []string{"promote", "--to", "production", "--concurrency", "32"}
	made := func(name string) *world {
		w := newWorld(t, plain(n))
		w.artifacts.Meter.Enforce, w.git.Meter.Enforce = true, true
		w.wants(t, 0, "promote: succeeded", job{run: 7}, append(promote, "--store", w.stores()[name])...)
		return w
	}
	inArtifacts, inGit, inBucket := made("artifact"), made("git"), made("s3")
	return costs{len(inArtifacts.artifacts.Artifacts()), inArtifacts.artifacts.Meter.Total(), inGit.git.Meter.Total(), len(inBucket.bucket.Requests)}
}

// costTable is the table of docs/state.md.
var costTable = regexp.MustCompile(`(?s)(\| targets \| .*?\n\|---[^\n]*\n)((?:\| [0-9,]+ \|[^\n]*\n)+)`)

const costFile = "../../docs/state.md"

func row(n int, c costs) string {
	return fmt.Sprintf("| %s | %s | %s | %s | %s |\n", thousands(n), thousands(c.artifacts), thousands(c.lists), thousands(c.git), thousands(c.s3))
}

func thousands(n int) string {
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%d,%03d", n/1000, n%1000)
}

// TestCosts: the table of what stores are asked for is that of this program. `make
// costs` writes it; without that its first rows are looked at, where what goes together
// depends on the machine: a row may have a third more or less, and four.
func TestCosts(t *testing.T) {
	text, err := os.ReadFile(costFile)
	if err != nil {
		t.Fatal(err)
	}
	table := costTable.FindSubmatch(text)
	if table == nil {
		t.Fatal("no table of costs in docs/state.md")
	}
	if os.Getenv("SLUICE_COSTS") == "write" {
		rows := ""
		for _, n := range []int{1, 10, 100, 1000} {
			rows += row(n, cost(t, n))
		}
		if err := os.WriteFile(costFile, costTable.ReplaceAll(text, []byte("${1}"+rows)), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	rows := strings.Split(strings.TrimSpace(string(table[2])), "\n")
	if len(rows) != 4 {
		t.Fatalf("rows %q", rows)
	}
	for i, n := range []int{1, 10} {
		want := numbers(t, rows[i])
		for j, got := range numbers(t, row(n, cost(t, n))) {
			if off := max(got-want[j], want[j]-got); off > want[j]/3+4 {
				t.Errorf("%d targets: column %d is %d, the table says %d; `make costs` writes it anew", n, j+1, got, want[j])
			}
		}
	}
}

func numbers(t *testing.T, row string) []int {
	t.Helper()
	var list []int
	for cell := range strings.SplitSeq(strings.Trim(row, "| \n"), " | ") {
		n, err := strconv.Atoi(strings.ReplaceAll(cell, ",", ""))
		if err != nil {
			t.Fatalf("%q: %v", row, err)
		}
		list = append(list, n)
	}
	return list
}
