package gitref_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/actions"
	"sluice/internal/store"
	"sluice/internal/store/gitref"
	"sluice/internal/store/gitref/gitreftest"
)

// paced is a store with the program's own waits and pace.
func paced(t *testing.T, f *gitreftest.Server) store.Store {
	t.Helper()
	return open(t, gitref.Options{Run: run, GitHub: func() (*actions.Client, error) {
		return actions.NewClient(actions.ClientConfig{Repository: gitreftest.Repository, Token: gitreftest.Token, Transport: f})
	}})
}

// commits makes n commits one after the other.
func commits(ctx context.Context, s store.Store, n int) (made int, err error) {
	entries, err := s.Load(ctx, web)
	if err != nil {
		return 0, err
	}
	for range n {
		entries[0].Generation++
		entries[0].Data = []byte("{}")
		if entries, err = s.Commit(ctx, entries...); err != nil {
			return made, err
		}
		made++
	}
	return made, nil
}

// TestPaceKeepsWithinTheLimits: as many commits as there is time for, and GitHub
// refuses none of them.
func TestPaceKeepsWithinTheLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := gitreftest.New()
		f.Meter.Enforce = true
		s := paced(t, f)
		began := time.Now()
		made, err := commits(t.Context(), s, 10)
		if err != nil || made != 10 || time.Since(began) > 0 {
			t.Errorf("a burst: %d commits in %s, %v", made, time.Since(began), err)
		}
		made, err = commits(t.Context(), s, 50)
		if took := time.Since(began); err != nil || made != 50 || took > 6*time.Minute {
			t.Errorf("those of a large promotion: %d commits in %s, %v", made, took, err)
		}
		made, err = commits(t.Context(), s, 120)
		if took := time.Since(began); err != nil || made != 120 || took < 110*time.Minute || took > 130*time.Minute {
			t.Errorf("the two hours after it: %d commits in %s, %v", made, took, err)
		}
		if n := f.Meter.Refused(); n > 0 {
			t.Errorf("%d requests were refused", n)
		}
	})
}

// TestPaceBeyondTheBudget: who has no time to wait is told at once when to come back.
func TestPaceBeyondTheBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := gitreftest.New()
		s := paced(t, f)
		ctx, cancel := context.WithTimeout(t.Context(), 6*time.Second)
		defer cancel()
		began := time.Now()
		made, err := commits(ctx, s, 30)
		until, busy := store.IsBusy(err)
		if made != 10 || !busy || store.IsUnreadable(err) || store.IsConflict(err) || time.Since(began) > time.Second {
			t.Fatalf("%d commits in %s, then %v", made, time.Since(began), err)
		}
		if wait := until.Sub(began); wait < 6*time.Second || wait > 8*time.Second {
			t.Errorf("it says to wait %s", wait)
		}
		time.Sleep(time.Until(until))
		if made, err := commits(t.Context(), s, 1); err != nil || made != 1 {
			t.Errorf("then: %v", err)
		}
	})
}

// TestOneQueueAProcess: stores of one process commit one after the other, and share
// the pace.
func TestOneQueueAProcess(t *testing.T) {
	f := gitreftest.New()
	o := options(f)
	var mu sync.Mutex
	under, most := 0, 0
	f.Fault = func(r *http.Request) (int, string) {
		begins, ends := strings.HasSuffix(r.URL.Path, "/trees"), strings.Contains(r.URL.Path, "/refs/sluice")
		mu.Lock()
		defer mu.Unlock()
		if begins {
			under++
			most = max(most, under)
		}
		if ends {
			under--
		}
		return 0, ""
	}
	put(t, open(t, o), web, "{}")
	var all sync.WaitGroup
	mu.Lock()
	under, most = 0, 0
	mu.Unlock()
	for n := range 8 {
		all.Go(func() {
			s := open(t, o)
			k := store.Key{Pipeline: "storefront", Target: string(rune('a' + n))}
			if _, err := s.Commit(t.Context(), store.Entry{Key: k, Generation: 1, Data: []byte("{}")}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if most != 1 {
		t.Errorf("%d commits were under way at once", most)
	}
}

// TestLimitsAreWaitedOut: GitHub's own refusals are waited for where there is time,
// and else told as what they are; nothing is lost either way.
func TestLimitsAreWaitedOut(t *testing.T) {
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPatch} {
		synctest.Test(t, func(t *testing.T) {
			f := gitreftest.New()
			saved := put(t, paced(t, f), web, `{"n":1}`)
			began := time.Now()
			until := began.Add(40 * time.Minute)
			f.Meter.Refuse = func(r *http.Request) time.Duration {
				if r.Method != method {
					return 0
				}
				return time.Until(until)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
			defer cancel()
			s := paced(t, f)
			next := saved
			next.Generation, next.Data = 2, []byte(`{"n":2}`)
			_, err := s.Commit(ctx, next)
			back, busy := store.IsBusy(err)
			if !busy || store.IsUnreadable(err) || back.Sub(until).Abs() > 2*time.Second {
				t.Fatalf("%s: %v until %s", method, err, back)
			}
			time.Sleep(time.Until(back))
			if _, err := s.Commit(t.Context(), next); err != nil {
				t.Errorf("%s: afterwards %v", method, err)
			}
			entries, err := paced(t, f).Load(t.Context(), web)
			if err != nil || entries[0].Generation != 2 {
				t.Errorf("%s: %+v, %v", method, entries, err)
			}
		})
	}
}

// TestBranchThatMovesOn: where others always commit first, and nobody changed the
// entry, nothing but time is needed: it is no conflict, and nothing was saved.
func TestBranchThatMovesOn(t *testing.T) {
	f := gitreftest.New()
	s := open(t, options(f))
	saved := put(t, s, web, `{"n":1}`)
	f.Fault = func(r *http.Request) (int, string) {
		if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/commits") {
			f.Push(gitref.DefaultBranch, "theirs.txt", func(text string) string { return text + "." })
		}
		return 0, ""
	}
	next := saved
	next.Generation, next.Data = 2, []byte(`{"n":2}`)
	_, err := s.Commit(t.Context(), next)
	if until, busy := store.IsBusy(err); !busy || until.IsZero() || store.IsConflict(err) || store.IsUnreadable(err) {
		t.Fatalf("among others it ends with %v", err)
	}
	f.Fault = nil
	got, err := open(t, options(f)).Load(t.Context(), web)
	if err != nil || got[0].Version != saved.Version {
		t.Errorf("meanwhile it loads as %+v, %v", got, err)
	}
	if _, err := s.Commit(t.Context(), next); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}
