package executor

import (
	"time"

	"sluice/internal/work"
	"sluice/rollout"
	"sluice/stages/driver"
)

// machine decides. It owns the records: it is told what happened ([machine.step])
// and asked what is to be done next ([machine.ready]). It does no I/O, starts no
// goroutine and reads no clock.
type machine struct {
	settings
	now time.Time

	rows   *rows
	queue  queue
	places places
	saves  saves
	paces  paces
	timers timers
	orders orders
	sends  []*call // their intents are durable: they go out with the next ready

	work    []task
	notices []Notice
	ended   error // why nothing begins any more: interrupted, or the lease lost
	sending int   // effects whose answer is awaited
	started int   // how often work was handed out
}

// settings are what the machine knows from the beginning.
type settings struct {
	pipeline string
	run      string // the run's id, which leases name
	platform Platform
	setting  rollout.Setting
	approval func(target string) *rollout.ApprovalSpec // see [Config.Approval]
	limits   work.Limits
	swap     bool // the store can tell other jobs' halts before an effect
	deeds    bool // somebody wants to be told of deeds
}

// input is something that happened.
type input interface{ step(m *machine) }

// ready is what is to be done now. save comes first and is handed over whole;
// tasks may start at once, for what they stand on is durable already.
type ready struct {
	save    []*set
	tasks   []task
	notices []Notice
	wake    time.Time // when to ask again although nothing happened; zero for never
	done    bool      // nothing is left to do, and everything is saved
}

// step tells what happened.
func (m *machine) step(in input, now time.Time) {
	m.now = now
	in.step(m)
}

// ready decides what is to be done next. mayBegin says whether the lease allows
// an effect to begin.
func (m *machine) ready(now time.Time, mayBegin bool) ready {
	m.now = now
	m.expire()
	for m.settle(); m.queue.dispatch(m); {
		m.settle()
	}
	m.send(mayBegin)
	m.settle()
	m.orders.read(m)
	r := ready{save: m.saves.collect(m), tasks: m.work, notices: m.notices, done: m.done()}
	if !r.done {
		r.wake = m.wake(mayBegin)
	}
	m.work, m.notices = nil, nil
	return r
}

// done reports whether every row rests and everything is saved.
func (m *machine) done() bool {
	return m.rows.going == 0 && m.sending == 0 && len(m.sends) == 0 && m.saves.over() && m.orders.reaching == 0
}

// wake is when something happens by itself.
func (m *machine) wake(mayBegin bool) time.Time {
	at := sooner(m.timers.next(), m.saves.flushAt)
	if !m.orders.asking {
		at = sooner(at, m.orders.at)
	}
	if len(m.sends) > 0 && !mayBegin {
		at = sooner(at, m.now.Add(leasePause))
	}
	return at
}

// leasePause is how often the lease is asked again while it allows no effect.
const leasePause = 5 * time.Second

// sooner is the earlier of two times; zero is never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// expire wakes what has waited long enough.
func (m *machine) expire() {
	for _, w := range m.timers.due(m.now) {
		w.woken(m)
	}
}

// do hands out work.
func (m *machine) do(t task) { m.work = append(m.work, t) }

// say passes on something that people may want to see.
func (m *machine) say(n Notice) { m.notices = append(m.notices, n) }

// facts are a row's platform's.
func (m *machine) facts(r *row) driver.Facts { return m.platform.Facts(r.record.Platform) }

// apply makes a transition of a row's record. A refusal stops the row: the
// record is in no state in which what happened could be written down.
func (m *machine) apply(r *row, t rollout.Transition) bool {
	if err := rollout.Apply(r.record, t, m.now); err != nil {
		r.fail(err)
		m.rows.touch(r)
		return false
	}
	m.saves.dirty(m, r)
	m.rows.touch(r)
	return true
}

// budgetOver reports whether nothing may be begun or waited for any more.
func (m *machine) budgetOver() bool { return m.limits.Left(m.now) == 0 }
