package pipeline

import (
	"slices"
	"time"
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
	_, before := wall.Add(-24 * time.Hour).In(zone).Zone()
	_, after := wall.Add(24 * time.Hour).In(zone).Zone()
	early := wall.Add(-time.Duration(max(before, after)) * time.Second)
	late := wall.Add(-time.Duration(min(before, after)) * time.Second)
	for _, moment := range []time.Time{early, late} {
		if _, offset := moment.In(zone).Zone(); moment.Add(time.Duration(offset) * time.Second).Equal(wall) {
			return moment.In(zone)
		}
	}
	jump, _ := late.In(zone).ZoneBounds()
	return jump
}

// span is the schedule's first match that is still open, or the next one.
func (c *Cron) span(now time.Time) (start, end time.Time, ok bool) {
	schedule, err := parseSchedule(c.Schedule)
	if err != nil { // Parse refused it
		return time.Time{}, time.Time{}, false
	}
	start = schedule.Next(now.In(c.Zone).Add(-c.For))
	return start, start.Add(c.For), !start.IsZero()
}
