package engine_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"sluice/internal/old/engine"
	"sluice/pipeline"
)

// dealt is a stage with singles on one platform, and two groups on another that
// changes several in one call.
func dealt(singles, batch int) string {
	var b strings.Builder
	b.WriteString("name: shop\nstages:\n  - name: dev\n    targets:\n" +
		"      - {name: s, component: a, sky: {spot: s}}\n      - {name: f1, component: b, fleet: {spot: f1}}\n      - {name: f2, component: c, fleet: {spot: f2}}\n" +
		"  - name: prod\n    targets:\n")
	for i := range max(singles, batch) {
		if i < batch {
			fmt.Fprintf(&b, "      - {name: b%d, component: b, fleet: {spot: b%d}}\n      - {name: c%d, component: c, fleet: {spot: c%d}}\n", i, i, i, i)
		}
		if i < singles {
			fmt.Fprintf(&b, "      - {name: a%d, component: a, sky: {spot: a%d}}\n", i, i)
		}
	}
	return b.String()
}

// TestShards: every target is in exactly one shard, those that share a call in
// the same one, and no shard that has something to do is left empty before
// another has two groups.
func TestShards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, size := range [][2]int{{0, 1}, {1, 0}, {1, 1}, {5, 4}, {9, 2}, {300, 2}} {
			p := newWorld(t, dealt(size[0], size[1])).pipeline()
			targets := p.Stages[1].Targets
			groups := size[0] + 2*min(size[1], 1)
			if got := engine.Groups(p, targets); got != min(groups, engine.MaxShards) {
				t.Errorf("%v: %d groups, want %d", size, got, groups)
			}
			for _, n := range []int{1, 2, 3, 7, groups, groups + 3} {
				checkShards(t, engine.Shards(p, targets, n), targets, min(n, groups))
			}
		}
	})
}

func checkShards(t *testing.T, shards [][]*pipeline.Target, targets []*pipeline.Target, busy int) {
	t.Helper()
	at, used := map[string]int{}, 0
	for i, shard := range shards {
		used += min(len(shard), 1)
		for _, target := range shard {
			if _, twice := at[target.Name.Value]; twice {
				t.Errorf("%s is in two shards", target.Name.Value)
			}
			at[target.Name.Value] = i
		}
	}
	if len(at) != len(targets) || used != busy {
		t.Errorf("%d shards have %d of %d targets in %d shards, want %d", len(shards), len(at), len(targets), used, busy)
	}
	for _, component := range []string{"b", "c"} {
		var where []int
		for name, i := range at {
			if strings.HasPrefix(name, component) && !slices.Contains(where, i) {
				where = append(where, i)
			}
		}
		if len(where) > 1 {
			t.Errorf("what one call changes is in shards %v", where)
		}
	}
}

// TestShardedID: the same for every shard of a run, whatever the order of its
// targets; another for another run, stage or choice of targets.
func TestShardedID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		targets := newWorld(t, dealt(2, 1)).pipeline().Stages[1].Targets
		turned := slices.Clone(targets)
		slices.Reverse(turned)
		mine := engine.ShardedID("octo/shop/7", "prod", targets)
		if mine == "" || engine.ShardedID("octo/shop/7", "prod", turned) != mine {
			t.Errorf("%q", mine)
		}
		for _, other := range []string{
			engine.ShardedID("octo/shop/8", "prod", targets), engine.ShardedID("octo/shop/7", "dev", targets),
			engine.ShardedID("octo/shop/7", "prod", targets[1:]), engine.ShardedID("", "prod", targets),
		} {
			if other == mine {
				t.Errorf("%q twice", mine)
			}
		}
	})
}
