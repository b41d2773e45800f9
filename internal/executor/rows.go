package executor

import (
	"slices"
	"strings"
	"time"

	"sluice/internal/ledger"
	"sluice/rollout"
	"sluice/stages/driver"
)

// rowState is what becomes of a row next.
type rowState int

const (
	thinking rowState = iota // it is to be looked at
	queued                   // its work is due, and waits for room
	paced                    // its operation is asked about at the call's pace
	busy                     // a request or a check is under way for it, or about to be
	timed                    // a time is waited for
	resting                  // it goes no further by itself in this invocation
)

// row is one target.
type row struct {
	at     int // in the file's order
	name   string
	record *rollout.Record
	first  *driver.Prepared // what was read for its first effect, and when
	readAt time.Time

	state   rowState
	due     rollout.Due
	waiting rollout.Waiting // what it rests at
	until   time.Time       // the end of the wait that is timed
	ticket  int             // of its place in the queue: another one makes the old void
	place   bool            // it takes one of the places
	begun   bool            // it needs no free place to go on
	job     *job            // what is under way for it, or about to be
	// checking are the checks that run for it, or ran last.
	checking *checking

	held   bool // the lease is ours in the record
	leased bool // and was handed over to be saved
	stale  bool // something was learned since its intent that may stop it
	err    error
	// adopting is a promotion that its rollout is of, while its entry is read.
	adopting string
	gone     bool // another run changed it: nothing of it can be saved

	begins   map[string]int   // by effect: how often it was begun in this invocation
	retryAt  time.Time        // no effect of it before
	trouble  string           // what the platform said last when it did nothing
	left     string           // the call that is left to a later invocation
	announce *rollout.Waiting // a wait that people are to be told of
	told     string           // the call of which the platform told something in this invocation
	shown    int64            // the newest event that was handed over to be saved
	durable  int64            // the newest that is known to be saved
	moved    rollout.Moved    // what was sealed away and is not durable yet
	dirty    bool             // it differs from what was handed over to be saved
	saving   int              // sets under way that it is in
	unsaved  int              // how often it could not be saved
	warned   map[string]bool
	groups   []*group
}

// group is a promotion with its members, of which some are rows.
type group struct {
	*rollout.Group
	rows    []*row
	going   int // rows of it that do not rest
	stirred bool
	unsure  bool // it is halted by a target elsewhere whose record is being read
	version int  // rises with everything learned that may stop its rows
	dirty   bool
	gone    bool   // another run changed it
	unsaved int    // how often it could not be saved
	saving  *set   // the newest set under way that it is in
	blind   string // the target whose platform cannot be reached: nothing begins then
	reread  reread
	told    time.Time // the end of the promotion that was known, or told
}

// halts reports whether a member's failure concerns the others: then order and
// places hold within calls too.
func (g *group) halts() bool {
	return g != nil && (g.Promotion.OnFailure == rollout.OnFailureHalt || g.Promotion.OnFailure == rollout.OnFailureRollback)
}

// rows are the targets of an invocation and the promotions that they are in.
type rows struct {
	list    []*row
	byName  map[string]*row
	groups  map[string]*group
	stirred []*group                   // to be asked what a member's fate means for the others
	others  map[string]*rollout.Record // members that are no rows
	touched []*row
	marked  map[*row]bool
	going   int
}

func newRows(state *ledger.State) *rows {
	all := &rows{byName: map[string]*row{}, groups: map[string]*group{}, others: map[string]*rollout.Record{}, marked: map[*row]bool{}}
	for name, r := range state.Records {
		all.others[name] = r
	}
	return all
}

// add makes a row of a record.
func (all *rows) add(record *rollout.Record) *row {
	r := &row{at: len(all.list), name: record.Target, record: record, begins: map[string]int{}, warned: map[string]bool{}}
	if n := len(record.Events); n > 0 {
		r.shown = record.Events[n-1].ID
		r.durable = r.shown
	}
	delete(all.others, r.name)
	all.list, all.byName[r.name] = append(all.list, r), r
	all.going++
	return r
}

// join makes groups of the promotions, once all rows are there.
func (all *rows) join(promotions map[string]*rollout.Promotion) {
	for id, p := range promotions {
		g := &group{Group: rollout.NewGroup(p, all.members(p)), told: p.EndTime}
		all.groups[id] = g
		all.stir(g)
		for _, name := range p.Members {
			if r, ok := all.byName[name]; ok {
				all.enter(g, r)
			} else {
				g.Goes(name, false)
			}
		}
	}
	slices.SortFunc(all.stirred, func(a, b *group) int { return strings.Compare(a.Promotion.ID, b.Promotion.ID) })
}

// members are the records of a promotion's targets, as far as they are here.
func (all *rows) members(p *rollout.Promotion) map[string]*rollout.Record {
	members := make(map[string]*rollout.Record, len(p.Members))
	for _, name := range p.Members {
		if r, ok := all.byName[name]; ok {
			members[name] = r.record
		} else if other, ok := all.others[name]; ok {
			members[name] = other
		}
	}
	return members
}

// enter makes a row one of its promotion's that this invocation works on.
func (all *rows) enter(g *group, r *row) {
	g.rows, r.groups = append(g.rows, r), append(r.groups, g)
	if r.state != resting {
		g.going++
	}
	g.Goes(r.name, r.state != resting)
}

// touch has a row looked at with the next ready.
func (all *rows) touch(r *row) {
	if !all.marked[r] {
		all.marked[r] = true
		all.touched = append(all.touched, r)
	}
}

// stir has a group asked what its members' fates mean.
func (all *rows) stir(g *group) {
	if !g.stirred {
		g.stirred = true
		all.stirred = append(all.stirred, g)
	}
}

// groupOf is the group of the promotion that is at work on a row; nil where it
// has none.
func (all *rows) groupOf(r *row) *group {
	e := r.active()
	if e == nil {
		return nil
	}
	return all.groups[e.Spec.Promotion]
}

func (all *rows) touchAll() {
	for _, r := range all.list {
		all.touch(r)
	}
}

// take is the rows that were touched, in the file's order.
func (all *rows) take() []*row {
	rows := all.touched
	all.touched = nil
	clear(all.marked)
	slices.SortFunc(rows, func(a, b *row) int { return a.at - b.at })
	return rows
}

// pause says that a row rests, or goes on again.
func (all *rows) pause(r *row, rests bool) {
	was := r.state == resting
	if rests == was {
		return
	}
	by := 1
	if rests {
		by = -1
	}
	all.going += by
	for _, g := range r.groups {
		g.going += by
		g.Goes(r.name, !rests)
		all.stir(g)
		if g.going == 0 {
			for _, other := range g.rows {
				all.touch(other) // nobody is waited for any more: they are let go
			}
		}
	}
}

// fail stops a row, for one more reason where there is one already.
func (r *row) fail(err error) { r.err = ledger.Join(r.err, err) }

// active is the rollout at work.
func (r *row) active() *rollout.Execution {
	e, ok := r.record.Active()
	if !ok {
		return nil
	}
	return e
}

// open is the effect that needs an answer.
func (r *row) open() (*rollout.Step, bool) {
	e := r.active()
	if e == nil {
		return nil, false
	}
	return e.Steps.Open()
}

// unseen reports whether an effect is under way of which the platform told this
// invocation nothing yet: no deadline is held against it before.
func (r *row) unseen() bool {
	step, open := r.open()
	return open && step.State != rollout.StepAsking && r.told != step.Call.Key
}

// underWay reports whether something was begun that is not answered.
func (r *row) underWay() bool {
	step, open := r.open()
	return open && step.State != rollout.StepAsking
}
