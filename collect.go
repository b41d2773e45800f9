package main

import (
	"runtime"
	"runtime/debug"
)

// Go's collector begins when a program has 4 MB, and once more with each 100 % (GOGC).
const (
	usualPace = 100
	firstPace = 400 // of those 4 MB: it begins at 16 MB
)

// collectLate has the collector run for the first time at 16 MB, to which most commands
// never come: it would be a fifth of the processor time of one that makes two requests.
// From then on it has its usual pace again, so that what takes much memory takes no more
// of it. Where GOGC says something else, that counts.
func collectLate() {
	if before := debug.SetGCPercent(firstPace); before != usualPace {
		debug.SetGCPercent(before)
		return
	}
	runtime.AddCleanup(new([64]byte), func(pace int) { debug.SetGCPercent(pace) }, usualPace)
}
