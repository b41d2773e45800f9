package executor

import (
	"errors"
	"slices"
	"strings"
	"time"

	"sluice/rollout"
	"sluice/stages/driver"
)

const (
	// mostBegins is how often one effect is tried in an invocation.
	mostBegins = 3
	// freshness is how old a preflight's answer may be to serve the effect too: what
	// a check or a wait came between is read again.
	freshness = 15 * time.Second
)

// call is one effect on its way: prepared, intended, durable, sent.
type call struct {
	job
	group   *group // of its promotion; nil where it has none
	call    driver.Call
	version int // of the group when it was intended
}

// effectOf tells the effects of a rollout apart.
func effectOf(due rollout.Due) string {
	return strings.Join([]string{due.Rollout, due.Phase, due.Job, string(due.Kind)}, "/")
}

// startEffect begins with an effect of a row and of those that share its call.
func startEffect(m *machine, lead *row) {
	rows := m.queue.joined(m, lead)
	c := &call{group: m.rows.groupOf(lead)}
	c.hold(rows...)
	c.call = driver.Call{Kind: lead.due.Kind, Key: rows[0].active().CallKey(rows[0].due)}
	for _, r := range rows {
		c.call.Changes = append(c.call.Changes, r.active().Change(r.due))
	}
	first, reviews := c.readAlready(m), c.reviews(m)
	if first != nil && len(reviews) == 0 {
		c.prepared(m, *first, nil)
		return
	}
	m.places.requests++
	m.do(prepareTask{c, c.call, reviews})
}

// readAlready is what the preflight read, where it is about exactly this call, and
// new. It serves once.
func (c *call) readAlready(m *machine) *driver.Prepared {
	first, at := c.rows[0].first, c.rows[0].readAt
	for _, r := range c.rows {
		if r.first != first {
			first = nil
		}
		r.first = nil
	}
	if first == nil || first.Call.Kind != c.call.Kind || c.call.Changes[0].Options.Resolved || m.now.Sub(at) > freshness {
		return nil
	}
	have := slices.Sorted(slices.Values(append(first.Call.Names(), first.Unchanged...)))
	if !slices.Equal(have, slices.Sorted(slices.Values(c.call.Names()))) {
		return nil
	}
	return first
}

// prepared is the input that a call was prepared, or could not be.
type prepared struct {
	c       *call
	p       driver.Prepared
	e       error
	reviews []reviews // read again first
}

func (in prepared) step(m *machine) {
	m.places.requests--
	if !in.c.void && !in.c.unproven(m, in.reviews) {
		in.c.prepared(m, in.p, in.e)
	}
}

// prepared goes on with what Prepare found: nothing changed yet.
func (c *call) prepared(m *machine, p driver.Prepared, err error) {
	if err != nil {
		c.notPrepared(m, err)
		return
	}
	for _, r := range c.rows {
		r.reached(m)
	}
	if c.outdated(m) || c.found(m, p) {
		c.free(m)
		return
	}
	c.unchanged(m, p)
	switch {
	case len(c.rows) == 0:
	case m.swap:
		c.intend(m, p) // its save tells what others ordered
	default:
		m.orders.before.add(m, c, p)
	}
}

// outdated reports whether since the call was put together an order, a block or
// another target's failure has changed what is due.
func (c *call) outdated(m *machine) bool {
	return slices.ContainsFunc(c.rows, func(r *row) bool {
		due := m.next(r)
		return r.err != nil || due.Action != rollout.ActionEffect || effectOf(due) != effectOf(r.due)
	})
}

// reached notes that a platform answers again.
func (r *row) reached(m *machine) {
	e := r.active()
	if e != nil && e.Stop != nil && (e.Stop.Cause == rollout.StopPlatform || e.Stop.Cause == rollout.StopBusy) {
		m.apply(r, rollout.Reached{Rollout: e.Rollout.Name})
	}
}

// notPrepared decides about a call that could not be prepared: what the platform
// refuses fails the job, what it did not answer is tried again or left.
func (c *call) notPrepared(m *machine, err error) {
	for _, r := range c.rows {
		if m.mayPass(err) {
			r.begins[effectOf(r.due)]++
			r.later(m, err)
			continue
		}
		m.apply(r, rollout.Refuse{Due: r.due, Cause: rollout.CauseOf(m.platform.CodeOf(err)), Message: err.Error()})
	}
	c.free(m)
}

// mayPass reports whether another try may end better.
func (m *machine) mayPass(err error) bool {
	switch m.platform.CodeOf(err) {
	case driver.Retryable, driver.Lost, driver.Unknown:
		return true
	default:
		return false
	}
}

// later has an effect that provably did nothing prepared anew after a pause. Where
// the pause ends after the budget, or it was tried often enough, the target is
// pending.
func (r *row) later(m *machine, err error) {
	tried := r.begins[effectOf(r.due)]
	pause := max(m.platform.RetryAfter(err), time.Second<<max(0, tried-1))
	r.trouble = err.Error()
	if tried < mostBegins && !m.limits.Beyond(m.now, pause) {
		r.retryAt = m.now.Add(pause)
		m.say(Notice{Target: r.name, Kind: NoticeRetry, Err: err, At: r.retryAt})
		return
	}
	r.stop(m, err, m.now.Add(max(pause, lookAgain)))
}

// lookAgain is how soon a target is due again whose platform did nothing, or told
// nothing, so often.
const lookAgain = time.Minute

// stop leaves a target whose platform cannot be reached, or which somebody else
// is changing, to a later time.
func (r *row) stop(m *machine, err error, until time.Time) {
	cause := rollout.StopPlatform
	if m.platform.Busy(err) {
		cause = rollout.StopBusy
	}
	m.apply(r, rollout.Stopped{Rollout: r.due.Rollout, Cause: cause, Until: until.UTC(), Message: err.Error()})
	if g := m.rows.groupOf(r); g.halts() && g.blind == "" {
		g.blind = r.name
	}
}

// found acts on what Prepare found: a refused target's job fails, a foreign one
// asks; the others of the call are prepared anew without them. It reports whether
// there was anything.
func (c *call) found(m *machine, p driver.Prepared) bool {
	any := false
	for _, r := range c.rows {
		refused, foreign := c.findings(m, r, p)
		switch {
		case len(refused) > 0:
			m.apply(r, rollout.Refuse{Due: r.due, Cause: rollout.ExecutionFailed, Message: strings.Join(refused, "; ")})
		case len(foreign) > 0:
			m.apply(r, rollout.AskPerson{Due: r.due, Key: c.call.Key, Found: p.Before[r.name], Message: strings.Join(foreign, "; ")})
		default:
			continue
		}
		any = true
	}
	return any
}

// findings sorts what Prepare found about a target, or about none in particular,
// and passes warnings on.
func (c *call) findings(m *machine, r *row, p driver.Prepared) (refused, foreign []string) {
	for _, f := range p.Findings {
		if f.Target != r.name && slices.ContainsFunc(c.rows, func(o *row) bool { return o.name == f.Target }) {
			continue
		}
		switch text := findingText(f); f.Severity {
		case driver.Refuse:
			refused = append(refused, text)
		case driver.Foreign:
			foreign = append(foreign, text)
		case driver.Warn:
			r.warn(m, text)
		}
	}
	return refused, foreign
}

func findingText(f driver.Finding) string {
	if f.Remedy == "" {
		return f.Message
	}
	return f.Message + "; " + f.Remedy
}

// warn passes a warning on, once.
func (r *row) warn(m *machine, text string) {
	if !r.warned[text] {
		r.warned[text] = true
		m.say(Notice{Target: r.name, Kind: NoticeWarning, Text: text})
	}
}

// unchanged records the targets where nothing was left to do, and goes on
// without them.
func (c *call) unchanged(m *machine, p driver.Prepared) {
	var left, done []*row
	for _, r := range c.rows {
		if !slices.Contains(p.Unchanged, r.name) {
			left = append(left, r)
			continue
		}
		done = append(done, r)
		key := r.active().CallKey(r.due)
		one := driver.Call{Key: key, Kind: r.due.Kind, Changes: []driver.Change{r.active().Change(r.due)}}
		m.apply(r, rollout.Unchanged{Due: r.due, Call: one, Stands: p.Before[r.name]})
	}
	rest := job{rows: done}
	for _, r := range done {
		r.job = &rest
	}
	rest.free(m)
	c.rows = left
}

// intend records the effect in every target's record; it is sent when all of
// that, and the list of the call's members, is durable.
func (c *call) intend(m *machine, p driver.Prepared) {
	key := c.call.Key
	c.call = p.Call
	c.call.Key, c.call.Intended = key, m.now.UTC()
	c.giveUp = c.endBefore
	for _, r := range c.rows {
		if !m.apply(r, rollout.Intend{Due: r.due, Call: c.call, Before: p.Before[r.name], After: p.After[r.name], Runs: p.Runs[r.name]}) {
			c.withdraw(m, "the intent of "+r.name+" could not be recorded")
			return
		}
		r.stale = false
	}
	if len(c.rows) > 1 && c.group != nil {
		c.group.share(m.rows, key, c.rows)
		m.saves.dirtyGroup(m, c.group)
	}
	c.save(m)
}

// save has the call's records saved, in one set where they are several.
func (c *call) save(m *machine) {
	if c.group != nil {
		c.version = c.group.version
	}
	m.saves.want(&wanted{rows: c.rows, group: c.group, whole: len(c.rows) > 1, then: c.durable})
}

// durable goes on with a call whose intents are durable, or could not be made so.
func (c *call) durable(m *machine, err error) {
	switch {
	case c.void:
	case err != nil:
		c.withdraw(m, "the intent could not be saved for every target of the call")
	case m.ended != nil:
		c.endBefore(m)
	case c.others(m):
		c.group.reread.add(m, c)
	default:
		m.sends = append(m.sends, c)
	}
}

// stopped reports whether what was learned since the intent keeps the call from
// being sent: an order to go back, a block, another target's failure.
func (c *call) stopped(m *machine) bool {
	return slices.ContainsFunc(c.rows, func(r *row) bool {
		if r.err != nil {
			return true
		}
		if !r.stale && (c.group == nil || c.group.version == c.version) {
			return false
		}
		trial := r.record.Clone()
		if rollout.Apply(&trial, rollout.Withdraw{Key: c.call.Key, Why: "trial"}, m.now) != nil {
			return true
		}
		due := rollout.Next(&trial, groupFor(c.group), m.setting, m.now)
		return due.Action != rollout.ActionEffect || due.Kind != c.call.Kind
	})
}

// withdraw takes an intended call back: it was provably never sent, and never
// will be.
func (c *call) withdraw(m *machine, why string) {
	for _, r := range c.rows {
		if step, open := r.open(); open && step.Call.Key == c.call.Key && step.State == rollout.StepIntended && !r.gone {
			m.apply(r, rollout.Withdraw{Key: c.call.Key, Why: why})
		}
	}
	c.free(m)
	c.void = true
}

// endBefore takes the call back when the invocation ends before it was sent.
func (c *call) endBefore(m *machine) { c.withdraw(m, "not sent: "+m.ended.Error()) }

// send hands out the calls that are durable, if the lease lets them begin.
func (m *machine) send(mayBegin bool) {
	if !mayBegin {
		return
	}
	for _, c := range m.sends {
		if c.void {
			continue
		}
		if c.stopped(m) {
			c.withdraw(m, "not sent: what was learned while it was saved stops it")
			continue
		}
		for _, r := range c.rows {
			r.begins[effectOf(r.due)]++
		}
		c.sent = true
		m.sending++
		m.places.requests++
		m.do(beginTask{c, c.call})
	}
	m.sends = nil
}

// begun is the input that Begin answered.
type begun struct {
	c  *call
	op driver.Operation
	e  error
}

func (in begun) step(m *machine) {
	m.places.requests--
	c := in.c
	if c.void {
		return
	}
	m.sending--
	c.sent = false
	switch {
	case in.e == nil:
		c.answered(m, in.op)
	case errors.Is(in.e, errNotSent):
		c.withdraw(m, "not sent: "+in.e.Error())
		return
	default:
		c.noAnswer(m, in.e)
	}
	c.free(m)
}

// errNotSent means that a worker did not send an effect.
var errNotSent = errors.New("it was interrupted first")

// answered records what the platform answered.
func (c *call) answered(m *machine, op driver.Operation) {
	for _, r := range c.rows {
		r.told = c.call.Key
		r.answer(m, c.call.Key, op)
	}
}

// noAnswer decides about an effect whose sending ended in an error.
func (c *call) noAnswer(m *machine, err error) {
	code := m.platform.CodeOf(err)
	for _, r := range c.rows {
		switch code {
		case driver.Lost, driver.Unknown:
			m.say(Notice{Target: r.name, Kind: NoticeNoAnswer, Err: err})
			m.paces.unsure(c.call.Key, err)
		case driver.Retryable:
			m.apply(r, rollout.Withdraw{Key: c.call.Key, Why: err.Error()})
			r.later(m, err)
		default:
			r.told = c.call.Key
			m.apply(r, rollout.Refuse{Due: r.due, Key: c.call.Key, Cause: rollout.CauseOf(code), Message: err.Error()})
		}
		m.rows.touch(r)
	}
}

// answer puts an operation's progress into a row's record.
func (r *row) answer(m *machine, key string, op driver.Operation) bool {
	r.show(m, op)
	before := stateOf(r)
	if err := rollout.Apply(r.record, rollout.Answer{Key: key, Operation: op}, m.now); err != nil {
		var refused *rollout.RefusedError
		if !errors.As(err, &refused) || refused.Reason != rollout.ReasonUndecodable {
			r.fail(err)
			m.rows.touch(r)
			return false
		}
		r.warn(m, err.Error())
		return false
	}
	m.saves.dirty(m, r)
	m.rows.touch(r)
	if e := r.active(); e != nil && e.Spec.Remote && e.Rollout.State != before {
		m.say(Notice{Target: r.name, Kind: NoticeState, Text: string(e.Rollout.State)})
	}
	return true
}

func stateOf(r *row) rollout.State {
	if e := r.active(); e != nil {
		return e.Rollout.State
	}
	return ""
}

// show passes on what the platform says beside the result.
func (r *row) show(m *machine, op driver.Operation) {
	for _, w := range op.Warnings {
		r.warn(m, w.String())
	}
	if result, ok := op.Results[r.name]; ok && result.Log != "" {
		m.say(Notice{Target: r.name, Kind: NoticeLog, Title: "output of " + r.record.Platform, Text: result.Log, Operation: &op})
	}
}
