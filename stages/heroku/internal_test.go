package heroku

import (
	"testing"
	"time"
)

// TestNewer: a release was made after a call by its version, which only grows. Where no
// version is known the clock tells, and Heroku's machines may differ by a minute from
// the one that prepared the call.
func TestNewer(t *testing.T) {
	prepared := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		known, version int
		after          time.Duration
		want           bool
	}{
		"a higher version, whatever its time":  {41, 42, -24 * time.Hour, true},
		"the version that was there":           {41, 41, time.Hour, false},
		"made later":                           {0, 42, time.Second, true},
		"made as long before as clocks differ": {0, 42, -time.Minute, true},
		"made before that":                     {0, 42, -time.Minute - time.Second, false},
	} {
		r := &release{Version: c.version, CreatedAt: prepared.Add(c.after)}
		if got := (part{member: member{Version: c.known}}).newer(frozen{Prepared: prepared}, r); got != c.want {
			t.Errorf("%s: newer is %t", name, got)
		}
	}
}
