package rollout

import (
	"slices"
	"time"
)

// sizes are how many members each wave and those before it have together.
func (p *Promotion) sizes() []int {
	if p.Waves == nil || len(p.Waves.Sizes) == 0 {
		return []int{len(p.Members)}
	}
	return p.Waves.Sizes
}

// waveAt is the wave of the i-th member.
func (p *Promotion) waveAt(i int) int {
	w, _ := slices.BinarySearch(p.sizes(), i+1)
	return w
}

// tolerated is how many members of a wave may fail.
func (p *Promotion) tolerated() int {
	if p.Waves == nil {
		return 0
	}
	return p.Waves.Tolerate
}

// endWaves notes when a wave was good enough for the next to begin.
func (g *Group) endWaves(now time.Time) {
	if g.Promotion.Waves == nil || g.Promotion.Halted != nil && g.Promotion.OnFailure == OnFailureRollback {
		return
	}
	g.reopenWaves()
	for w := len(g.Promotion.WaveEnds); w < len(g.counts.waves); w++ {
		if !g.counts.goodEnough(w) {
			return
		}
		g.Promotion.WaveEnds = append(g.Promotion.WaveEnds, now.UTC())
		g.saved = true
		if w+1 < len(g.counts.waves) {
			g.wake(g.counts.waves[w+1])
		}
	}
}

// reopenWaves takes back that a wave was good enough where one of its members
// went back since: what has not begun after it waits again.
func (g *Group) reopenWaves() {
	for _, w := range g.counts.touched {
		if w < len(g.Promotion.WaveEnds) && !g.counts.goodEnough(w) {
			g.Promotion.WaveEnds, g.saved = g.Promotion.WaveEnds[:w], true
		}
	}
}

// waitWave says what a member waits for whose wave has not begun.
func (g *Group) waitWave(target string, now time.Time) (Waiting, bool) {
	i, ok := g.members[target]
	if !ok || g.Promotion.Waves == nil || g.stands[i].wave == 0 {
		return Waiting{}, false
	}
	before := g.stands[i].wave - 1
	w := Waiting{Kind: WaitWave, Wave: before}
	if before >= len(g.Promotion.WaveEnds) {
		return w, true
	}
	w.Until = g.Promotion.WaveEnds[before].Add(g.Promotion.Waves.Wait.Std())
	return w, now.Before(w.Until)
}
