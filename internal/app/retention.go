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

// keeps is how long a pipeline's state is kept after a save; 0 where it does not
// expire. The runner says what the repository has.
func (inv *invocation) keeps(p *pipeline.Pipeline) time.Duration {
	if p == nil || inv.flags.storeName(p) != pipeline.StoreArtifact {
		return 0
	}
	days, err := strconv.Atoi(inv.env.Get("GITHUB_RETENTION_DAYS"))
	if err != nil || days < 1 {
		return artifactsKept
	}
	return time.Duration(days) * 24 * time.Hour
}

// outlasting are warnings of what may wait for longer than the state is kept.
func (inv *invocation) outlasting(p *pipeline.Pipeline) []pipeline.Problem {
	keep := inv.keeps(p)
	if keep == 0 {
		return nil
	}
	return p.Outlasting(keep, inv.Clock.Now())
}

// warnOfExpiry says which targets wait for longer than the state is kept that was
// saved now.
func (inv *invocation) warnOfExpiry(p *pipeline.Pipeline, out view.Outcome) {
	keep := inv.keeps(p)
	if keep == 0 {
		return
	}
	lost := inv.Clock.Now().Add(keep).UTC()
	for _, t := range out.Targets {
		if t.WaitingFor != nil && t.WaitingFor.Until.After(lost) {
			inv.console.Warn(t.Target, fmt.Sprintf("it waits until %s, and its state is kept in artifacts until %s: the next save renews it, `sluice state migrate --to-store git` keeps it for good",
				t.WaitingFor.Until.UTC().Format(time.DateOnly), lost.Format(time.DateOnly)))
		}
	}
}
