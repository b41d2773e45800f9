package executor

import (
	"errors"
	"fmt"
	"slices"

	"sluice/analysis"
	"sluice/internal/check"
	"sluice/rollout"
)

// checking is a job's checks on their way: first it is saved that they run.
type checking struct {
	job
	r      *row
	due    rollout.Due
	checks []rollout.CheckDue
	vars   check.Vars
	group  *group        // of a check that runs once for the targets of a wave; nil for a target's own
	quit   chan struct{} // closed where somebody ends the job: what runs is stopped
	ended  bool          // it is
	deed   rollout.Deed  // what each check is of
}

// startCheck runs the target's own checks of a job.
func startCheck(m *machine, r *row) {
	c := newChecking(m, r)
	if !m.apply(r, rollout.StartJob{Due: r.due}) {
		c.free(m)
		return
	}
	c.checks = r.active().ChecksDue(r.due.Phase, r.due.Job, m.now)
	m.queue.checksBefore(m, r, 1)
	m.places.checks++
	m.saves.want(&wanted{rows: []*row{r}, group: m.rows.groupOf(r), then: c.durable})
}

// startStageCheck runs one check for all targets of a wave.
func startStageCheck(m *machine, r *row) {
	g, gates := m.rows.groupOf(r), r.active().Spec.GatesIn(r.due.Phase).Stage(r.due.Job)
	if g == nil || r.due.Check >= len(gates) {
		r.fail(fmt.Errorf("the record of %s has no check %d of scope stage in its job %s", r.name, r.due.Check, r.due.Job))
		m.rows.touch(r)
		return
	}
	c := newChecking(m, r)
	c.checks = []rollout.CheckDue{{Index: r.due.Check, Gate: gates[r.due.Check], Window: analysis.Window{Now: m.now}}}
	c.group, c.vars.Target = g, ""
	g.StartCheck(r.name, r.due, m.now)
	g.version++
	m.rows.stir(g)
	m.saves.dirtyGroup(m, g)
	m.queue.checksBefore(m, r, 1)
	m.places.checks++
	m.saves.want(&wanted{rows: []*row{r}, group: g, then: c.durable})
}

// checking is the run of some checks for a row.
func newChecking(m *machine, r *row) *checking {
	m.places.occupy(r, true)
	e := r.active()
	c := &checking{r: r, due: r.due, quit: make(chan struct{}), vars: check.Vars{
		Pipeline: m.pipeline, Stage: r.record.Stage, Target: r.name, Release: e.Spec.Release.ID,
		PreviousRelease: e.Previous.ID, Rollout: e.Rollout.Name, Phase: r.due.Phase,
	}}
	c.hold(r)
	r.checking = c
	return c
}

// dropTerminated stops the checks of a row's job that somebody ended; one of scope
// stage runs beside whichever row of the wave came to it.
func (r *row) dropTerminated() {
	for i := range r.record.Rollouts {
		e := &r.record.Rollouts[i]
		if e.Terminated == "" {
			continue
		}
		r.checking.endFor(e)
		for _, g := range r.groups {
			for _, other := range g.rows {
				if c := other.checking; c != nil && c.group == g && e.Spec.Promotion == other.promotion() {
					c.endFor(e)
				}
			}
		}
	}
}

// promotion is the one that a row's rollout under way is of.
func (r *row) promotion() string {
	if e := r.active(); e != nil {
		return e.Spec.Promotion
	}
	return ""
}

// endFor stops checks of a job that somebody ended in a rollout.
func (c *checking) endFor(e *rollout.Execution) {
	if c == nil || c.ended || c.void || c.r.job != &c.job || e.Terminated != c.due.Phase+"/"+c.due.Job {
		return
	}
	if c.group == nil && e.Rollout.Name != c.due.Rollout {
		return
	}
	c.ended = true
	close(c.quit)
}

// durable runs the checks once it is saved that they run.
func (c *checking) durable(m *machine, err error) {
	if c.void {
		return
	}
	switch {
	case err != nil || m.ended != nil:
		c.over(m)
	case c.ended:
		checked{c: c, left: true}.step(m)
	default:
		c.deed = c.r.record.Checking(c.due)
		m.do(checkTask{c, m.limits})
	}
}

func (c *checking) over(m *machine) {
	m.places.checks--
	m.queue.checksBefore(m, c.r, -1)
	c.free(m)
}

// checked is the input that checks came to their end.
type checked struct {
	c       *checking
	looks   []rollout.Look
	failed  error // why one did not pass, of those that pass or fail alone and of scope stage
	unclear error // why one of scope stage is for a person to decide
	left    bool  // the budget was over before one of them: nothing is known
}

func (in checked) step(m *machine) {
	c := in.c
	if c.void {
		return
	}
	switch {
	case c.ended && c.group != nil:
		c.endStage(m, rollout.CheckFailed, c.message("failed", errTerminated))
	case in.left, c.ended:
	case c.group != nil && in.unclear != nil:
		c.endStage(m, rollout.CheckUndecided, c.message("is inconclusive", in.unclear))
	case c.group != nil && in.failed != nil:
		c.endStage(m, rollout.CheckFailed, c.message("failed", in.failed))
	case c.group != nil:
		c.endStage(m, rollout.CheckPassed, "")
	case slices.ContainsFunc(c.r.active().Spec.GatesIn(c.due.Phase).Own(c.due.Job), rollout.Gate.Measures):
		m.apply(c.r, rollout.Looked{Due: c.due, Looks: in.looks})
	case in.failed != nil:
		m.apply(c.r, rollout.FailJob{Due: c.due, Cause: rollout.ExecutionFailed, Message: c.message("failed", in.failed)})
	default:
		m.apply(c.r, rollout.PassJob{Due: c.due})
	}
	c.over(m)
}

// errTerminated is why a check of scope stage did not pass for the other targets.
var errTerminated = errors.New("somebody terminated it")

// endStage notes for all targets of the wave how the check ended.
func (c *checking) endStage(m *machine, state rollout.CheckState, message string) {
	g := c.group
	g.EndCheck(c.r.name, c.due, state, message, m.now)
	g.version++
	m.rows.stir(g)
	m.saves.dirtyGroup(m, g)
}

// message says how the job's checks ended, and why.
func (c *checking) message(how string, err error) string {
	if c.due.Phase == "" {
		return fmt.Sprintf("%s %s: %v", c.due.Job, how, err)
	}
	return fmt.Sprintf("%s %s in %s: %v", c.due.Job, how, c.due.Phase, err)
}
