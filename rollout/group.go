package rollout

import "time"

// Group is a promotion and its members' records, with what [Next], [Settle] and
// [Group.React] need to know of all of them, counted once and kept up to date:
// after a record changed, [Group.Changed] must be told. It holds the records,
// and is not safe for concurrent use: the loop that owns the records owns it.
type Group struct {
	Promotion *Promotion
}

// Outside tells of blocks that no record holds: policies by the clock.
type Outside func(r *Record, q Question, now time.Time) (Block, bool)

// Setting is what an invocation knows beside the records.
type Setting struct {
	Person  bool    // a person started this invocation: what was queued before somebody went back may start
	Outside Outside // nil: none
}

// Reaction is what one target's fate means for the others of its promotion.
type Reaction struct {
	Promotion bool        // the promotion entry changed: save it, before any further effect
	Do        []Addressed // to be applied to members; then tell Changed
	Woken     []string    // members whose Next may say something else now
}

// Addressed is a transition of one member's record.
type Addressed struct {
	Target     string
	Transition Transition
}

// NewGroup is a group with the records of its members by name; missing is one
// that was never saved. Linear in members.
func NewGroup(p *Promotion, members map[string]*Record) *Group { panic("not yet") }

// Changed takes over what a member's record says now. Constant time.
func (g *Group) Changed(target string) { panic("not yet") }

// Goes says whether a member goes on by itself in this invocation: before a
// check of scope stage the others are waited for only then. Constant time.
func (g *Group) Goes(target string, goes bool) { panic("not yet") }

// React halts, takes back, opens the next wave and carries orders out.
// Constant time where nothing of the kind happened, else linear in the members
// that it is about.
func (g *Group) React(now time.Time) Reaction { panic("not yet") }

// StartCheck notes in the promotion that a check of scope stage runs, for target.
func (g *Group) StartCheck(target string, due Due, now time.Time) { panic("not yet") }

// EndCheck notes how it ended; the members that wait for it are woken by the
// next React.
func (g *Group) EndCheck(due Due, passed bool, message string, now time.Time) { panic("not yet") }

// Skip leaves a member out.
func (g *Group) Skip(s Skip) error { panic("not yet") }
