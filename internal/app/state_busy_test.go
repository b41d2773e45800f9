package app_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestBusyStore: what GitHub refuses for its rate is waited for within the budget;
// beyond it the run is pending, says when to come back, and nothing is lost.
func TestBusyStore(t *testing.T) {
	for name, refuses := range map[string]func(*http.Request) bool{
		"reads":  func(r *http.Request) bool { return r.Method == http.MethodGet },
		"writes": func(r *http.Request) bool { return r.Method != http.MethodGet },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, shop)
			w.time.Speed = 1 // the store's stand-in counts in the machine's time
			var mu sync.Mutex
			until := time.Now().Add(40 * time.Minute)
			w.git.Meter.Refuse = func(r *http.Request) time.Duration {
				mu.Lock()
				defer mu.Unlock()
				if !refuses(r) {
					return 0
				}
				return time.Until(until)
			}
			promote := []string{"promote", "--to", "production", "--target", "eu", "--store", "git", "--wait-budget", "5s"}
			got := w.wants(t, 0, "promote: pending", job{run: 7}, promote...)
			if !strings.Contains(got.stderr, until.UTC().Format("2006-01-02T15:04")) {
				t.Errorf("it does not say until when: %s", got)
			}
			if n := len(w.effects()); n > 0 {
				t.Errorf("%d effects", n)
			}
			w.wants(t, 3, "pending", job{run: 7}, append(promote, "--fail-on-pending")...)
			mu.Lock()
			until = time.Now().Add(2 * time.Second)
			mu.Unlock()
			w.wants(t, 0, "promote: succeeded", job{run: 8}, promote...)
			if n := len(w.effects()); n != 1 {
				t.Errorf("%d effects", n)
			}
		})
	}
}
