package executor

import (
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
	group  *group // of a check that runs once for the targets of a wave; nil for a target's own
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
	c := &checking{r: r, due: r.due, vars: check.Vars{
		Pipeline: m.pipeline, Stage: r.record.Stage, Target: r.name, Release: e.Spec.Release.ID,
		PreviousRelease: e.Previous.ID, Rollout: e.Rollout.Name, Phase: r.due.Phase,
	}}
	c.hold(r)
	return c
}

// durable runs the checks once it is saved that they run.
func (c *checking) durable(m *machine, err error) {
	if c.void {
		return
	}
	if err != nil || m.ended != nil {
		c.over(m)
		return
	}
	m.do(checkTask{c, m.limits})
}

func (c *checking) over(m *machine) {
	m.places.checks--
	m.queue.checksBefore(m, c.r, -1)
	c.free(m)
}

// checked is the input that checks came to their end.
type checked struct {
	c      *checking
	looks  []rollout.Look
	failed error // why one did not pass, of those that pass or fail alone and of scope stage
	left   bool  // the budget was over before one of them: nothing is known
}

func (in checked) step(m *machine) {
	c := in.c
	if c.void {
		return
	}
	switch {
	case in.left:
	case c.group != nil:
		c.endStage(m, in.failed)
	case slices.ContainsFunc(c.r.active().Spec.GatesIn(c.due.Phase).Own(c.due.Job), rollout.Gate.Measures):
		m.apply(c.r, rollout.Looked{Due: c.due, Looks: in.looks})
	case in.failed != nil:
		m.apply(c.r, rollout.FailJob{Due: c.due, Cause: rollout.ExecutionFailed, Message: c.message(in.failed)})
	default:
		m.apply(c.r, rollout.PassJob{Due: c.due})
	}
	c.over(m)
}

// endStage notes for all targets of the wave how the check ended.
func (c *checking) endStage(m *machine, failed error) {
	g := c.group
	message := ""
	if failed != nil {
		message = c.message(failed)
	}
	g.EndCheck(c.r.name, c.due, failed == nil, message, m.now)
	g.version++
	m.rows.stir(g)
	m.saves.dirtyGroup(m, g)
}

func (c *checking) message(err error) string {
	if c.due.Phase == "" {
		return fmt.Sprintf("%s failed: %v", c.due.Job, err)
	}
	return fmt.Sprintf("%s failed in %s: %v", c.due.Job, c.due.Phase, err)
}
