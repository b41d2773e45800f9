package executor

import (
	"errors"

	"sluice/internal/ledger"
)

// interrupted is the input that the invocation was told to stop.
type interrupted struct{ why error }

func (in interrupted) step(m *machine) { m.end(in.why) }

// leaseLost is the input that another run broke the lease, or it ran out.
type leaseLost struct{ err error }

func (in leaseLost) step(m *machine) {
	for _, r := range m.rows.list {
		if r.held {
			r.fail(in.err)
		}
	}
	m.end(in.err)
}

// end stops everything that was not sent: nothing begins any more. What was sent
// is given time for its answer; what happened is saved.
func (m *machine) end(why error) {
	if m.ended == nil {
		m.ended = why
	}
	for _, r := range m.rows.list {
		if r.job != nil && !r.job.sent {
			m.abandon(r)
		}
		m.rows.touch(r)
	}
	m.sends = nil
}

// abandon gives up what was not sent for a row. An intent is taken back; one whose
// answer is missing stays, and is looked up by the next invocation.
func (m *machine) abandon(r *row) {
	j := r.job
	if j.giveUp != nil {
		j.giveUp(m)
	}
	j.void = true
	j.free(m)
}

// answersOver is the input that requests under way have had their time: what they
// did is looked up by the next invocation.
type answersOver struct{}

func (answersOver) step(m *machine) {
	for _, r := range m.rows.list {
		if r.job != nil {
			r.job.void = true
			r.job.free(m)
		}
	}
	m.sending, m.orders.reaching = 0, 0
}

// savesOver is the input that saving has had its time.
type savesOver struct{}

var errNotSaved = &ledger.UnreadableError{
	Op: "write", Err: errors.New("saving did not end in time after the interruption"),
	Remedy: "the next run looks up what became of the effects that were sent",
}

func (savesOver) step(m *machine) {
	for x := range m.saves.under {
		for _, r := range x.rows {
			r.fail(errNotSaved)
		}
	}
	clear(m.saves.under)
	m.saves.rows, m.saves.groups, m.saves.waits = nil, nil, nil
}
