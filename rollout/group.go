package rollout

import (
	"slices"
	"time"
)

// Group is a promotion and its members' records, with what [Next], [Settle] and
// [Group.React] need to know of all of them, counted once and kept up to date:
// after a record changed, [Group.Changed] must be told. It holds the records,
// and is not safe for concurrent use: the loop that owns the records owns it.
type Group struct {
	Promotion *Promotion

	members map[string]int
	records []*Record
	stands  []standing
	counts  counts
	turn    []int // members that may have to be taken back
	woken   map[string]bool
	saved   bool // whether the promotion changed since the last React
	staged  bool // a member has checks of scope stage
}

// Outside lists the blocks that no record holds and that stop what is asked: policies
// by the clock.
type Outside func(r *Record, q Question, now time.Time) []Block

// Setting is what an invocation knows beside the records.
type Setting struct {
	Person  bool    // a person started this invocation: what was queued before somebody went back may start
	Back    bool    // it goes back itself: what is queued is left to a later one
	Outside Outside // nil: none
}

// Reaction is what one target's fate means for the others of its promotion.
type Reaction struct {
	Promotion bool        // the promotion entry changed: it is saved before any further effect
	Do        []Addressed // to be applied to members; then tell Changed
	Woken     []string    // members whose Settle and Next may say something else now, in the promotion's order
}

// Addressed is a transition of one member's record.
type Addressed struct {
	Target     string
	Transition Transition
}

// classOf is how a member stands in its promotion.
type class int

const (
	classNone    class = iota // it has no rollout of the promotion
	classGoing                // its rollout is not over
	classGood                 // SUCCEEDED, or was there already
	classFailed               // FAILED, or about to be
	classEnded                // cancelled, rejected, rolled back
	classSkipped              // left out by a person
)

// standing is what the counters know of a member.
type standing struct {
	wave  int
	class class
	over  bool // its rollout is over, or there is none
	at    int  // how far a member is that is going, see position
	goes  bool // it goes on by itself in this invocation
}

// NewGroup is a group with the records of its members by name; missing is one
// that was never saved. Every member with a rollout that is not over counts as
// going on by itself until [Group.Goes] says otherwise. Linear in members.
func NewGroup(p *Promotion, members map[string]*Record) *Group {
	g := &Group{
		Promotion: p, members: make(map[string]int, len(p.Members)),
		records: make([]*Record, len(p.Members)), stands: make([]standing, len(p.Members)), woken: map[string]bool{},
	}
	g.counts = countsOf(p)
	g.forgetRunning()
	unchanged, skipped := setOf(p.Unchanged), map[string]bool{}
	for _, s := range p.Skips {
		skipped[s.Target] = true
	}
	for i, name := range p.Members {
		g.members[name], g.records[i] = i, members[name]
		g.staged = g.staged || hasStageChecks(members[name], p.ID)
		s := standing{wave: p.waveAt(i), goes: true}
		s.class, s.at, s.over = g.look(i, unchanged[name], skipped[name])
		g.stands[i] = s
		g.counts.add(s, 1)
		g.turn = append(g.turn, i)
	}
	for w := range g.counts.waves {
		g.counts.waves[w].lowest = lowest(g.counts.waves[w].on)
	}
	g.counts.touchAll()
	return g
}

func setOf(names []string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, n := range names {
		set[n] = true
	}
	return set
}

func hasStageChecks(r *Record, promotion string) bool {
	if r == nil {
		return false
	}
	e, ok := r.Of(promotion)
	if !ok {
		return false
	}
	g := e.Spec.Gates
	return len(g.Stage(JobPredeploy))+len(g.Stage(JobVerify))+len(g.Stage(JobPostdeploy)) > 0
}

// forgetRunning drops checks of scope stage that somebody began and did not end:
// they run again.
func (g *Group) forgetRunning() {
	g.Promotion.Checks = slices.DeleteFunc(g.Promotion.Checks, func(c StageCheck) bool { return c.State == CheckRunning })
}

// look says how a member stands by its record.
func (g *Group) look(i int, unchanged, skipped bool) (c class, at int, over bool) {
	r := g.records[i]
	if unchanged {
		return classGood, 0, true
	}
	if r != nil {
		if e, ok := r.Of(g.Promotion.ID); ok {
			c, at, over = classOf(e), howFar(e), e.Over()
		} else {
			c, over = pastClass(r, g.Promotion.ID), true
		}
	}
	if skipped {
		c = classSkipped
	}
	return c, at, over || c == classNone
}

// pastClass is how a member stands whose rollout moved to the history.
func pastClass(r *Record, promotion string) class {
	for _, p := range slices.Backward(r.Past) {
		switch {
		case p.Promotion != promotion:
		case p.Good:
			return classGood
		default:
			return classEnded
		}
	}
	return classNone
}

func classOf(e *Execution) class {
	switch {
	case !e.Over() && !e.Spec.Remote && e.Rollout.failedPhase() && e.Rollout.State == StateInProgress:
		return classFailed // it is still putting traffic back
	case !e.Over():
		return classGoing
	case len(e.Rollout.RolledBackByRollouts) > 0:
		return classEnded
	case e.Rollout.State == StateSucceeded:
		return classGood
	case e.Rollout.State == StateFailed:
		return classFailed
	default:
		return classEnded
	}
}

// jobsPerPhase is one more than the jobs that a phase can have.
const jobsPerPhase = 6

// howFar is how far a rollout is: phase by phase, and in a phase job by job. A
// platform's own has no jobs of ours.
func howFar(e *Execution) int {
	phase, i, ok := e.Rollout.current()
	if !ok || e.Spec.Remote {
		return 0
	}
	job, ok := currentJob(phase)
	if !ok {
		return i*jobsPerPhase + jobsPerPhase - 1
	}
	return positionOf(i, job.ID)
}

func positionOf(phase int, job string) int {
	order := []string{JobPredeploy, JobDeploy, JobVerify, JobAnalysis, JobPostdeploy}
	return phase*jobsPerPhase + slices.Index(order, job)
}

// Changed takes over what a member's record says now; a target that is no member
// changes nothing. Constant time in members.
func (g *Group) Changed(target string) {
	i, ok := g.members[target]
	if !ok {
		return
	}
	s := g.stands[i]
	s.class, s.at, s.over = g.look(i, s.class == classGood && g.unchanged(target), s.class == classSkipped)
	g.put(i, s)
	g.turn = append(g.turn, i)
}

// unchanged reports whether a member ran the release already.
func (g *Group) unchanged(target string) bool {
	r := g.records[g.members[target]]
	if r != nil {
		if _, ok := r.Of(g.Promotion.ID); ok {
			return false
		}
	}
	return slices.Contains(g.Promotion.Unchanged, target)
}

// Goes says whether a member goes on by itself in this invocation: before a
// check of scope stage the others are waited for only then. Constant time.
func (g *Group) Goes(target string, goes bool) {
	i, ok := g.members[target]
	if !ok || g.stands[i].goes == goes {
		return
	}
	s := g.stands[i]
	s.goes = goes
	g.put(i, s)
}

// put replaces a member's standing and keeps the counts right.
func (g *Group) put(i int, s standing) {
	was := g.stands[i]
	if was == s {
		return
	}
	g.counts.move(was, s)
	g.stands[i] = s
}

// Skip leaves a member out, in the promotion entry. Refused for a target that is
// no member.
func (g *Group) Skip(s Skip) error {
	i, ok := g.members[s.Target]
	if !ok {
		return &RefusedError{Command: "skip", Target: s.Target, Reason: ReasonNotMember}
	}
	if s.Reason == "" {
		return &RefusedError{Command: "skip", Target: s.Target, Reason: ReasonNoReason}
	}
	if g.stands[i].class == classSkipped {
		return nil
	}
	g.Promotion.Skips = append(g.Promotion.Skips, s)
	g.saved = true
	standing := g.stands[i]
	standing.class = classSkipped
	g.put(i, standing)
	return nil
}

// waveOf is a member's wave; 0 for a target that is none.
func (g *Group) waveOf(target string) int {
	i, ok := g.members[target]
	if !ok {
		return 0
	}
	return g.stands[i].wave
}

// wake notes that members may have something else to do now.
func (g *Group) wake(wave waveCount) {
	for _, name := range g.Promotion.Members[wave.first:wave.end] {
		g.woken[name] = true
	}
}
