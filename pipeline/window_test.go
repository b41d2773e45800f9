package pipeline

import (
	"testing"
	"time"
)

// Whatever schedule is accepted, in whatever zone: a window that opens ends after it
// begins and after now, and what is inside begins before.
func FuzzCron(f *testing.F) {
	f.Add("0 22 * * fri", int64(600), int64(1795348800), "Europe/Berlin")
	f.Add("30 2 * * *", int64(60), int64(1774749600), "Europe/Berlin") // the hour that is skipped
	f.Add("@monthly", int64(1), int64(0), "Pacific/Kiritimati")
	f.Add("0 0 30 2 *", int64(1), int64(0), "UTC") // never
	f.Add("*/7 */5 1-31/3 * mon-fri", int64(90), int64(1<<33), "America/St_Johns")
	f.Fuzz(func(t *testing.T, schedule string, minutes, now int64, zone string) {
		place, err := time.LoadLocation(zone)
		if err != nil {
			return
		}
		if _, err := parseSchedule(schedule); err != nil {
			return
		}
		const year9000 = 221845392000
		at := time.Unix(now%year9000, 0)
		w := Window{Cron: &Cron{Schedule: schedule, For: time.Duration(1+uint64(minutes)%(7*24*60)) * time.Minute, Zone: place}}
		start, end, ok := w.span(at)
		if ok && (!start.Before(end) || !at.Before(end)) {
			t.Errorf("%q in %s at %s: from %s to %s", schedule, zone, at, start, end)
		}
		until, inside := w.contains(at)
		if inside && (!until.Equal(end) || at.Before(start)) {
			t.Errorf("%q in %s at %s: inside until %s, and it is from %s to %s", schedule, zone, at, until, start, end)
		}
	})
}
