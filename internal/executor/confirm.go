package executor

import (
	"fmt"
	"slices"

	"sluice/internal/ledger"
	"sluice/rollout"
	"sluice/stages/driver"
)

// look is a lookup of an effect without an answer, with its members' proofs.
type look struct {
	p     *pace
	job   *job
	group *group // of the promotion; nil where there is none
	call  driver.Call
	alone bool // the call is of the job's rows alone
}

// confirm finds out what an effect did whose answer never reached a record. Its
// members elsewhere are read first: one without the intent proves that the call
// was never sent.
func (p *pace) confirm(m *machine, call driver.Call) {
	l := &look{p: p, job: p.job, group: m.rows.groupOf(p.job.rows[0]), call: call, alone: true}
	others := l.absentMembers()
	if len(others) == 0 {
		m.do(lookTask{l, call})
		return
	}
	l.alone = false
	m.do(proveTask{l, others})
}

// absentMembers are the targets of a call beside the rows that ask about it.
func (l *look) absentMembers() []string {
	if l.group == nil {
		return nil
	}
	members := slices.Clone(l.group.Promotion.Called(l.p.key))
	return slices.DeleteFunc(members, func(name string) bool {
		return slices.ContainsFunc(l.job.rows, func(r *row) bool { return r.name == name })
	})
}

// proved is the input that the members' records were read as they are stored.
type proved struct {
	l      *look
	others []string
	state  *ledger.State
	e      error
}

func (in proved) step(m *machine) {
	l := in.l
	if l.job.void {
		m.places.requests--
		return
	}
	if in.e != nil {
		m.places.requests--
		l.failed(m, in.e)
		return
	}
	if gone := l.proof(in); len(gone) > 0 {
		m.places.requests--
		l.neverSent(m, gone)
		return
	}
	m.do(lookTask{l, l.call})
}

// proof adds the members' changes to the call and names those whose records prove
// that it was never sent: nobody, where another member knows that it was.
func (l *look) proof(in proved) []string {
	var gone []string
	sent := false
	for _, name := range in.others {
		step, proof := proofOf(in.state.Records[name], l.group.Promotion.ID, l.p.key)
		switch {
		case proof == neverIntended:
			gone = append(gone, name)
			continue
		case step != nil:
			l.call.Changes = append(l.call.Changes, step.Call.Changes...)
		}
		sent = sent || proof == wasSent
	}
	if sent {
		return nil
	}
	return gone
}

// proof is what a member's record says of a call.
type proof int

const (
	provesNothing proof = iota
	neverIntended       // the intent is not there, or was taken back: the call was not sent
	wasSent
)

// proofOf asks a member's record about a call. A rollout that has moved to the
// history took what it knew with it: it proves nothing.
func proofOf(r *rollout.Record, promotion, key string) (*rollout.Step, proof) {
	if r == nil {
		return nil, neverIntended
	}
	for i := range r.Rollouts {
		for j := range r.Rollouts[i].Steps {
			step := &r.Rollouts[i].Steps[j]
			if step.Call.Key != key {
				continue
			}
			switch {
			case step.NeverSent():
				return step, neverIntended
			case step.State == rollout.StepIntended:
				return step, provesNothing
			default:
				return step, wasSent
			}
		}
	}
	if slices.ContainsFunc(r.Past, func(p rollout.Past) bool { return p.Promotion == promotion }) {
		return nil, provesNothing
	}
	return nil, neverIntended
}

// neverSent takes the effect back: it was provably never sent.
func (l *look) neverSent(m *machine, gone []string) {
	l.p.job = nil
	defer l.p.more(m)
	for _, r := range l.job.rows {
		m.apply(r, rollout.Withdraw{Key: l.p.key, Why: fmt.Sprintf("never sent: the intent is not in the state of %v", gone)})
	}
	l.job.free(m)
}

func (l *look) failed(m *machine, err error) {
	l.p.job = nil
	defer l.p.more(m)
	for _, r := range l.job.rows {
		r.fail(err)
	}
	l.job.free(m)
}

// looked is the input that Lookup answered.
type looked struct {
	l       *look
	verdict driver.Verdict
	op      driver.Operation
	e       error
}

func (in looked) step(m *machine) {
	m.places.requests--
	l := in.l
	if l.job.void {
		return
	}
	l.p.job = nil
	defer l.p.more(m)
	if in.e != nil {
		l.unanswered(m, in.e)
		l.job.free(m)
		return
	}
	l.p.lost, l.p.hint = 0, 0
	for _, r := range l.job.rows {
		r.told = l.p.key
		r.reached(m)
	}
	if in.verdict == driver.Absent && !l.mayConclude(m) {
		in.verdict = driver.Undecided
	}
	l.conclude(m, in.verdict, in.op)
}

// unanswered leaves a lookup that the platform did not answer for later: the
// intent stays.
func (l *look) unanswered(m *machine, err error) {
	l.p.lost++
	l.p.hint = m.platform.RetryAfter(err)
	for _, r := range l.job.rows {
		switch {
		case !m.mayPass(err):
			r.fail(err)
		case l.p.lost >= mostLost:
			r.stop(m, err, m.now.Add(max(l.p.hint, lookAgain)))
			r.err = &unreachedError{err}
		default:
			m.say(Notice{Target: r.name, Kind: NoticeNoPoll, Err: err})
		}
	}
}

// mayConclude reports whether an effect may be said to be absent: it had time to
// settle, and the lease of the run that intended it is over.
func (l *look) mayConclude(m *machine) bool {
	from := l.call.Intended.Add(m.facts(l.job.rows[0]).Settle)
	for _, r := range l.job.rows {
		if step, open := r.open(); open && step.AbsentAfter.After(from) {
			from = step.AbsentAfter
		}
	}
	l.p.notYet = from
	return !m.now.Before(from)
}

// conclude acts on what Lookup found out.
func (l *look) conclude(m *machine, v driver.Verdict, op driver.Operation) {
	switch v {
	case driver.Undecided:
	case driver.Found:
		for _, r := range l.job.rows {
			m.say(Notice{Target: r.name, Kind: NoticeFound})
			r.answer(m, l.p.key, op)
		}
	case driver.Absent:
		if l.absent(m) {
			return
		}
	default:
		for _, r := range l.job.rows {
			l.askAbout(m, r, op)
		}
	}
	l.job.free(m)
}

// absent sends a call again that provably had no effect, and reports whether it
// is on its way. A call that was meant for targets beside these is given up: these
// get one of their own, so that the others never mistake it for theirs.
func (l *look) absent(m *machine) bool {
	rows := l.job.rows
	tried := rows[0].begins[effectOf(rows[0].due)] >= mostBegins
	if !l.alone || tried || l.turned(m) {
		for _, r := range rows {
			m.apply(r, rollout.Withdraw{Key: l.p.key, Why: "it had not taken effect"})
		}
		return false
	}
	c := &call{group: l.group, call: l.call}
	c.giveUp = c.endBefore
	c.call.Intended = m.now.UTC()
	for _, r := range rows {
		m.say(Notice{Target: r.name, Kind: NoticeAbsent})
		m.apply(r, rollout.Redate{Key: l.p.key, At: c.call.Intended})
		r.stale = false
	}
	c.hold(rows...)
	c.save(m)
	return true
}

// turned reports whether an order, a block or another's failure keeps the effect
// from being sent again.
func (l *look) turned(m *machine) bool {
	trial := call{job: job{rows: l.job.rows}, group: l.group, call: l.call}
	for _, r := range trial.rows {
		r.stale = true
	}
	return trial.stopped(m)
}

// askAbout stops at a target where something else stands than the call could have
// made of it.
func (l *look) askAbout(m *machine, r *row, op driver.Operation) {
	stands := op.Results[r.name]
	message := "what stands on the target is neither what stood before nor what this effect makes"
	if len(stands.Errors) > 0 {
		message += ": " + stands.Errors[0].String()
	}
	if l.p.cause != nil {
		message += fmt.Sprintf(" (%v)", l.p.cause)
	}
	m.apply(r, rollout.AskPerson{Due: r.due, Key: l.p.key, Found: stands.After, Message: message})
}
