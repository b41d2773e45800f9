package sandbox

import (
	"runtime"
	"strconv"
	"sync"
	"testing"
)

// tally is the state of an emulator that counts how often it is saved.
type tally struct {
	Emulator
	n, saves int
}

func (*tally) Platform() string { return "tally" }

func (e *tally) Save() ([]byte, error) {
	e.saves++
	return []byte(strconv.Itoa(e.n)), nil
}

func (e *tally) Restore(state []byte) (err error) {
	e.n, err = strconv.Atoi(string(state))
	return err
}

func TestThoseWhoWaitAreKeptTogether(t *testing.T) {
	e := &tally{}
	dir := t.TempDir()
	g := &gate{emulator: e, keeper: newKeeper(e, dir)}
	count := func() (bool, error) { e.n++; return true, nil }
	underWay, first := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		if err := g.alone(func() (bool, error) { close(first); <-underWay; return count() }); err != nil {
			t.Error(err)
		}
	})
	<-first
	for range 9 {
		all.Go(func() {
			if err := g.alone(count); err != nil {
				t.Error(err)
			}
		})
	}
	all.Go(func() {
		if err := g.alone(func() (bool, error) { panic("a mistake") }); err == nil {
			t.Error("the one that panicked was told of success")
		}
	})
	for g.waits() < 10 {
		runtime.Gosched()
	}
	close(underWay)
	all.Wait()
	if e.n != 10 || e.saves != 2 {
		t.Errorf("counted %d with %d saves, want 10 with 2", e.n, e.saves)
	}
	other := &tally{}
	if err := newKeeper(other, dir).do(func() (bool, error) { return false, nil }); err != nil || other.n != 10 {
		t.Errorf("another process finds %d, %v", other.n, err)
	}
}

// waits is how many wait to be served.
func (g *gate) waits() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.waiting)
}
