package rollout

import (
	"slices"
	"time"
)

// React halts, takes back, opens the next wave, and tells who has something else
// to do. Constant time where nothing of the kind happened, else linear in the
// members that it is about. What it wants done is said once: whoever cannot do it
// leaves it to the run that holds the member.
func (g *Group) React(now time.Time) Reaction {
	g.barriers()
	g.halt(now)
	g.endWaves(now)
	g.end(now)
	g.counts.touched = g.counts.touched[:0]
	out := Reaction{Do: g.takeBack(), Promotion: g.saved, Woken: g.wakened()}
	g.saved = false
	return out
}

// end notes when no member's rollout is left that is not over.
func (g *Group) end(now time.Time) {
	over := !g.Promotion.EndTime.IsZero()
	if over == (g.counts.going == 0) {
		return
	}
	g.Promotion.EndTime, g.saved = time.Time{}, true
	if g.counts.going == 0 {
		g.Promotion.EndTime = now.UTC()
	}
}

// wakened are the members that were woken, in the promotion's order.
func (g *Group) wakened() []string {
	if len(g.woken) == 0 {
		return nil
	}
	names := make([]string, 0, len(g.woken))
	for name := range g.woken {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return g.members[a] - g.members[b] })
	clear(g.woken)
	return names
}

// barriers wakes a wave whose last member has come further: a check of scope
// stage may wait for that.
func (g *Group) barriers() {
	if !g.staged {
		return
	}
	for _, w := range g.counts.touched {
		wave := &g.counts.waves[w]
		if at := lowest(wave.on); at != wave.lowest {
			wave.lowest = at
			g.wake(*wave)
		}
	}
}

// halts reports whether a failure concerns the other members.
func (g *Group) halts() bool {
	return g.Promotion.OnFailure == OnFailureHalt || g.Promotion.OnFailure == OnFailureRollback
}

// halt saves that a failure keeps the others from beginning anything, or that it
// no longer does: its job was retried or ignored, or the member skipped.
func (g *Group) halt(now time.Time) {
	if !g.halts() {
		return
	}
	h := g.Promotion.Halted
	switch {
	case h == nil:
		g.haltBy(now)
	case g.Promotion.OnFailure == OnFailureHalt && g.stillFails(h):
	case g.Promotion.OnFailure == OnFailureHalt:
		g.Promotion.Halted = nil
		g.counts.touchAll()
		g.tellAll()
		g.haltBy(now)
	}
}

// stillFails reports whether the wave of a halt has more failures than are
// tolerated, and the target that is named is one of them.
func (g *Group) stillFails(h *Halt) bool {
	i, ok := g.members[h.By]
	return ok && g.stands[i].class == classFailed && g.counts.failed(g.stands[i].wave)
}

// haltBy halts where a wave that changed has more failures than are tolerated.
func (g *Group) haltBy(now time.Time) {
	for _, w := range g.counts.touched {
		if !g.counts.failed(w) {
			continue
		}
		for i := g.counts.waves[w].first; i < g.counts.waves[w].end; i++ {
			if g.stands[i].class == classFailed {
				g.Promotion.Halted = g.haltOf(i, now)
				g.tellAll()
				return
			}
		}
	}
}

// haltOf is the halt by a member's failure.
func (g *Group) haltOf(i int, now time.Time) *Halt {
	h := &Halt{By: g.Promotion.Members[i], Wave: g.stands[i].wave, At: now.UTC()}
	if r := g.records[i]; r != nil {
		if e, ok := r.Of(g.Promotion.ID); ok {
			h.Rollout, h.Cause = e.Rollout.Name, e.Rollout.DeployFailureCause
		}
	}
	return h
}

// tellAll notes that the promotion changed in a way that concerns every member.
func (g *Group) tellAll() {
	g.saved = true
	for _, wave := range g.counts.waves {
		g.wake(wave)
	}
	if g.Promotion.OnFailure != OnFailureRollback {
		return
	}
	for i := range g.records {
		g.turn = append(g.turn, i)
	}
}

// waitHalted says that a member waits because another one's failure halts it.
func (g *Group) waitHalted(target string) (Waiting, bool) {
	h := g.Promotion.Halted
	if h == nil || h.By == target || !g.halts() {
		return Waiting{}, false
	}
	w := Waiting{Kind: WaitOperator, Cause: CauseHalted, Target: h.By, Wave: h.Wave}
	if !g.canTakeUp(h) {
		w.Cause = CausePast
	}
	return w, true
}

// canTakeUp reports whether somebody can retry or ignore the failure that halts:
// no later rollout went to work there, and a job of it failed.
func (g *Group) canTakeUp(h *Halt) bool {
	i, ok := g.members[h.By]
	if !ok || g.records[i] == nil {
		return false
	}
	r := g.records[i]
	e, ok := r.Rollout(h.Rollout)
	if !ok || !e.Rollout.jobFailed() && !e.Spec.Remote {
		return false
	}
	return refuseNewer(e, r, string(ToRetryJob)) == nil
}

// takeBack turns members back from where they are, under onFailure: rollback.
func (g *Group) takeBack() []Addressed {
	turn := g.turn
	g.turn = nil
	if g.Promotion.Halted == nil || g.Promotion.OnFailure != OnFailureRollback {
		return nil
	}
	slices.Sort(turn)
	var out []Addressed
	for _, i := range slices.Compact(turn) {
		if t := g.turned(i); t != nil {
			out = append(out, Addressed{Target: g.Promotion.Members[i], Transition: t})
		}
	}
	return out
}

// turned is what takes a member back; nil where it stays as it is. One of another
// wave that has begun stays unless the whole promotion is taken back.
func (g *Group) turned(i int) Transition {
	e, ok := g.takenBack(i)
	if !ok {
		return nil
	}
	by := Actor{Login: g.Promotion.Actor, RunURL: g.Promotion.RunURL}
	why := g.Promotion.Halted.By + " failed and the stage says onFailure: rollback"
	if !e.Over() && !e.Touched() && !e.busy() {
		return Cancel{Rollout: e.Rollout.Name, By: by, Cause: why}
	}
	if !g.canGoBack(i, e) {
		return nil
	}
	return GoBack{Of: g.Promotion.ID, Promotion: g.Promotion.ID, By: by, Cause: why}
}

// takenBack finds a member's rollout that a failure may take back: it is neither
// left out nor being put back already.
func (g *Group) takenBack(i int) (*Execution, bool) {
	class := g.stands[i].class
	if g.records[i] == nil || class != classGoing && class != classGood && class != classFailed {
		return nil, false
	}
	e, ok := g.records[i].Of(g.Promotion.ID)
	if !ok || e.Rollout.State == StateCancelling || !e.Over() && class == classFailed {
		return nil, false
	}
	return e, true
}

// canGoBack reports whether a member that has begun is of the part that is taken
// back, and is not back or on its way.
func (g *Group) canGoBack(i int, e *Execution) bool {
	if g.Promotion.TakeBack != TakeBackPromotion && g.stands[i].wave != g.Promotion.Halted.Wave {
		return false
	}
	if _, exists := g.records[i].rollbackOf(e); exists {
		return false
	}
	from, _, err := g.records[i].BackFrom(g.Promotion.ID)
	return err == nil && from.Rollout.Name == e.Rollout.Name
}
