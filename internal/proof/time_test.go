package proof_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gofrs/flock"

	"sluice/internal/proof/prooftest"
	"sluice/stages/driver"
)

const (
	// aLease is longer than a lease lasts, with what it may still be good for.
	aLease = 20 * time.Minute
	// stopsTried and jumpsTried are how many of a store's points `go test ./...` tries.
	stopsTried, jumpsTried = 1, 1
)

// TestStopped: a process is stopped, as SIGSTOP stops it, at any request or save, and
// continued when its lease is over and another process has gone its whole way. It
// changes nothing any more.
func TestStopped(t *testing.T) {
	table := prooftest.NewTable("stopped")
	chance := rand.New(rand.NewPCG(seed(t), 4))
	t.Run("stopped", func(t *testing.T) {
		for _, c := range swapping() {
			own := rand.New(rand.NewPCG(chance.Uint64(), 0))
			t.Run(c.platform+"/"+c.store, func(t *testing.T) {
				t.Parallel()
				c.stopped(t, table, own)
			})
		}
	})
	table.Print(t)
}

// swapping are promotions over the stores that can compare and swap, each on another
// platform.
func swapping() []crash {
	var list []crash
	for i, store := range []string{"file", "git", "s3"} {
		f, s := facts()[i], scenarios()[0]
		if f.Supports(driver.Weight) {
			s = scenarios()[1]
		}
		list = append(list, crash{s.on(f), f.Platform, store, never})
	}
	return list
}

// stopped lives once without interruption, and then stopped at each of its points, or
// at some of them.
func (c crash) stopped(t *testing.T, table *prooftest.Table, chance *rand.Rand) {
	want, points := c.live(t)
	tried := chance.Perm(len(points))
	if !prooftest.Whole() {
		tried = tried[:min(stopsTried, len(tried))]
	}
	for _, at := range tried {
		t.Run(fmt.Sprint(at), func(t *testing.T) {
			t.Parallel()
			defer func() { table.Add(c.platform, c.store, !t.Failed()) }()
			if got := c.stop(t, at); got.String() != want.String() {
				t.Errorf("stopped %s, and then\n%s\nwant\n%s", points[at], got, want)
			}
		})
	}
}

// stop has a process stopped at a point, lets another go the whole way, continues it,
// and returns where that ended.
func (c crash) stop(t *testing.T, at int) ending {
	w := newWorld(t, c.store, c.scenario.pipelineOf(c.platform), 2*quick)
	s := c.scenario.steps[0]
	sleeper := w.sleep(t, s, at)
	<-sleeper.stopped
	time.Sleep(aLease / w.time.Speed)
	other := *w
	other.passage = &passage{at: never}
	other.env = other.through(t, other.passage)
	other.resume(t, s)
	before := len(w.platforms.Effects())
	code := sleeper.goOn(t)
	if after := w.platforms.Effects()[before:]; len(after) > 0 {
		t.Errorf("it was continued past its lease and began %v: exit %d\n%s", after, code, &sleeper.told)
	}
	// 0: all was done and told, or nothing was begun and the release was found there.
	// 6: that the store did not answer is all it knows.
	if !slices.Contains([]int{0, 4, 5, 6}, code) {
		t.Errorf("it was continued past its lease and ended with exit %d\n%s", code, &sleeper.told)
	}
	other.settle(t, mostRounds)
	for _, what := range other.contradictions(t) {
		t.Error(what)
	}
	return other.ending(t)
}

// sleeper is a process that is stopped at a point, or over.
type sleeper struct {
	program *exec.Cmd
	stopped chan struct{} // closed when it is, or when it is over
	over    chan struct{}
	told    bytes.Buffer
}

// sleep starts a step that is stopped at a point of the passage.
func (w *world) sleep(t *testing.T, s step, at int) *sleeper {
	t.Helper()
	line := w.line(s)
	a := &sleeper{program: exec.CommandContext(t.Context(), w.program, line...), stopped: make(chan struct{}), over: make(chan struct{})}
	a.program.Env, a.program.Dir, a.program.Stdout, a.program.Stderr = w.environ(s), w.dir, &a.told, &a.told
	begun, asleep := make(chan struct{}), make(chan struct{})
	w.passage.arm(at, func() {
		<-begun
		defer w.unlocked(t)()
		_ = a.program.Process.Signal(syscall.SIGSTOP) // it may be gone
		time.Sleep(20 * time.Millisecond)             // until all its threads are
		close(asleep)
	})
	if err := a.program.Start(); err != nil {
		t.Fatal(err)
	}
	close(begun)
	go func() {
		_ = a.program.Wait() // its exit code is looked at
		close(a.over)
	}()
	go func() {
		select {
		case <-asleep:
		case <-a.over:
		}
		close(a.stopped)
	}()
	return a
}

// unlocked waits until no process holds the lock of a store in a folder, and keeps it
// until it is told: who is stopped while it holds the lock stops everybody.
func (w *world) unlocked(t *testing.T) (free func()) {
	dir, ok := strings.CutPrefix(w.store, "file:")
	if _, err := os.Stat(dir); !ok || err != nil {
		return func() {}
	}
	lock := flock.New(filepath.Join(dir, ".lock"))
	if err := lock.Lock(); err != nil {
		t.Error(err)
	}
	return func() { _ = lock.Close() } // the test's end would
}

// goOn continues it, and returns its exit code.
func (a *sleeper) goOn(t *testing.T) int {
	t.Helper()
	if err := a.program.Process.Signal(syscall.SIGCONT); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatal(err)
	}
	<-a.over
	return a.program.ProcessState.ExitCode()
}

// TestClocks: the clock of a process is set forward or back in the middle, and zones
// change from one process to the next. What was saved goes on all the same.
func TestClocks(t *testing.T) {
	table := prooftest.NewTable("clocks")
	chance := rand.New(rand.NewPCG(seed(t), 5))
	t.Run("set", func(t *testing.T) {
		for i, store := range stores {
			f := facts()[i%len(facts())]
			own := rand.New(rand.NewPCG(chance.Uint64(), 0))
			t.Run(f.Platform+"/"+store, func(t *testing.T) {
				t.Parallel()
				crash{scenarios()[2].on(f), f.Platform, store, never}.clocks(t, table, own)
			})
		}
	})
	table.Print(t)
}

// zones are of those that differ most.
var zones = []string{"Pacific/Kiritimati", "America/St_Johns", "Asia/Kathmandu", "Pacific/Pago_Pago", "UTC"}

// clocks lives with a clock that is set once.
func (c crash) clocks(t *testing.T, table *prooftest.Table, chance *rand.Rand) {
	want, _ := c.live(t)
	// A clock may be wrong from the beginning, by less than the day that an approval has, or
	// be set in the middle, by less than the hour that an operation has. What is set here
	// has no monotonic reading, as a machine's clock keeps it: what waits waits longer by
	// as much as it is set back.
	var jumps []string
	for _, by := range []time.Duration{-20 * time.Hour, -20 * time.Minute, -2 * time.Second, 2 * time.Second, 20 * time.Minute, 20 * time.Hour} {
		for _, after := range []time.Duration{0, 30 * time.Millisecond, 60 * time.Millisecond, 90 * time.Millisecond} {
			if after == 0 || by.Abs() < time.Hour {
				jumps = append(jumps, fmt.Sprint(after, " ", by))
			}
		}
	}
	chance.Shuffle(len(jumps), func(i, j int) { jumps[i], jumps[j] = jumps[j], jumps[i] })
	if !prooftest.Whole() {
		jumps = jumps[:jumpsTried]
	}
	for _, jump := range jumps {
		first := chance.IntN(len(zones))
		t.Run(strings.ReplaceAll(jump, " ", " by "), func(t *testing.T) {
			defer func() { table.Add(c.platform, c.store, !t.Failed()) }()
			if got := c.jump(t, jump, first); got.String() != want.String() {
				t.Errorf("it ended with\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// jump lives with a clock that is set once in each process, and zones from the first on.
func (c crash) jump(t *testing.T, jump string, first int) ending {
	w := newWorld(t, c.store, c.scenario.pipelineOf(c.platform), quick)
	for i, s := range c.scenario.steps {
		set := *w
		set.env = maps.Clone(w.env)
		set.env[jumpOf], set.env["TZ"] = jump, zones[(first+i)%len(zones)]
		// 6: in fast time a save may take as long as a lease lasts, and then no more is begun.
		if got := set.run(t, s, never); !slices.Contains([]int{0, 4, 5, 6}, got.code) {
			t.Errorf("%s: %s", s, got)
		}
		w.resume(t, s)
	}
	w.settle(t, mostRounds)
	for _, what := range w.contradictions(t) {
		t.Error(what)
	}
	return w.ending(t)
}
