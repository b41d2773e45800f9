package ledger_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/ledger"
	"sluice/internal/store"
	"sluice/rollout"
)

// TestLives: several processes take targets, have effects, save, order, die, lose
// answers and their network, at random. Whatever happens: no two of them have an
// effect on a target at once, nothing that was acknowledged is lost, generations
// rise by one, and a lease changes hands only after its run has ended.
func TestLives(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*world)
		runs   int // side by side
	}{
		"atomic":            {func(*world) {}, 5},
		"entry by entry":    {func(w *world) { w.piecemeal = true }, 5},
		"blind, one by one": {func(w *world) { w.blind = true }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			effects, deaths, orders := 0, 0, 0
			for seed := range *seeds {
				t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						w := newWorld(t)
						c.change(w)
						l := &lives{world: w, active: map[string]string{}, random: rand.New(rand.NewPCG(uint64(seed), 7))}
						l.live(c.runs)
						l.check()
						effects, deaths, orders = effects+l.counts.effects, deaths+l.counts.deaths, orders+l.counts.orders
					})
				})
			}
			if effects == 0 || deaths == 0 || orders == 0 {
				t.Error("nothing happened: the test shows nothing")
			}
		})
	}
}

// seeds is how many lives are lived in each kind of store.
var seeds = flag.Int("lives", 2, "how many random lives TestLives lives in each kind of store")

// lives is what several processes did.
type lives struct {
	*world
	mu     sync.Mutex
	random *rand.Rand
	active map[string]string   // which run has an effect on a target
	acked  map[string][]string // by target: events that were acknowledged
	blocks map[string][]string // by target: blocks that were acknowledged
	counts struct{ runs, effects, deaths, held, lost, orders int }
}

// n is a random number below n.
func (l *lives) n(n int) int { l.mu.Lock(); defer l.mu.Unlock(); return l.random.IntN(n) }

func (l *lives) nap(most time.Duration) { time.Sleep(time.Duration(l.n(int(most)))) }

// live has runs lives side by side for some hours, each a sequence of runs.
func (l *lives) live(runs int) {
	l.acked, l.blocks = map[string][]string{}, map[string][]string{}
	over := time.Now().Add(90 * time.Minute)
	var all sync.WaitGroup
	for i := range runs {
		all.Go(func() {
			for n := 0; time.Now().Before(over); n++ {
				l.one(fmt.Sprintf("run-%d-%d", i, n))
				l.nap(3 * time.Minute)
			}
		})
	}
	all.Wait()
}

// one is the life of one run.
func (l *lives) one(id string) {
	r := l.start(id)
	defer r.limits.End()
	l.mu.Lock()
	l.counts.runs++
	l.mu.Unlock()
	r.store.when(l.weather(r), nil)
	died := false
	for range 1 + l.n(4) {
		l.nap(2 * time.Minute)
		if died = !l.turn(r); died {
			break
		}
	}
	if !died {
		if err := r.Close(); err != nil && !errors.Is(err, errStorm) {
			l.t.Errorf("%s cannot close: %v", id, err)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fate(id, died)
	r.end()
}

func (l *lives) fate(id string, died bool) {
	l.world.mu.Lock()
	defer l.world.mu.Unlock()
	switch {
	case !died: // it let go, or its lease ends by itself
	case l.random.IntN(2) == 0:
		l.fates[id] = ledger.Dead
	}
}

var errStorm = errors.New("a storm")

// weather delays commits, loses some and the answers of others, and now and then
// cuts a run off for longer than a lease lasts.
func (l *lives) weather(r *run) onCommit {
	return func(ctx context.Context, entries []store.Entry, next commitFunc) ([]store.Entry, error) {
		l.nap(2 * time.Second)
		down := &store.UnreadableError{Op: "write", Err: errStorm, Remedy: "wait"}
		switch l.n(60) {
		case 0:
			return nil, down
		case 1:
			_, err := next(entries)
			return nil, errors.Join(err, down)
		case 2:
			if r.limits.Sleep(ctx, 20*time.Minute) != nil {
				return nil, down
			}
		}
		return next(entries)
	}
}

// turn is what a run does once; false where it died.
func (l *lives) turn(r *run) bool {
	targets := slices.DeleteFunc([]string{"a", "b", "c", "d"}, func(string) bool { return l.n(2) == 0 })
	if len(targets) == 0 {
		return true
	}
	if l.n(3) == 0 {
		l.order(r, targets)
		return true
	}
	ctx := l.t.Context()
	s, err := r.Load(ctx, targets...)
	if err != nil {
		l.t.Errorf("%s cannot load: %v", r.id, err)
		return true
	}
	var records []*rollout.Record
	for _, t := range targets {
		if s.Records[t] == nil {
			made := fresh(t)
			s.Records[t] = &made
		}
		records = append(records, s.Records[t])
	}
	if _, err := r.Take(ctx, records...); err != nil {
		l.refused(r, err)
		return true
	}
	return l.promote(r, records)
}

func (l *lives) refused(r *run, err error) {
	var lost *ledger.LostError
	if !ledger.IsConflict(err) && !errors.Is(err, errStorm) && !errors.As(err, &lost) {
		l.t.Errorf("%s: %v", r.id, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts.held++
}

// order saves blocks beside whatever lease there is.
func (l *lives) order(r *run, targets []string) {
	id := fmt.Sprintf("%s-block-%d", r.id, l.n(1_000_000))
	done, err := r.SaveBeside(l.t.Context(), targets, fresh, func(r *rollout.Record) error {
		return rollout.Apply(r, rollout.AddBlock{Block: block(id)}, time.Now())
	})
	if err != nil {
		l.refused(r, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for t := range done {
		l.blocks[t] = append(l.blocks[t], id)
		l.counts.orders++
	}
}

// promote has a few effects on records, each intended before and told after.
func (l *lives) promote(r *run, records []*rollout.Record) bool {
	for i := range 1 + l.n(4) {
		set := records
		if i > 0 {
			set = records[l.n(len(records)):] // a set of its own, some of them
		}
		if !l.says(r, set, "intended") {
			return true
		}
		if l.n(12) == 0 {
			l.dies(r)
			return false
		}
		if !r.MayBegin() {
			l.mu.Lock()
			l.counts.lost++
			l.mu.Unlock()
			return true
		}
		l.effect(r, set)
		if l.n(12) == 0 {
			l.dies(r)
			return false
		}
		if !l.says(r, set, "done") {
			return true
		}
		l.nap(4 * time.Minute)
	}
	for _, x := range records {
		x.Lease = ""
	}
	l.says(r, records, "let go")
	return true
}

func (l *lives) dies(r *run) {
	r.dies()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts.deaths++
}

// says saves what a run did; what was acknowledged must never be lost.
func (l *lives) says(r *run, records []*rollout.Record, what string) bool {
	id := fmt.Sprintf("%s-%s-%d", r.id, what, l.n(1_000_000_000))
	for _, x := range records {
		x.AddEvent(rollout.Event{Type: what, Time: time.Now().UTC(), Message: id})
		is(x, id)
	}
	saved := <-r.Save(rows(records...)...)
	if saved.Err != nil {
		l.refused(r, saved.Err)
		return false
	}
	for _, theirs := range saved.Theirs {
		for _, x := range records {
			theirs.Into(x)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, x := range records {
		l.acked[x.Target] = append(l.acked[x.Target], id)
	}
	return true
}

// effect is on its way for up to half a minute.
func (l *lives) effect(r *run, records []*rollout.Record) {
	l.mu.Lock()
	for _, x := range records {
		if other := l.active[x.Target]; other != "" {
			l.t.Errorf("%s and %s have an effect on %s at once", other, r.id, x.Target)
		}
		l.active[x.Target] = r.id
		l.counts.effects++
	}
	l.mu.Unlock()
	l.nap(30 * time.Second)
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, x := range records {
		delete(l.active, x.Target)
	}
}

// check holds what is stored, and how it came to be, against what must be.
func (l *lives) check() {
	l.t.Logf("%+v", l.counts)
	for _, target := range []string{"a", "b", "c", "d"} {
		r := l.record(target)
		if r == nil {
			continue
		}
		events := map[string]int{}
		for _, e := range r.Events {
			events[e.Message]++
		}
		for _, id := range l.acked[target] {
			if events[id] != 1 {
				l.t.Errorf("%s: %s was acknowledged, and is there %d times", target, id, events[id])
			}
		}
		for _, id := range l.blocks[target] {
			if !isBlocked(r, id) {
				l.t.Errorf("%s: the block %s was acknowledged, and is not there", target, id)
			}
		}
	}
	l.checkHistory()
}

// checkHistory looks at every save of every entry, in order.
func (l *lives) checkHistory() {
	now := map[store.Key]store.Entry{}
	for _, e := range l.memory.History() {
		before := now[e.Key]
		if anew := len(before.Data) == 0 && e.Generation == 1; e.Generation != before.Generation+1 && !anew {
			l.t.Errorf("%s: generation %d after %d", e.Key, e.Generation, before.Generation)
		}
		if e.Key.Kind == store.KindTarget && len(before.Data) > 0 && len(e.Data) > 0 {
			l.checkHands(now, lease(l.t, before), lease(l.t, e), e)
		}
		now[e.Key] = e
	}
}

// checkHands: a lease changes hands only where the run that had it has ended.
func (l *lives) checkHands(now map[store.Key]store.Entry, from, to string, e store.Entry) {
	if from == "" || to == "" || from == to {
		return
	}
	run := now[store.Key{Pipeline: "shop", Kind: store.KindRun, Target: from}]
	if len(run.Data) == 0 {
		return // it let go
	}
	r, err := rollout.Decode[rollout.Run](run.Data)
	if err != nil {
		l.t.Fatal(err)
	}
	if !r.Ended {
		l.t.Errorf("%s went from %s to %s at generation %d, though that run had not ended", e.Key, from, to, e.Generation)
	}
}

func lease(t *testing.T, e store.Entry) string {
	r, err := rollout.Decode[rollout.Record](e.Data)
	if err != nil {
		t.Fatal(err)
	}
	return r.Lease
}
