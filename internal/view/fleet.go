package view

import (
	"fmt"
	"strings"
	"time"

	"sluice/internal/executor"
	"sluice/rollout"
	"sluice/stages/driver"
)

const (
	// Many is how many targets are worked on at once without a line for everything
	// that happens to each.
	Many = 30
	// countEvery is how often a fleet's counts are told at most.
	countEvery = time.Second
)

// Fleet tells of many targets together: what went wrong by name, the rest as counts.
// The zero value tells of each. It is not safe for concurrent use.
type Fleet struct {
	size   int
	stands map[string]progressed // by target
	counts [5]int
	told   string
	at     time.Time
}

// progressed is how far a target is, as far as counts tell.
type progressed int

const (
	untold progressed = iota // nothing was told of it
	isCreated
	isUnderWay
	waits
	isDone
)

// Of says how many targets there are. Above [Many] they are told of together.
func (f *Fleet) Of(targets int) {
	*f = Fleet{}
	if targets > Many {
		f.size, f.stands = targets, map[string]progressed{}
	}
}

// Counts reports whether a notice is told by a line of counts alone, and notes what
// it says. [Fleet.Line] has that line.
func (f *Fleet) Counts(n executor.Notice) bool {
	to, counted := progressOf(n)
	if f.size == 0 || n.Target == "" || !counted {
		return false
	}
	if from := f.stands[n.Target]; from < isDone {
		f.counts[from]--
		f.counts[to]++
		f.stands[n.Target] = to
	}
	return !toldByName(n)
}

// Line is the line of counts where they changed since they were told, at most one a
// second unless last; "" for none.
func (f *Fleet) Line(now time.Time, last bool) string {
	if f.size == 0 || !last && now.Sub(f.at) < countEvery {
		return ""
	}
	text := f.text()
	if text == f.told {
		return ""
	}
	f.told, f.at = text, now
	return text
}

func (f *Fleet) text() string {
	var parts []string
	for at, word := range [...]string{isCreated: "created", isUnderWay: "under way", waits: "waiting", isDone: "over"} {
		if n := f.counts[at]; at > int(untold) && n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, word))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return fmt.Sprintf("of %d targets %s", f.size, strings.Join(parts, ", "))
}

// progressOf is how far a notice says that its target is; false where it is about
// something else.
func progressOf(n executor.Notice) (progressed, bool) {
	switch n.Kind {
	case executor.NoticeWaiting, executor.NoticeRetry:
		return waits, true
	case executor.NoticeProgress, executor.NoticeState, executor.NoticeCheck, executor.NoticeLook, executor.NoticeFound, executor.NoticeAbsent, executor.NoticePoll:
		return isUnderWay, true
	case executor.NoticeEvent:
		return progressAfter(n.Event.Type)
	case executor.NoticeLog: // what came to nothing is shown
		return isUnderWay, n.Operation != nil && n.Operation.Results[n.Target].Outcome == driver.Succeeded
	default:
		return untold, false
	}
}

func progressAfter(event string) (progressed, bool) {
	switch event {
	case "rollout.created":
		return isCreated, true
	case "rollout.succeeded", "rollout.failed", "rollout.cancelled", "rollout.rejected", "rollout.withdrawn":
		return isDone, true
	case "effect.succeeded", "effect.failed", "phase.succeeded", "phase.skipped", "job.failed":
		return isUnderWay, true
	default:
		return untold, false
	}
}

// toldByName reports whether people must see which target a notice is of.
func toldByName(n executor.Notice) bool {
	return n.Kind == executor.NoticeEvent && Remarkable(*n.Event)
}

// Remarkable reports whether an event is to be read whatever else happens: it is not
// what happens on the way of every rollout that goes well.
func Remarkable(e rollout.Event) bool {
	switch e.Type {
	case "rollout.created", "rollout.succeeded", "effect.succeeded", "phase.succeeded", "phase.skipped":
		return false
	default:
		return true
	}
}
