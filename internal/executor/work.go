package executor

import (
	"sluice/rollout"
)

// queue is what is due and waits for room, in the file's order.
type queue struct {
	effects lane // of rows that have begun
	checks  lane // of rows that have begun
	fresh   lane // of rows that need a place
	reads   []*pace
	joins   map[joinKey]*lane
	early   map[joinKey]*early
}

// add puts a row into the queue.
func (q *queue) add(m *machine, r *row) {
	r.state = queued
	r.ticket++
	key, joins := m.queue.joinKey(m, r)
	if joins {
		if m.queue.holdBack(r, key) {
			return
		}
		q.joining(key).push(r)
	}
	switch {
	case !r.begun:
		q.fresh.push(r)
	case r.due.Action == rollout.ActionEffect:
		q.effects.push(r)
	default:
		q.checks.push(r)
	}
}

// dispatch hands out what there is room for, and reports whether it did.
func (q *queue) dispatch(m *machine) bool {
	before := m.started
	for m.places.requests < m.limits.Places && len(m.queue.reads) > 0 {
		p := m.queue.reads[0]
		m.queue.reads = m.queue.reads[1:]
		p.start(m)
		m.started++
	}
	for _, l := range []*lane{&m.queue.effects, &m.queue.checks, &m.queue.fresh} {
		for r := l.peek(); r != nil && q.room(m, r); r = l.peek() {
			l.pop()
			q.start(m, r)
		}
	}
	return m.started > before
}

// room reports whether a row's work may be handed out now.
func (q *queue) room(m *machine, r *row) bool {
	if !r.begun && m.places.free() == 0 {
		return false
	}
	if r.due.Action == rollout.ActionEffect {
		return m.places.requests < m.limits.Places
	}
	return m.places.checks < m.limits.Places
}

// start puts a row to work. Since it was put into the queue another target may
// have failed: it is asked once more what is due.
func (q *queue) start(m *machine, r *row) {
	m.started++
	due := m.next(r)
	if _, barred := r.barred(m); barred || due.Action != r.due.Action || due.Kind != r.due.Kind || due.Job != r.due.Job || due.Phase != r.due.Phase {
		r.state = thinking
		m.rows.touch(r)
		return
	}
	switch r.due = due; due.Action {
	case rollout.ActionEffect:
		startEffect(m, r)
	case rollout.ActionCheck:
		startCheck(m, r)
	default:
		startStageCheck(m, r)
	}
}

// job is something under way for rows, or about to be.
type job struct {
	rows []*row
	sent bool // an effect whose answer is awaited: an interruption leaves it time
	void bool // nobody waits for what comes of it any more
	// giveUp is what is to be done when it ends before it was sent; nil for nothing.
	giveUp func(m *machine)
}

// hold makes the job what its rows are busy with.
func (j *job) hold(rows ...*row) {
	j.rows = rows
	for _, r := range rows {
		r.state, r.job = busy, j
	}
}

// free has the job's rows looked at again.
func (j *job) free(m *machine) {
	for _, r := range j.rows {
		if r.job == j {
			r.state, r.job = thinking, nil
			m.rows.touch(r)
		}
	}
}
