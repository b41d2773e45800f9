package driver_test

import (
	"testing"
	"time"

	"sluice/stages/driver"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func TestRetryAfter(t *testing.T) {
	for header, want := range map[string]time.Duration{
		"":                              0,
		"7":                             7 * time.Second,
		" 7 ":                           7 * time.Second,
		"-1":                            0,
		"soon":                          0,
		"99999999999":                   24 * time.Hour, // in nanoseconds it is below zero
		"Sun, 22 Nov 2026 12:00:30 GMT": 30 * time.Second,
		"Sun, 22 Nov 2026 11:59:30 GMT": 0,
		"Fri, 31 Dec 9999 23:59:59 GMT": 24 * time.Hour,
	} {
		if got := driver.RetryAfter(header, noon); got != want {
			t.Errorf("%q: %s, want %s", header, got, want)
		}
	}
}

// Who has no clock is told seconds alone.
func TestRetryAfterWithoutAClock(t *testing.T) {
	for header, want := range map[string]time.Duration{"7": 7 * time.Second, "Sun, 22 Nov 2026 12:00:30 GMT": 0} {
		if got := driver.RetryAfter(header, time.Time{}); got != want {
			t.Errorf("%q: %s, want %s", header, got, want)
		}
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{"7", "-1", "99999999999", "1e3", "Sun, 22 Nov 2026 12:00:30 GMT", "Sunday, 22-Nov-26 12:00:30 GMT", "Sun Nov 22 12:00:30 2026"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		if got := driver.RetryAfter(header, noon); got < 0 || got > 24*time.Hour {
			t.Errorf("%q: %s", header, got)
		}
	})
}
