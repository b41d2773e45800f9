package pipeline

import (
	"time"
)

// Outlasting warns of what may wait for longer than its state is kept, where that
// expires; keep is for how long after a save, at least a day. Each warning says on
// which date what begins to wait now would be lost. Waits that nobody can know before
// (a window that a cron expression opens) are none of it.
func (p *Pipeline) Outlasting(keep time.Duration, now time.Time) []Problem {
	lost := now.Add(keep).UTC().Format(time.DateOnly)
	var found []Problem
	add := func(pos Pos, what string, wait time.Duration) {
		if wait > keep {
			found = append(found, warning(pos, "%s (%s) is longer than the %d days for which artifacts are kept: what begins to wait now loses its state on %s; use state: {store: git}, or keep artifacts for longer (the repository's settings, Actions, retention)",
				what, wait, int(keep.Hours())/24, lost))
		}
	}
	for _, s := range p.Stages {
		if s.Approval != nil && s.Approval.Required {
			add(s.Approval.Pos, "approval: timeout", s.Approval.Timeout)
		}
		if s.Waves != nil {
			add(s.Waves.Pos, "waves: wait", s.Waves.Wait)
		}
		add(s.Name.Pos, "soak", s.Soak)
	}
	for _, c := range p.canaries() {
		add(c.Pos, "canary: wait", c.longest())
	}
	for _, policy := range p.Policies {
		for _, w := range policy.Deny {
			if w.Once != nil && w.Once.To.After(now) {
				add(w.Pos, "policy "+quote(policy.Name.Value)+": the window", w.Once.To.Sub(latest(now, w.Once.From)))
			}
		}
	}
	return found
}

// longest is the longest bake of a canary's phases.
func (c *Canary) longest() (wait time.Duration) {
	for _, phase := range c.Phases {
		if phase.Wait != nil {
			wait = max(wait, *phase.Wait)
		}
	}
	return wait
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
