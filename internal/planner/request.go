package planner

import (
	"sluice/pipeline"
	"sluice/rollout"
	"sluice/stages/driver"
)

// Promotion asks for a promotion to a stage.
type Promotion struct {
	ID      string // see [Planner.PromotionID], or a shard's
	Stage   *pipeline.Stage
	From    *pipeline.Stage // nil means the stages before
	Targets []*pipeline.Target
	Release string // an id, a name, or 7 and more characters of an id; "" what the source runs
	// Releases are what each component gets, where Release is "".
	Releases    map[string]string
	AllowOlder  bool
	SkipStages  bool
	AcceptDrift bool
	Replace     bool // end what is under way and start from what stands
	Options     driver.Options
	// StartingPhase is the phase that the rollouts begin at; "" the first.
	StartingPhase string
	Rule          *rollout.Rule // of automation, that makes it; nil for none
	// Members are all targets of the promotion, where Targets are a shard's share of
	// them.
	Members []string // all of them where nil
	Shards  *rollout.Shards
}

// release is what a target is to get by the person's words; "" what its source
// runs.
func (req Promotion) release(t *pipeline.Target) string {
	if req.Release != "" {
		return req.Release
	}
	return req.Releases[t.Component.Value]
}
