package executor

import (
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"

	"sluice/rollout"
	"sluice/stages/driver"
)

// pace is when the platform is asked about one call again: how far its operation
// is, or what became of it.
type pace struct {
	key     string
	lookup  bool // what became of it, not how far it is
	rows    []*row
	backoff *backoff.ExponentialBackOff
	hint    time.Duration
	lost    int       // reads in a row that failed
	asked   bool      // in this invocation, or about to be
	notYet  time.Time // a lookup says nothing before
	cause   error     // why there was no answer
	job     *job      // a read under way
	due     bool      // the next read is timed, or waits for room
}

// paces are those of the calls under way.
type paces struct {
	byKey map[paceKey]*pace
	cause map[string]error
}

type paceKey struct {
	key    string
	lookup bool
}

// unsure notes why a call has no answer.
func (p *paces) unsure(key string, cause error) { p.cause[key] = cause }

// add has a row's operation asked about; one read serves all targets of a call.
func (p *paces) add(m *machine, r *row) {
	step, _ := r.open()
	k := paceKey{step.Call.Key, r.due.Action == rollout.ActionConfirm}
	one := p.byKey[k]
	if one == nil {
		one = &pace{key: k.key, lookup: k.lookup, backoff: m.paces.backoff(m, r), cause: p.cause[k.key]}
		p.byKey[k] = one
	}
	r.state = paced
	m.places.occupy(r, true)
	if !slices.Contains(one.rows, r) {
		one.rows = append(one.rows, r)
	}
	if one.job == nil && !one.due {
		one.schedule(m, r)
	}
}

// defaultBackoff fills what neither the target nor the platform says.
var defaultBackoff = driver.Backoff{Initial: 500 * time.Millisecond, Max: 30 * time.Second, Factor: 2}

// backoff is the pace of a row's operations: its own, else its platform's.
func (p *paces) backoff(m *machine, r *row) *backoff.ExponentialBackOff {
	theirs := m.facts(r).Backoff
	var own rollout.Poll
	if e := r.active(); e != nil {
		own = e.Spec.Poll
	}
	return Pace(driver.Backoff{Initial: own.Initial.Std(), Max: own.Max.Std(), Factor: own.Factor}, theirs)
}

// Pace is when operations are asked about: as the target's own key says, else as
// their platform's does.
func Pace(own, theirs driver.Backoff) *backoff.ExponentialBackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval = firstSet(own.Initial, theirs.Initial, defaultBackoff.Initial)
	b.MaxInterval = firstSet(own.Max, theirs.Max, defaultBackoff.Max)
	b.Multiplier = firstSet(own.Factor, theirs.Factor, defaultBackoff.Factor)
	b.RandomizationFactor = theirs.Jitter
	b.Reset()
	return b
}

// firstSet is the first value that is set.
func firstSet[T time.Duration | float64](values ...T) T {
	for _, v := range values {
		if v > 0 {
			return v
		}
	}
	return 0
}

// schedule times the next read. Where that is beyond the budget the rows are left
// to a later invocation.
func (p *pace) schedule(m *machine, r *row) {
	wait := p.wait(m, r)
	if m.limits.Beyond(m.now, wait) {
		p.leave(m, m.now.Add(wait))
		return
	}
	p.due = true
	if wait <= 0 {
		m.queue.reads = append(m.queue.reads, p)
		return
	}
	m.timers.add(m.now.Add(wait), p)
	for _, r := range p.rows {
		m.say(Notice{Target: r.name, Kind: NoticePoll, At: m.now.Add(wait)})
	}
}

// wait is how long until the next read. A lookup is made at once, and so is a
// first poll of what began a while ago, in another invocation; what began later than
// now did so by a wrong clock.
func (p *pace) wait(m *machine, r *row) time.Duration {
	first := !p.asked
	p.asked = true
	if p.lookup && first {
		return p.notYet.Sub(m.now)
	}
	wait := max(p.backoff.NextBackOff(), p.hint, p.notYet.Sub(m.now))
	if step, open := r.open(); open && first {
		wait -= m.now.Sub(step.Time).Abs()
	}
	return max(wait, 0)
}

// woken has the read made when there is room.
func (p *pace) woken(m *machine) { m.queue.reads = append(m.queue.reads, p) }

// take is the rows that still wait for the read, in the file's order.
func (p *pace) take() []*row {
	var rows []*row
	for _, r := range p.rows {
		step, open := r.open()
		if r.state == paced && open && step.Call.Key == p.key && (r.due.Action == rollout.ActionConfirm) == p.lookup {
			rows = append(rows, r)
		}
	}
	p.rows, p.due = nil, false
	slices.SortFunc(rows, func(a, b *row) int { return a.at - b.at })
	return rows
}

// leave leaves the rows to a later invocation.
func (p *pace) leave(m *machine, at time.Time) {
	for _, r := range p.take() {
		if p.lookup && p.lookedAt(r) {
			m.apply(r, rollout.LookedUp{Key: p.key})
		}
		r.left = p.key
		r.rest(m, rollout.Waiting{Kind: rollout.WaitOperation, Until: at.UTC()})
	}
}

// lookedAt reports whether a lookup of the row's effect was undecided here.
func (p *pace) lookedAt(r *row) bool { return p.asked && r.told == p.key }

// start makes the read.
func (p *pace) start(m *machine) {
	rows := p.take()
	if len(rows) == 0 || m.ended != nil {
		return
	}
	call, op, err := assemble(rows, p.key)
	if err != nil {
		for _, r := range rows {
			r.fail(err)
			r.state = thinking
			m.rows.touch(r)
		}
		return
	}
	p.job = &job{}
	p.job.hold(rows...)
	m.places.requests++
	if p.lookup {
		p.confirm(m, call)
		return
	}
	m.do(pollTask{p, p.job, op})
}

// polled is the input that Poll answered.
type polled struct {
	p      *pace
	j      *job
	before driver.Operation
	next   driver.Operation
	hint   time.Duration
	e      error
}

func (in polled) step(m *machine) {
	m.places.requests--
	if in.j.void {
		return
	}
	p := in.p
	p.job = nil
	defer p.more(m)
	switch {
	case in.e != nil:
		p.failed(m, in.j.rows, in.e)
	default:
		p.hint, p.lost = in.hint, 0
		for _, r := range in.j.rows {
			p.progressed(m, r, in.before, in.next)
		}
	}
	in.j.free(m)
}

// more times a read for the rows that came while one was under way: it did not
// serve them, and where all that it served are done nobody else asks.
func (p *pace) more(m *machine) {
	if len(p.rows) > 0 && p.job == nil && !p.due {
		p.schedule(m, p.rows[0])
	}
}

// mostLost is how many reads in a row may fail before the operation is left to a
// later invocation.
const mostLost = 5

// failed decides about a poll that gave no answer. The operation goes on whatever
// happens to a read of it: only where the platform says that it is gone does it
// fail.
func (p *pace) failed(m *machine, rows []*row, err error) {
	p.lost++
	p.hint = m.platform.RetryAfter(err)
	for _, r := range rows {
		switch {
		case m.platform.CodeOf(err) == driver.NotFound:
			m.apply(r, rollout.Refuse{Due: r.due, Key: p.key, Cause: rollout.CauseOf(driver.NotFound), Message: err.Error()})
		case !m.mayPass(err):
			r.fail(err)
		case p.lost >= mostLost:
			r.stop(m, err, m.now.Add(max(p.hint, lookAgain)))
			r.err = &unreachedError{err}
		default:
			m.say(Notice{Target: r.name, Kind: NoticeNoPoll, Err: err})
		}
	}
}

// unreachedError ends the work on a row whose operation the platform does not
// tell of: it is pending, and no failure.
type unreachedError struct{ err error }

func (e *unreachedError) Error() string { return e.err.Error() }
func (e *unreachedError) Unwrap() error { return e.err }

// progressed takes a poll's answer. The record changes, and is saved, only where
// something happened.
func (p *pace) progressed(m *machine, r *row, before, op driver.Operation) {
	r.told = p.key
	r.reached(m)
	if op.Progress != before.Progress || op.Status != before.Status {
		m.say(Notice{Target: r.name, Kind: NoticeProgress, Operation: &op})
	}
	if p.news(r, before.Results[r.name], op.Results[r.name]) && r.answer(m, p.key, op) {
		return
	}
	r.show(m, op)
	if step, open := r.open(); open && step.Call.Key == p.key && step.Operation != nil {
		kept := *step.Operation
		kept.Status, kept.Progress, kept.Data = op.Status, op.Progress, op.Data
		step.Operation = &kept // saved with the next change that matters
	}
}

// news reports whether a poll's result differs from the one before it in anything
// that is saved at once.
func (p *pace) news(r *row, was, is driver.Result) bool {
	if was.Outcome != is.Outcome || was.Waiting != is.Waiting {
		return true
	}
	e := r.active()
	if e == nil || len(is.Rollout) == 0 {
		return false
	}
	differs, err := e.Differs(is.Rollout)
	return differs || err != nil
}
