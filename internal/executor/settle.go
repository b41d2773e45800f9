package executor

import (
	"time"

	"sluice/rollout"
)

// settle makes the transitions that time and other targets bring to the rows
// that were touched, and looks at what is due for them, until nothing changes.
func (m *machine) settle() {
	for len(m.rows.touched) > 0 || len(m.rows.stirred) > 0 {
		touched := m.rows.take()
		for _, r := range touched {
			m.pass(r)
		}
		m.react()
		for _, r := range touched {
			if !m.rows.marked[r] {
				r.consider(m)
			}
		}
	}
}

// pass makes the transitions that time brought to a row. Nothing is held
// against an effect of which the platform has told nothing yet.
func (m *machine) pass(r *row) {
	m.rows.adopt(m, r)
	if r.adopting == "" && r.err == nil && m.ended == nil && !r.unseen() && rollout.Settle(r.record, groupFor(m.rows.groupOf(r)), m.setting, m.now) {
		m.saves.dirty(m, r)
		m.rows.adopt(m, r)
		r.dropTerminated()
	}
	for _, g := range r.groups {
		g.Changed(r.name)
		m.rows.stir(g)
	}
}

// groupFor is what rollout takes for a group.
func groupFor(g *group) *rollout.Group {
	if g == nil {
		return nil
	}
	return g.Group
}

// react does what members' fates mean for the others: halts, goes back, opens
// the next wave, carries orders out.
func (m *machine) react() {
	stirred := m.rows.stirred
	m.rows.stirred = nil
	for _, g := range stirred {
		g.stirred = false
		if m.ended != nil || g.unsure {
			continue // what happened is saved; what it means is the next invocation's
		}
		over := len(g.Promotion.WaveEnds)
		reaction := g.React(m.now)
		m.sayWaves(g, over)
		if reaction.Promotion {
			g.version++
			m.saves.dirtyGroup(m, g)
		}
		for _, a := range reaction.Do {
			m.addressed(g, a)
		}
		for _, name := range reaction.Woken {
			if r, ok := m.rows.byName[name]; ok {
				m.rows.touch(r)
			}
		}
	}
}

// sayWaves tells of the waves of a promotion that are over since there were so many.
func (m *machine) sayWaves(g *group, before int) {
	for w := before; w < len(g.Promotion.WaveEnds); w++ {
		m.say(Notice{Kind: NoticeWave, Wave: w + 1, Waves: len(g.Promotion.Waves.Sizes), Count: g.Promotion.Waves.Sizes[w]})
	}
}

// addressed makes a member's transition, where this run has the target.
func (m *machine) addressed(g *group, a rollout.Addressed) {
	r, ok := m.rows.byName[a.Target]
	if !ok || !r.held {
		m.orders.reach(m, g, a)
		return
	}
	if r.err != nil {
		return
	}
	g.version++
	m.apply(r, a.Transition)
}

// next is what is due for a row.
func (m *machine) next(r *row) rollout.Due {
	return rollout.Next(r.record, groupFor(m.rows.groupOf(r)), m.setting, m.now)
}

// consider decides what becomes of a row that is not busy.
func (r *row) consider(m *machine) {
	if r.state == busy || r.adopting != "" {
		return
	}
	if r.err != nil || m.ended != nil {
		r.rest(m, rollout.Waiting{})
		return
	}
	r.due = m.next(r)
	switch r.due.Action {
	case rollout.ActionIdle, rollout.ActionWait:
	default:
		if !r.held {
			return // it was let go: a later invocation takes it up
		}
	}
	switch r.due.Action {
	case rollout.ActionIdle:
		r.rest(m, rollout.Waiting{})
	case rollout.ActionWait:
		r.wait(m)
	case rollout.ActionYield:
		r.yield(m)
	case rollout.ActionFollow, rollout.ActionConfirm:
		if w, awaits := r.active().Awaits(r.record); awaits && !r.unseen() {
			r.rest(m, w)
			return
		}
		if step, _ := r.open(); step.Call.Key == r.left {
			r.rest(m, r.waiting)
			return
		}
		r.goOn(m)
		m.paces.add(m, r)
	default:
		r.line(m)
	}
}

// line puts a row into the queue, unless nothing of it may begin any more.
func (r *row) line(m *machine) {
	if w, barred := r.barred(m); barred {
		r.rest(m, w)
		return
	}
	if m.now.Before(r.retryAt) {
		r.sleep(m, r.retryAt)
		return
	}
	r.goOn(m)
	m.queue.add(m, r)
}

// barred says what keeps work that is due from being done in this invocation: it
// was tried often enough, the budget is over, or the platform of another target
// cannot be reached and a failure there would halt this one.
func (r *row) barred(m *machine) (rollout.Waiting, bool) {
	g := m.rows.groupOf(r)
	switch {
	case r.begins[effectOf(r.due)] >= mostBegins:
		return rollout.Waiting{Kind: rollout.WaitPlatform, Message: r.trouble}, true
	case m.budgetOver() && (!r.begun || r.due.Action != rollout.ActionEffect):
		return rollout.Waiting{Kind: rollout.WaitOperation, Phase: r.due.Phase, Job: r.due.Job}, true
	case !r.begun && g.halts() && g.blind != "" && g.blind != r.name:
		return rollout.Waiting{Kind: rollout.WaitPlatform, Target: g.blind}, true
	default:
		return rollout.Waiting{}, false
	}
}

// wait waits for what ends by itself soon enough; anything else is left to
// people, to other targets or to a later invocation.
func (r *row) wait(m *machine) {
	w := r.due.Waiting
	givenUp := w.Kind == rollout.WaitPlatform && r.trouble != ""
	if givenUp || !w.Until.After(m.now) || w.Deadline || w.Until.Sub(m.now) > m.limits.Inline || m.limits.Beyond(m.now, w.Until.Sub(m.now)) {
		r.rest(m, w)
		return
	}
	m.places.vacate(r)
	if !r.until.Equal(w.Until) && w.Until.Sub(m.now) >= noticed {
		r.announce = &w
		m.announce(r)
	}
	r.sleep(m, w.Until)
}

// announce tells what a row waits for, once what it did before is durable and was
// told.
func (m *machine) announce(r *row) {
	if r.announce == nil || r.dirty || r.saving > 0 {
		return
	}
	m.say(Notice{Target: r.name, Kind: NoticeWaiting, Waiting: r.announce})
	r.announce = nil
}

// sleep has a row looked at again at a time.
func (r *row) sleep(m *machine, until time.Time) {
	if r.state == timed && r.until.Equal(until) {
		return
	}
	r.goOn(m)
	r.state, r.until = timed, until
	m.timers.add(until, r)
}

// woken looks at a row whose wait is over.
func (r *row) woken(m *machine) {
	if r.state == timed {
		m.rows.touch(r)
	}
}

// noticed is how long a wait is that people are told of.
const noticed = time.Second

// rest leaves a row as it is: it is over, or goes no further by itself here.
func (r *row) rest(m *machine, w rollout.Waiting) {
	m.rows.pause(r, true)
	r.state, r.waiting = resting, w
	if w.Kind != rollout.WaitOperation || !r.underWay() {
		m.places.vacate(r) // what the platform still works on keeps its place: nothing begins instead
	}
	if !r.mayReturn(m) {
		r.letGo(m)
	}
}

// mayReturn reports whether another target may yet have this one go on, or go
// back, in this invocation: then it is held.
func (r *row) mayReturn(m *machine) bool {
	if r.err != nil || m.ended != nil {
		return false
	}
	for _, g := range r.groups {
		if g.going == 0 {
			continue
		}
		if g.Promotion.OnFailure == rollout.OnFailureRollback {
			return true
		}
		switch r.waiting.Kind {
		case rollout.WaitWave, rollout.WaitTargets, rollout.WaitCheck:
			return true
		}
	}
	return false
}

// letGo frees a target for others.
func (r *row) letGo(m *machine) {
	if !r.held {
		return
	}
	r.held = false
	if rollout.Apply(r.record, rollout.LetGo{Run: m.run}, m.now) == nil && r.leased {
		m.saves.dirty(m, r)
	}
}

// goOn notes that a row goes on by itself: others see then who holds it.
func (r *row) goOn(m *machine) {
	m.rows.pause(r, false)
	if r.held && !r.leased {
		m.saves.dirty(m, r)
	}
}
