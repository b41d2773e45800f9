package app

import (
	"fmt"
	"strconv"
	"time"

	"sluice/internal/view"
	"sluice/pipeline"
)

// artifactsKept is how long GitHub keeps artifacts unless a repository says otherwise
// (docs.github.com: configuring the retention period).
const artifactsKept = 90 * 24 * time.Hour

// keeps is how long state is kept in a store after a save; 0 where it does not
// expire. The runner says what the repository has.
func keeps(where string, getenv func(string) string) time.Duration {
	if where != pipeline.StoreArtifact {
		return 0
	}
	days, err := strconv.Atoi(getenv("GITHUB_RETENTION_DAYS"))
	if err != nil || days < 1 {
		return artifactsKept
	}
	return time.Duration(days) * 24 * time.Hour
}

// warnOfExpiry says which targets wait for longer than the state is kept that was
// saved now.
func warnOfExpiry(warn func(target, text string), out view.Outcome, keep time.Duration, now time.Time) {
	if keep == 0 {
		return
	}
	lost := now.Add(keep).UTC()
	for _, t := range out.Targets {
		if t.WaitingFor != nil && t.WaitingFor.Until.After(lost) {
			warn(t.Target, fmt.Sprintf("it waits until %s, and its state is kept in artifacts until %s: the next save renews it, `sluice state migrate --to-store git` keeps it for good",
				t.WaitingFor.Until.UTC().Format(time.DateOnly), lost.Format(time.DateOnly)))
		}
	}
}
