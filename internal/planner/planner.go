package planner

import (
	"sluice/pipeline"
	"sluice/rollout"
)

// Planner makes the plans of one invocation. It is not safe for concurrent use:
// its own reads are made side by side, bounded by the work's places.
type Planner struct {
	Config
	reader    reader
	declared  declared
	admission admission
}

// New returns a planner. It reads nothing.
func New(c Config) *Planner {
	return &Planner{c, reader{c.Platform, c.Work}, declared{c}, admission{c.Work, c.Setting, c.Actor}}
}

// Fresh is the record of a target about which nothing was ever saved.
func (p *Planner) Fresh(t *pipeline.Target) rollout.Record {
	return p.declared.fresh(t)
}
