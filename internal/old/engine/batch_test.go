package engine_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/old/engine"
	"sluice/internal/old/rollout"
	"sluice/internal/store"
	"sluice/stages/driver"
)

func (w *world) fleet() *sky { return w.platform("fleet") }

// TestBatch: one call for all targets, one preflight, and a result for each.
func TestBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, three)
		w.fleet().slow = 10 * time.Second
		w.fleet().next("a", driver.Deploy, answer{fail: "b is full"})
		out := w.must(rollout.StatusFailed, promote("prod"))
		if n := w.fleet().asked("begin"); n != 1 {
			t.Errorf("%d calls", n)
		}
		if n := w.fleet().asked("prepare"); n != 1 {
			t.Errorf("%d preflights", n)
		}
		w.hadInAnyOrder("a deploy", "b deploy", "c deploy")
		for _, o := range out.Targets {
			want := rollout.PromotionSucceeded
			if o.Target == "b" {
				want = rollout.PromotionFailed
			}
			if o.Status != want {
				t.Errorf("%s is %s", o.Target, o.Status)
			}
		}
		for _, name := range []string{"a", "b", "c"} {
			step := w.newest(name).Steps[0]
			if !slices.Equal(step.Members, []string{"a", "b", "c"}) || len(step.Call.Changes) != 1 || step.Call.Changes[0].Target.Name != name {
				t.Errorf("%s: members %v, changes %v", name, step.Members, step.Call.Names())
			}
		}
		w.must(rollout.StatusSucceeded, promote("prod"))
		w.hadInAnyOrder("a deploy", "b deploy", "c deploy", "b deploy")
	})
}

// TestBatchSize: a call never carries more targets than the platform takes.
func TestBatchSize(t *testing.T) {
	file := three + "      - {name: d, fleet: {spot: d}}\n      - {name: e, fleet: {spot: e}}\n"
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, file)
		w.must(rollout.StatusSucceeded, promote("prod"))
		if n := w.fleet().asked("begin"); n != 2 {
			t.Errorf("%d calls, want 2", n)
		}
		w.hadInAnyOrder("a deploy", "b deploy", "c deploy", "d deploy", "e deploy")
	})
}

// TestBatchOneIsThere: targets where nothing is left to do are left out.
func TestBatchOneIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, three)
		w.fleet().put("b", "r2")
		out := w.must(rollout.StatusSucceeded, promote("prod"))
		w.hadInAnyOrder("a deploy", "c deploy")
		if !out.Targets[1].Unchanged || out.Targets[0].Unchanged {
			t.Errorf("targets %+v", out.Targets)
		}
	})
}

// TestBatchRefused: one target that cannot have the release refuses all, at its
// preflight.
func TestBatchRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, three)
		w.fleet().spots["b"].gone = true
		w.refused("notFound", promote("prod"))
	})
}

// picky is a store that is not atomic: it saves all entries but one.
type picky struct {
	store.Store
	at   int // the commit that is not whole
	loss string
	seen int
	err  func(store.Key) error
}

func (p *picky) Facts() store.Facts {
	f := p.Store.Facts()
	f.Atomic = false
	return f
}

func (p *picky) Commit(ctx context.Context, entries ...store.Entry) ([]store.Entry, error) {
	p.seen++
	i := slices.IndexFunc(entries, func(e store.Entry) bool { return e.Key.Target == p.loss })
	if p.seen != p.at || i < 0 {
		return p.Store.Commit(ctx, entries...)
	}
	saved, err := p.Store.Commit(ctx, slices.Delete(slices.Clone(entries), i, i+1)...)
	if err == nil {
		err = p.err(entries[i].Key)
	}
	return saved, err
}

func unwritable(k store.Key) error {
	return &store.UnreadableError{Key: k, Op: "write", Err: context.DeadlineExceeded, Remedy: "again"}
}

func conflict(k store.Key) error { return &store.ConflictError{Keys: []store.Key{k}} }

// TestBatchHalfSaved: a store that is not atomic saves an intent for some of
// the targets alone: the call is not sent, and the intent is taken back.
func TestBatchHalfSaved(t *testing.T) {
	for at := 1; at <= 4; at++ {
		for name, fails := range map[string]func(store.Key) error{"unwritable": unwritable, "conflict": conflict} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, three)
					r := w.do(promote("prod"), again, func(c *engine.Config) {
						c.Store = &picky{Store: c.Store, at: at, loss: "b", err: fails}
					})
					if !store.IsUnreadable(r.err) && !store.IsConflict(r.err) {
						t.Fatalf("commit %d: %v", at, r.err)
					}
					if slices.Contains(w.effects(), "b deploy") && at < 4 {
						t.Errorf("commit %d: b was deployed without its intent: %v", at, w.effects())
					}
					r = w.do(promote("prod"), again)
					if r.err != nil || r.Status != rollout.StatusSucceeded {
						t.Fatalf("commit %d: a re-run ends with %v, %s %+v", at, r.err, r.Status, r.Targets)
					}
					w.hadInAnyOrder("a deploy", "b deploy", "c deploy")
					for _, name := range []string{"a", "b", "c"} {
						w.is(name, rollout.StateSucceeded)
					}
				})
			})
		}
	}
}

// TestBatchResumedInPart: a batch that died around its call is resumed with
// some of its members selected, then with the others.
func TestBatchResumedInPart(t *testing.T) {
	s := story{name: "batch", file: three, do: promote("prod"), want: []string{"a deploy", "b deploy", "c deploy"}}
	for _, sky := range weathers() {
		n := s.count(t, sky)
		for at := 1; at <= n; at++ {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, three)
				sky.on(w)
				p := w.start()
				p.dieAt = at
				if r := p.run(promote("prod")); !r.died {
					t.Fatal("it did not die")
				}
				for _, part := range []string{"b", "a", "c"} {
					if r := w.do(promote("prod", only(part))); r.err != nil {
						t.Fatalf("%s %d, resuming %s: %v", sky.name, at, part, r.err)
					}
				}
				w.hadInAnyOrder("a deploy", "b deploy", "c deploy")
				for _, name := range []string{"a", "b", "c"} {
					if got := w.fleet().stand(name).Release; got != "r2" {
						t.Errorf("%s %d: %s runs %s", sky.name, at, name, got)
					}
				}
			})
		}
	}
}

// TestBatchNeverSent: an intent that is missing on one member proves that the
// call was never sent, without asking the platform.
func TestBatchNeverSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, three)
		p := w.start()
		p.dieAt = 7 // after the intent, before the call
		if r := p.run(promote("prod")); !r.died || p.where != "before a call" {
			t.Fatalf("died %s", p.where)
		}
		w.set("b", func(r *rollout.Record) { r.Rollouts[0].Steps = []rollout.Step{} })
		w.must(rollout.StatusSucceeded, reconcile())
		if n := w.fleet().asked("lookup"); n != 0 {
			t.Errorf("%d lookups", n)
		}
		w.hadInAnyOrder("a deploy", "b deploy", "c deploy")
	})
}

// TestBatchOneLocked: one member that a person locked waits, the others go on
// without it.
func TestBatchOneLocked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, three)
		p := w.start()
		p.dieAt = 3 // the rollouts are saved, nothing is intended
		p.run(promote("prod"))
		w.set("b", func(r *rollout.Record) {
			r.Lock = &rollout.Lock{Holder: "bob", Actor: "bob", Since: time.Now(), Person: true}
		})
		out := w.must(rollout.StatusPending, reconcile())
		waits(t, out, "b", rollout.WaitLock)
		w.hadInAnyOrder("a deploy", "c deploy")
	})
}
