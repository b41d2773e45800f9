// Package live shows on a terminal, in place, how far the targets of a command are: a
// line each with its traffic, what is at work, and how long it has taken and will take;
// of very many a summary, with those by name that need somebody.
//
// [Board] and [Layout] are pure: notices and times come in, lines go out. [Screen] puts
// lines on a terminal and takes them away again.
package live

import (
	"slices"
	"sort"
	"time"
)

// Stand is how far a target is.
type Stand int

// The stands, in the order in which a summary lists targets: those first that need
// somebody.
const (
	Failed Stand = iota
	Waiting
	Working
	Created
	Done
)

// String is the stand for people.
func (s Stand) String() string {
	return [...]string{Failed: "failed", Waiting: "waiting", Working: "under way", Created: "to come", Done: "over"}[s]
}

// Row is a target as it is shown. Its texts are untrusted.
type Row struct {
	Stage, Target string
	Release       string
	Stand         Stand
	Percent       float64 // of the traffic that the release has
	Split         bool    // Percent says something
	Progress      int     // of the platform's operation, percent; 0 for none that tells
	Text          string  // what is at work, or what is waited for
	Began         time.Time
	Ended         time.Time // zero while it goes on
	Until         time.Time // when what is waited for ends; zero where nobody knows
}

// elapsed is how long the target has been worked on.
func (r Row) elapsed(now time.Time) time.Duration {
	if r.Began.IsZero() {
		return 0
	}
	if !r.Ended.IsZero() {
		now = r.Ended
	}
	return max(now.Sub(r.Began), 0)
}

// left is how long what is waited for takes still; 0 for unknown.
func (r Row) left(now time.Time) time.Duration {
	if r.Stand == Done || r.Until.IsZero() {
		return 0
	}
	return max(r.Until.Sub(now), 0)
}

// urgent orders rows by who needs somebody, and keeps their order beside that.
func urgent(rows []Row) []Row {
	rows = slices.Clone(rows)
	sort.SliceStable(rows, func(i, j int) bool { return rows[i].Stand < rows[j].Stand })
	return rows
}
