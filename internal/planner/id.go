package planner

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/google/uuid"

	"sluice/pipeline"
	"sluice/rollout"
)

// PromotionID is the id of a command's promotion: the same for a re-run of its
// step, new wherever nothing makes a re-run the same.
func (p *Planner) PromotionID(command, stage string, targets []*pipeline.Target) string {
	if p.Origin == "" {
		return "p-" + uuid.NewString()
	}
	return idOf(p.Origin, command, stage, names(targets))
}

// ShardedID is the id that all shards of a workflow run agree on for a
// promotion; "" where run is.
func ShardedID(run, stage string, targets []*pipeline.Target) string {
	if run == "" {
		return ""
	}
	return idOf(run, rollout.CommandPromote, stage, names(targets))
}

// ShareID is the id of one shard's share of a promotion, where the state cannot be
// swapped and shards would overwrite each other's entry.
func ShareID(promotion string, targets []*pipeline.Target) string {
	return promotion + "-" + strings.TrimPrefix(idOf(promotion, "", "", names(targets)), "p-")[:8]
}

// IsShare reports whether a promotion is another one, or a shard's share of it.
func IsShare(promotion, of string) bool {
	return promotion == of || strings.HasPrefix(promotion, of+"-")
}

func idOf(origin, command, stage string, targets []string) string {
	sorted := slices.Sorted(slices.Values(targets))
	sum := sha256.Sum256([]byte(strings.Join([]string{origin, command, stage, strings.Join(sorted, ",")}, "\n")))
	return "p-" + hex.EncodeToString(sum[:8])
}
