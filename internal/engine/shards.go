package engine

import (
	"sluice/internal/planner"
	"sluice/pipeline"
)

// MaxShards is how many jobs a matrix may have, by GitHub's limit.
const MaxShards = 256

// ShardedID is the id that all shards of a workflow run agree on for a
// promotion; "" where run is.
func ShardedID(run, stage string, targets []*pipeline.Target) string {
	return planner.ShardedID(run, stage, targets)
}

// Shards deals targets out to n jobs; what one call can serve stays together.
func Shards(p *pipeline.Pipeline, targets []*pipeline.Target, n int) [][]*pipeline.Target {
	shards := make([][]*pipeline.Target, n)
	for i, g := range groups(p, targets) {
		shards[i%n] = append(shards[i%n], g...)
	}
	return shards
}

// Groups is how many jobs targets can be dealt out to.
func Groups(p *pipeline.Pipeline, targets []*pipeline.Target) int {
	return min(len(groups(p, targets)), MaxShards)
}

// groups are the targets that one call can serve, together.
func groups(p *pipeline.Pipeline, targets []*pipeline.Target) [][]*pipeline.Target {
	var list [][]*pipeline.Target
	at := map[string]int{}
	for _, t := range targets {
		key := ""
		if source, err := p.Source(t); err == nil && source != nil && t.Platform.BatchSize() > 1 {
			key = t.Platform.Platform + "\n" + source.Name.Value
		}
		if i, ok := at[key]; ok && key != "" {
			list[i] = append(list[i], t)
			continue
		}
		at[key] = len(list)
		list = append(list, []*pipeline.Target{t})
	}
	return list
}
