package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/google/uuid"

	"sluice/internal/old/rollout"
	"sluice/pipeline"
	"sluice/stages/driver"
)

// The commands that create rollouts.
const (
	CommandPromote       = "promote"
	CommandPromoteCanary = "promote-canary"
	CommandRollback      = "rollback"
)

// Promotion is a request to move releases to a stage.
type Promotion struct {
	Stage       *pipeline.Stage
	From        *pipeline.Stage // nil means the stage before
	Targets     []*pipeline.Target
	Release     string
	AllowOlder  bool
	SkipStages  bool
	AcceptDrift bool
	Reason      string
	Options     driver.Options
	// Shard says that Targets are this job's share of a promotion that other
	// jobs of the run share: its id and all of its targets. Nil for a whole one.
	Shard *Shard
}

// Shard is one job's share of a promotion.
type Shard struct {
	Promotion string   // the id that all shards agree on; "" where they cannot
	Members   []string // the names of all targets of the promotion
}

// Promote moves releases to a stage: it pins them, looks at every target before
// the first effect, saves what is intended, and runs what is due.
func (e *Engine) Promote(ctx context.Context, req Promotion) (rollout.Outcome, error) {
	slots, err := e.load(ctx, req.Targets)
	if err != nil {
		return rollout.Outcome{}, err
	}
	id, again := e.promotionOf(req, slots)
	v := voyage{id: id, command: CommandPromote, reason: req.Reason, shard: req.Shard}
	if again {
		found := sharesOf(id, slots)
		if len(found.open) == 0 || len(found.missing) == 0 {
			return e.again(ctx, id, slots)
		}
		e.resuming()
		slots, v.left = found.missing, found.open
	}
	journeys, err := e.journeys(ctx, req, slots, id)
	if err != nil {
		return rollout.Outcome{}, err
	}
	return e.embark(ctx, journeys, v)
}

// voyage is what all journeys of a promotion share.
type voyage struct {
	id, command, reason string
	shard               *Shard
	left                []*slot // open shares of an earlier attempt, to be resumed
}

// promotionOf names the promotion of a request: a shard's is shared with the
// other shards. again reports that its targets know it already.
func (e *Engine) promotionOf(req Promotion, slots []*slot) (id string, again bool) {
	if req.Shard == nil || req.Shard.Promotion == "" {
		return e.promotionID(CommandPromote, req.Stage.Name.Value, slots)
	}
	return req.Shard.Promotion, known(req.Shard.Promotion, slots)
}

// promotionID names a promotion: the same for a re-run of the same step, so
// that it is found again; again reports that it was.
func (e *Engine) promotionID(command, stage string, slots []*slot) (id string, again bool) {
	if e.Origin == "" {
		return uuid.NewString(), false
	}
	id = promotionName(e.Origin, command, stage, namesOf(slots))
	return id, known(id, slots)
}

// promotionName is a promotion's id by what makes it the same.
func promotionName(origin, command, stage string, targets []string) string {
	names := slices.Sorted(slices.Values(targets))
	sum := sha256.Sum256([]byte(strings.Join([]string{origin, command, stage, strings.Join(names, ",")}, "\n")))
	return "p-" + hex.EncodeToString(sum[:8])
}
