package rollout

import (
	"math"
	"slices"
)

// counts are how the members of a promotion stand, wave by wave.
type counts struct {
	waves     []waveCount
	tolerated int   // how many members of a wave may fail
	touched   []int // waves whose counts changed since the last React
	going     int   // members whose rollout is not over
}

// waveCount counts the members of a wave.
type waveCount struct {
	first, end int
	good       int
	failed     int
	skipped    int
	on         map[int]int // by position: those that are going and go on by themselves
	lowest     int         // the position of the last of them when it was last looked at
}

// countsOf are the counts of a promotion before anybody was counted.
func countsOf(p *Promotion) counts {
	c, first := counts{tolerated: p.tolerated()}, 0
	for _, end := range p.sizes() {
		c.waves = append(c.waves, waveCount{first: first, end: end, on: map[int]int{}})
		first = end
	}
	return c
}

// move counts a member as it stands now, and no longer as it stood.
func (c *counts) move(was, is standing) {
	c.add(was, -1)
	c.add(is, 1)
	if !slices.Contains(c.touched, is.wave) {
		c.touched = append(c.touched, is.wave)
	}
}

func (c *counts) add(s standing, by int) {
	w := &c.waves[s.wave]
	if !s.over {
		c.going += by
	}
	switch s.class {
	case classGood:
		w.good += by
	case classFailed:
		w.failed += by
	case classSkipped:
		w.skipped += by
	case classGoing:
		if s.goes {
			w.on[s.at] += by
		}
	}
	if w.on[s.at] == 0 {
		delete(w.on, s.at)
	}
}

// touchAll has every wave looked at by the next React.
func (c *counts) touchAll() {
	c.touched = c.touched[:0]
	for w := range c.waves {
		c.touched = append(c.touched, w)
	}
}

// goodEnough reports whether all of a wave but those tolerated SUCCEEDED, were there
// already, or were left out.
func (c *counts) goodEnough(wave int) bool {
	w := c.waves[wave]
	return w.good+w.skipped >= w.end-w.first-c.tolerated
}

// failed reports whether more of a wave failed than is tolerated.
func (c *counts) failed(wave int) bool { return c.waves[wave].failed > c.tolerated }

// lowest is the position of the last that are on their way; beyond all where
// nobody is.
func lowest(on map[int]int) int {
	least := math.MaxInt
	for at := range on {
		least = min(least, at)
	}
	return least
}
