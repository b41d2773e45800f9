package engine_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"sluice/internal/old/engine"
	"sluice/internal/old/rollout"
	"sluice/internal/store"
)

// broken is a store whose reads or writes fail.
func broken(load, commit error) func(*engine.Config) {
	return func(c *engine.Config) {
		c.Store = &failing{Store: c.Store, load: load, commit: commit}
	}
}

type failing struct {
	store.Store
	load, commit error
}

func (f *failing) Load(ctx context.Context, keys ...store.Key) ([]store.Entry, error) {
	if f.load != nil {
		return nil, f.load
	}
	return f.Store.Load(ctx, keys...)
}

func (f *failing) Commit(ctx context.Context, entries ...store.Entry) ([]store.Entry, error) {
	if f.commit != nil {
		return nil, f.commit
	}
	return f.Store.Commit(ctx, entries...)
}

var errStore = &store.UnreadableError{Op: "read", Err: errors.New("403"), Remedy: "look"}

// TestUnreadable: state that cannot be read or written ends every command
// without an effect, and unreadable state without any request.
func TestUnreadable(t *testing.T) {
	actions := map[string]action{
		"promote": promote("prod"), "promote-canary": promoteCanary("web", true), "rollback": rollback("web"),
		"approve": order(engine.CommandApprove), "retry-job": order(engine.CommandRetryJob), "reconcile": reconcile(),
	}
	for name, a := range actions {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, one)
				if r := w.do(a, broken(errStore, nil)); !store.IsUnreadable(r.err) {
					t.Errorf("error %v, want unreadable", r.err)
				}
				if n := w.sky().asked(); n != 0 {
					t.Errorf("%d requests to the platform", n)
				}
			})
		})
	}
}

// TestGarbage: a record that is no record is unreadable too.
func TestGarbage(t *testing.T) {
	for _, data := range []string{`{}`, `{"schema":"sluice.state/v2"}`, `{"schema":"sluice.state/v1"}`, `[]`} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, one)
			w.memory.Set(store.Key{Pipeline: "shop", Target: "web"}, []byte(data))
			if r := w.do(promote("prod")); !store.IsUnreadable(r.err) {
				t.Errorf("%s: error %v, want unreadable", data, r.err)
			}
			if n := w.sky().asked(); n != 0 {
				t.Errorf("%d requests to the platform", n)
			}
		})
	}
}

// TestUnwritable: what cannot be saved is not done.
func TestUnwritable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, one)
		if r := w.do(promote("prod"), broken(nil, errStore)); !store.IsUnreadable(r.err) {
			t.Errorf("error %v, want unwritable", r.err)
		}
		w.had()
		if n := w.sky().asked("begin"); n != 0 {
			t.Errorf("%d calls", n)
		}
	})
}

// TestStoreFailsOnTheWay breaks the store for good after every commit in turn:
// the error says so, and no effect goes out that was not saved.
func TestStoreFailsOnTheWay(t *testing.T) {
	for at := range 6 {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, with(one, canaryWaits))
			commits := 0
			r := w.do(promote("prod"), func(c *engine.Config) {
				c.Store = &counting{Store: c.Store, before: func() error {
					if commits++; commits > at {
						return errStore
					}
					return nil
				}}
			})
			if !store.IsUnreadable(r.err) {
				t.Fatalf("after %d commits: %v", at, r.err)
			}
			w.do(promote("prod"), again)
			w.had("web weight 10", "web weight 50", "web stable", "web disable")
			w.is("web", rollout.StateSucceeded)
		})
	}
}

type counting struct {
	store.Store
	before func() error
}

func (c *counting) Commit(ctx context.Context, entries ...store.Entry) ([]store.Entry, error) {
	if err := c.before(); err != nil {
		return nil, err
	}
	return c.Store.Commit(ctx, entries...)
}
