package storetest_test

import (
	"errors"
	"testing"

	"sluice/internal/store"
	"sluice/internal/store/storetest"
)

func TestMemory(t *testing.T) {
	storetest.Run(t, func(*testing.T) storetest.Harness {
		m := storetest.NewMemory()
		return storetest.Harness{
			Open:   func(*testing.T) store.Store { return m.Another() },
			Writes: m.Commits,
		}
	})
}

func TestMemoryHooks(t *testing.T) {
	m := storetest.NewMemory()
	boom := errors.New("boom")
	web := store.Key{Pipeline: "storefront", Target: "web"}
	entry := store.Entry{Key: web, Generation: 1, Data: []byte("{}")}

	m.OnCommit = func([]store.Entry) error { return boom }
	if _, err := m.Commit(t.Context(), entry); !errors.Is(err, boom) || m.Commits() != 0 {
		t.Errorf("refused commit: %v, %d commits", err, m.Commits())
	}
	m.OnCommit = nil
	m.AfterCommit = func([]store.Entry) error { return boom }
	if _, err := m.Commit(t.Context(), entry); !errors.Is(err, boom) || m.Commits() != 1 {
		t.Errorf("unanswered commit: %v, %d commits", err, m.Commits())
	}
	m.AfterCommit = nil
	m.Set(web, []byte("[]"))
	if _, err := m.Commit(t.Context(), entry); !store.IsConflict(err) {
		t.Errorf("commit after somebody else saved: %v", err)
	}
	m.OnLoad = func([]store.Key) error { return boom }
	if _, err := m.Load(t.Context(), web); !errors.Is(err, boom) || m.Loads() != 0 {
		t.Errorf("refused load: %v, %d loads", err, m.Loads())
	}
	if n := len(m.History()); n != 2 {
		t.Errorf("history has %d saves, want 2", n)
	}
}
