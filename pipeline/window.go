package pipeline

import (
	"slices"
	"time"

	"github.com/robfig/cron/v3"
)

// span is the earliest span of the window that ends after now: it contains
// now, or begins later. It is false where the window never opens again.
func (w Window) span(now time.Time) (start, end time.Time, ok bool) {
	switch {
	case w.Weekly != nil:
		return w.Weekly.span(now)
	case w.Once != nil:
		return w.Once.From, w.Once.To, now.Before(w.Once.To)
	case w.Cron != nil:
		return w.Cron.span(now)
	}
	return time.Time{}, time.Time{}, false
}

// contains reports whether now is inside the window, and if so until when.
func (w Window) contains(now time.Time) (end time.Time, ok bool) {
	start, end, ok := w.span(now)
	return end, ok && !now.Before(start)
}

// span looks from two days back, where a span over midnight may have begun, to
// the same day of the next week.
func (w *Weekly) span(now time.Time) (start, end time.Time, ok bool) {
	year, month, day := now.In(w.Zone).Date()
	for offset := -2; offset <= 8; offset++ {
		start, end, ok := w.on(time.Date(year, month, day+offset, 0, 0, 0, 0, time.UTC))
		if ok && start.Before(end) && now.Before(end) {
			return start, end, true
		}
	}
	return time.Time{}, time.Time{}, false
}

// on is the span that begins on a date, given as its midnight in UTC.
func (w *Weekly) on(date time.Time) (start, end time.Time, ok bool) {
	if len(w.Days) > 0 && !slices.Contains(w.Days, date.Weekday()) {
		return time.Time{}, time.Time{}, false
	}
	last := date
	if w.To <= w.From {
		last = date.AddDate(0, 0, 1)
	}
	return wallClock(date.Add(w.From), w.Zone), wallClock(last.Add(w.To), w.Zone), true
}

// wallClock is the first moment at which clocks in a zone show what wall, a
// time in UTC, reads. A time that the clocks skip is the moment they jump; of
// a time that they repeat it is the first passing.
func wallClock(wall time.Time, zone *time.Location) time.Time {
	early, late := around(wall, zone)
	for _, moment := range []time.Time{early, late} {
		if shows(moment, wall, zone) {
			return moment.In(zone)
		}
	}
	jump, _ := late.In(zone).ZoneBounds()
	return jump
}

// around is the two moments at which clocks can show wall: by the offsets that
// hold a day before and a day after.
func around(wall time.Time, zone *time.Location) (early, late time.Time) {
	_, before := wall.Add(-24 * time.Hour).In(zone).Zone()
	_, after := wall.Add(24 * time.Hour).In(zone).Zone()
	early = wall.Add(-time.Duration(max(before, after)) * time.Second)
	late = wall.Add(-time.Duration(min(before, after)) * time.Second)
	return early, late
}

// shows reports whether clocks in the zone show wall at a moment.
func shows(moment, wall time.Time, zone *time.Location) bool {
	_, offset := moment.In(zone).Zone()
	return moment.Add(time.Duration(offset) * time.Second).Equal(wall)
}

// lastPassing is [wallClock], but of a time that clocks repeat the last passing.
func lastPassing(wall time.Time, zone *time.Location) time.Time {
	_, late := around(wall, zone)
	if shows(late, wall, zone) {
		return late.In(zone)
	}
	return wallClock(wall, zone)
}

// span is the schedule's first match that is still open, or the next one. Fields
// are read on the wall: a time that the clocks skip is the moment they jump, and
// one that they repeat counts once, as cron(8) does. A schedule of every hour
// means each hour that passes, so that it counts the repeated one twice.
func (c *Cron) span(now time.Time) (start, end time.Time, ok bool) {
	schedule, err := parseSchedule(c.Schedule)
	if err != nil { // Parse refused it
		return time.Time{}, time.Time{}, false
	}
	over := now.Add(-c.For)
	start = c.first(schedule, over, wallClock)
	if everyHour(schedule) {
		if again := c.first(schedule, over, lastPassing); start.IsZero() || again.Before(start) {
			start = again
		}
	}
	return start, start.Add(c.For), !start.IsZero()
}

// longestFold bounds how far clocks are ever put back: over the date line.
const longestFold = 24 * time.Hour

// first is the first moment after a given one that passing makes of a match of
// the schedule, zero where there is none. A later match never makes an earlier
// moment.
func (c *Cron) first(schedule cron.Schedule, after time.Time, passing func(time.Time, *time.Location) time.Time) time.Time {
	_, offset := after.In(c.Zone).Zone()
	wall := after.UTC().Add(time.Duration(offset)*time.Second - longestFold)
	for {
		wall = schedule.Next(wall)
		if wall.IsZero() {
			return time.Time{}
		}
		if moment := passing(wall, c.Zone); moment.After(after) {
			return moment
		}
	}
}

// everyHour reports whether a schedule names all hours of a day.
func everyHour(schedule cron.Schedule) bool {
	const all = 1<<24 - 1
	spec, ok := schedule.(*cron.SpecSchedule)
	return ok && spec.Hour&all == all
}
