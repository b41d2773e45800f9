package proof_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sluice/internal/proof/prooftest"
	"sluice/stages/driver"
)

// seed is what chance goes by: SLUICE_SEED, or the same at every test.
func seed(t *testing.T) uint64 {
	t.Helper()
	text := cmp.Or(os.Getenv("SLUICE_SEED"), "1")
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("SLUICE_SEED: %v", err)
	}
	t.Logf("SLUICE_SEED=%d", n)
	return n
}

// sampled is how many of each way's points `go test ./...` tries.
const sampled = 3

// crash is one point of a scenario at which the program is killed.
type crash struct {
	scenario scenario
	platform string
	store    string
	at       int
}

// TestCrashes: killed before and after each request to a platform and each save,
// one at a time, and run again, a release goes its way as if nothing had been.
func TestCrashes(t *testing.T) {
	ways, table := crashes(), prooftest.NewTable("crashes")
	chance := rand.New(rand.NewPCG(seed(t), 0))
	if !prooftest.Whole() {
		ways = sample(chance, ways)
	}
	t.Run("killed", func(t *testing.T) {
		for _, way := range ways {
			own := rand.New(rand.NewPCG(chance.Uint64(), 0))
			t.Run(way.platform+"/"+way.store+"/"+way.scenario.name, func(t *testing.T) {
				t.Parallel()
				way.everywhere(t, table, own)
			})
		}
	})
	table.Print(t)
}

// TestHalfSaved: killed between two of the entries that say what a call of several
// targets came to. What is saved of it goes on beside what has to be looked up.
func TestHalfSaved(t *testing.T) {
	group := scenarios()[len(scenarios())-1]
	for _, f := range facts() {
		if f.BatchSize() < group.targets {
			continue
		}
		c := crash{group.on(f), f.Platform, "file", never}
		want, points := c.live(t)
		half := fmt.Sprintf(", %d of %d entries saved", group.targets/2, group.targets)
		killed := 0
		for at, what := range points {
			if !strings.HasSuffix(what, half) {
				continue
			}
			c.at = at
			if got, _ := c.live(t); got.String() != want.String() {
				t.Errorf("killed %s, and then\n%s\nwant\n%s", what, got, want)
			}
			killed++
		}
		if killed < 2 { // the intents, and what was begun
			t.Errorf("killed %d times, with %q among %q", killed, half, points)
		}
	}
}

// crashes are the ways that the platforms can go, over every store.
func crashes() []crash {
	var ways []crash
	for _, f := range facts() {
		for _, store := range stores {
			for _, s := range scenarios() {
				if s.possible(f) {
					ways = append(ways, crash{s.on(f), f.Platform, store, never})
				}
			}
		}
	}
	return ways
}

// sample is one way of each platform and one over each store.
func sample(chance *rand.Rand, ways []crash) []crash {
	var some []crash
	missing := map[string]bool{}
	for _, w := range ways {
		missing[w.platform], missing[w.store] = true, true
	}
	for _, i := range chance.Perm(len(ways)) {
		if w := ways[i]; missing[w.platform] || missing[w.store] {
			some = append(some, w)
			delete(missing, w.platform)
			delete(missing, w.store)
		}
	}
	return some
}

// possible reports whether a platform can go this way.
func (s scenario) possible(f driver.Facts) bool {
	return s.needs == "" || slices.Contains(f.Kinds, s.needs)
}

// everywhere lives a way once without interruption, and then with one at each of
// its points, or at some of them.
func (c crash) everywhere(t *testing.T, table *prooftest.Table, chance *rand.Rand) {
	want, points := c.live(t)
	tried := chance.Perm(len(points))
	if !prooftest.Whole() {
		tried = tried[:min(sampled, len(tried))]
	}
	for _, at := range tried {
		c.at = at
		t.Run(strconv.Itoa(at), func(t *testing.T) {
			defer func() { table.Add(c.platform, c.store, !t.Failed()) }()
			got, _ := c.live(t)
			if got.String() != want.String() {
				t.Errorf("killed %s, and then\n%s\nwant\n%s", points[at], got, want)
			}
		})
	}
}

// live goes the way and returns where it ended, and the points that it passed.
func (c crash) live(t *testing.T) (ending, []string) {
	w := newWorld(t, c.store, c.scenario.pipelineOf(c.platform), quick)
	at, points, resumed := c.at, []string{}, false
	for i, s := range c.scenario.steps {
		if i < c.scenario.settled {
			if got := w.here(t, s); got.code != 0 {
				t.Fatalf("%s: %s", s, got)
			}
			continue
		}
		got := w.run(t, s, at)
		passed, where, killed := w.passage.list()
		points = append(points, passed...)
		switch {
		case killed:
			t.Logf("%s: killed %s", s, where)
			at, resumed = never, true
			w.resume(t, s)
		case got.code == 4 && resumed: // what it wants stands already
		case got.code != 0:
			t.Fatalf("%s: %s", s, got)
		case at != never:
			at -= len(passed)
		}
		if begun := w.effects(); i < c.scenario.quiet && len(begun) > 0 {
			t.Errorf("%s: before anybody agreed: %v", s, begun)
		}
	}
	w.settle(t, mostRounds)
	if begun := w.platforms.Effects(); c.scenario.first != "" && !slices.Equal(begun[0].Targets, []string{c.scenario.first}) {
		t.Errorf("it began with %v, want %s alone", begun[0].Targets, c.scenario.first)
	}
	for _, what := range w.contradictions(t) {
		t.Error(what)
	}
	return w.ending(t), points
}

// resume runs a step again that was killed, as another run, and has automation
// take it up. What it wanted may stand already, so that it is refused.
func (w *world) resume(t *testing.T, s step) {
	t.Helper()
	s.run += 10
	got := w.run(t, s, never)
	if got.code != 0 && got.code != 4 {
		t.Fatalf("%s: %s", s, got)
	}
	if again := (step{"github-actions[bot]", s.run + 1, []string{"reconcile"}}); got.code == 0 {
		if got := w.here(t, again); got.code != 0 {
			t.Fatalf("%s: %s", again, got)
		}
	}
}

// mostRounds is how often settle looks: an approval of ours, one of the platform's own
// and what is queued behind, for each.
const mostRounds = 10

// toApprove are the commands that an approval is waited for with.
var toApprove = regexp.MustCompile("`sluice (approve [^`]*)`")

// settle has automation take up what is left, and the approver approve what waits
// for that, with the commands that are printed, until nothing does: at most so many
// rounds.
func (w *world) settle(t *testing.T, rounds int) {
	t.Helper()
	for run := range int64(rounds) {
		s := step{"github-actions[bot]", 10_000_000 + run, []string{"reconcile"}}
		got := w.here(t, s)
		refused := w.moved && (got.code == 4 || got.code == 1) && strings.Contains(got.stdout, "not the pinned")
		if got.code != 0 && !refused {
			t.Fatalf("%s: %s", s, got)
		}
		if !refused && !strings.Contains(got.stdout, "pending") {
			return
		}
		for i, printed := range toApprove.FindAllStringSubmatch(got.stdout, -1) {
			w.here(t, step{"octocat", 20_000_000 + 1000*run + int64(i), strings.Fields(printed[1])})
		}
	}
	t.Errorf("it is still pending: %s", w.here(t, step{"octocat", 70, []string{"status"}}))
}
