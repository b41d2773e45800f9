package limit_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/guard"
	"sluice/internal/store"
	"sluice/internal/store/limit"
	"sluice/internal/store/storetest"
	"sluice/internal/work"
)

// odd is a store that hangs, or panics.
type odd struct {
	store.Store
	panics bool
}

func (o odd) do(ctx context.Context) error {
	if o.panics {
		panic("no such entry")
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

func (o odd) Load(ctx context.Context, _ ...store.Key) ([]store.Entry, error) { return nil, o.do(ctx) }
func (o odd) List(ctx context.Context, _, _ string) ([]store.Key, error)      { return nil, o.do(ctx) }
func (o odd) Commit(ctx context.Context, _ ...store.Entry) ([]store.Entry, error) {
	return nil, o.do(ctx)
}

func within(reads, saves time.Duration) limit.Deadline {
	return func(ctx context.Context, saving bool) (context.Context, context.CancelFunc) {
		if saving {
			return context.WithTimeout(ctx, saves)
		}
		return context.WithTimeout(ctx, reads)
	}
}

func operations(s store.Store) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"load":   func(ctx context.Context) error { _, err := s.Load(ctx, store.Key{}); return err },
		"list":   func(ctx context.Context) error { _, err := s.List(ctx, "shop", store.KindTarget); return err },
		"commit": func(ctx context.Context) error { _, err := s.Commit(ctx, store.Entry{}); return err },
	}
}

func TestDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, do := range operations(limit.New(odd{}, work.Clock{}, within(3*time.Second, 7*time.Second))) {
			want := 3 * time.Second
			if name == "commit" {
				want = 7 * time.Second
			}
			began := time.Now()
			if err := do(t.Context()); !errors.Is(err, context.DeadlineExceeded) || !store.IsUnreadable(err) || time.Since(began) != want {
				t.Errorf("%s: %v after %s, want its deadline after %s", name, err, time.Since(began), want)
			}
		}
	})
}

// TestTheCallersEndIsCancelled: who gave a deadline is told that it passed, and
// the state is not called unreadable for it.
func TestTheCallersEndIsCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, do := range operations(limit.New(odd{}, work.Clock{}, limit.Within(limit.Call))) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if err := do(ctx); !errors.Is(err, context.DeadlineExceeded) || store.IsUnreadable(err) {
				t.Errorf("%s: %v", name, err)
			}
			cancel()
		}
	})
}

// TestLimitsWithinLimits: the inner one's caller is the outer one.
func TestLimitsWithinLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := limit.New(odd{}, work.Clock{}, limit.Within(limit.Call))
		for name, do := range operations(limit.New(inner, work.Clock{}, limit.Within(time.Second))) {
			if err := do(t.Context()); !store.IsUnreadable(err) || strings.Count(err.Error(), "no whole answer") != 1 {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestPanics(t *testing.T) {
	for name, do := range operations(limit.New(odd{panics: true}, work.Clock{}, within(time.Minute, time.Minute))) {
		if _, ok := errors.AsType[*guard.Mistake](do(t.Context())); !ok {
			t.Errorf("%s: no mistake", name)
		}
	}
}

// TestConformance: within its limits a store is the store it was.
func TestConformance(t *testing.T) {
	inner := storetest.NewMemory()
	s := limit.New(inner, work.Clock{}, within(time.Minute, time.Minute))
	key := store.Key{Pipeline: "shop", Target: "api"}
	saved, err := s.Commit(t.Context(), store.Entry{Key: key, Generation: 1, Data: []byte(`{}`)})
	if err != nil || len(saved) != 1 || s.Facts() != inner.Facts() {
		t.Fatalf("%v %v", saved, err)
	}
	got, err := s.Load(t.Context(), key)
	if err != nil || got[0].Version != saved[0].Version {
		t.Errorf("%v %v", got, err)
	}
	if _, err := s.Commit(t.Context(), store.Entry{Key: key, Generation: 2, Data: []byte(`{}`)}); !store.IsConflict(err) {
		t.Errorf("%v, want a conflict", err)
	}
}
