package proof_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sluice/internal/proof/prooftest"
)

// deaths is how often the fleet's promotion is killed.
const deaths = 10

// TestFleet: the fleet of the examples is promoted in waves, killed at random
// moments and run again: each target is promoted once, and no wave begins before
// the one before is over. `go test ./...` has a twentieth of the fleet.
func TestFleet(t *testing.T) {
	text, err := os.ReadFile("../../examples/fleet/sluice.yaml")
	if err != nil {
		t.Fatal(err)
	}
	fleet := 1000
	if !prooftest.Whole() {
		fleet = 50
	}
	w := newWorld(t, "file", first(t, string(text), fleet), 10) // saving a fleet takes longer than a lease does in faster time
	chance := rand.New(rand.NewPCG(seed(t), 1))
	w.passage.counts = func(what string) bool {
		return !strings.Contains(what, " GET ") && !strings.Contains(what, "/filters/")
	} // most of it is reading
	died := 0
	for run := int64(1); ; run++ {
		at := never
		if died < deaths {
			at = chance.IntN(fleet / 2)
		}
		got := w.run(t, promote(run), at)
		if _, where, killed := w.passage.list(); killed {
			t.Logf("killed %s, with %d promoted", where, len(w.effects()))
			died++
			continue
		}
		if got.code != 0 {
			t.Fatalf("run %d: %s", run, got)
		}
		break
	}
	if died < deaths {
		t.Errorf("it was killed %d times, want %d: it was done before", died, deaths)
	}
	w.promotedOnce(t, fleet)
}

// first is the fleet's file with fewer targets of production.
func first(t *testing.T, text string, fleet int) string {
	t.Helper()
	lines := strings.SplitAfter(text, "\n")
	target := regexp.MustCompile(`name: store-\d+,`)
	kept := slices.DeleteFunc(lines, func(line string) bool {
		if target.MatchString(line) {
			fleet--
			return fleet < 0
		}
		return false
	})
	if fleet > 0 {
		t.Fatalf("the fleet has %d targets too few", fleet)
	}
	return strings.Join(kept, "")
}

// promotedOnce counts the effects at the platform and holds them against the
// file's order: those of a wave come after all of the one before.
func (w *world) promotedOnce(t *testing.T, fleet int) {
	t.Helper()
	p := parsed(t, read(t, w.file))
	stage := p.Stages[1]
	wave := map[string]int{}
	sizes := []int{1, 10, max(10, fleet/10), fleet / 2, fleet}
	for i, target := range stage.Targets {
		wave[target.Name.Value] = slices.IndexFunc(sizes, func(size int) bool { return i < size })
	}
	last, times := 0, map[string]int{}
	for _, effect := range w.platforms.Effects() {
		for _, target := range effect.Targets {
			times[target]++
			if wave[target] < last {
				t.Errorf("%s of wave %d comes after wave %d began", target, wave[target]+1, last+1)
			}
			last = max(last, wave[target])
		}
	}
	for _, target := range stage.Targets {
		if n := times[target.Name.Value]; n != 1 {
			t.Errorf("%s was promoted %d times", target.Name.Value, n)
		}
	}
	if len(times) != fleet {
		t.Errorf("%d targets had effects, want %d: %s", len(times), fleet, fmt.Sprint(times))
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
