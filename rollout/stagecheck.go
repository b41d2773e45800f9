package rollout

import "time"

// A check of scope stage runs once for the targets of a wave. A predeploy check
// runs when the first of them is about to deploy; the others take its result.
// Verify and postdeploy checks run when every target of the wave that can still
// come that far in this invocation has: one that failed, that waits for longer
// than the invocation does, or that another invocation works on, holds nobody
// up; it has the check run again when it gets there. So does one whose job a
// person had retried.

// settleStageChecks starts a job that has checks of scope stage, and ends it when
// they and the target's own are over.
func (e local) settleStageChecks(r *Record, a around, phase *Phase, job *Job, now time.Time) bool {
	if job.State == JobPending {
		if _, held := a.hold(r, e.Execution, now); held && job.ID == JobPredeploy {
			return false
		}
		e.startStageJob(r, a, phase.ID, job, now)
		return true
	}
	state, message := a.stageState(r, e.Execution, phase.ID, job.ID)
	if e.leaveStageUndecided(r, phase, job, state, message, now) {
		return true
	}
	switch {
	case state == CheckFailed:
		e.failed(r, phase.ID, job.ID, ExecutionFailed, message, now)
		return true
	case state == CheckPassed && e.Times.ownPassed(phase.ID, job.ID):
		e.succeedJob(r, phase, job, now)
		return true
	default:
		return false
	}
}

// leaveStageUndecided leaves a job to a person whose check of scope stage was
// inconclusive, and takes it up again once that ran anew. It reports whether it did
// either.
func (e local) leaveStageUndecided(r *Record, p *Phase, j *Job, state CheckState, message string, now time.Time) bool {
	asks := e.Undecided.is(p.ID, j.ID)
	switch {
	case state == CheckUndecided && !asks:
		e.Undecided = &Undecided{Phase: p.ID, Job: j.ID, Since: now.UTC(), Message: message, Stage: true}
		r.event(e.Execution, now, Event{Type: "job.undecided", Phase: p.ID, Job: j.ID, Message: message})
		return true
	case state != CheckUndecided && asks && e.Undecided.Stage:
		e.Undecided = nil
		return true
	default:
		return false
	}
}

// startStageJob puts the job to work and says which run of its checks it needs.
func (e local) startStageJob(r *Record, a around, phase string, job *Job, now time.Time) {
	e.startJob(r, phase, job.ID, now)
	key := phase + "/" + job.ID
	if len(e.Spec.GatesIn(phase).Own(job.ID)) == 0 {
		e.Times.set(ownKey(phase, job.ID), now)
	}
	if a.group == nil {
		return
	}
	if e.Needs == nil {
		e.Needs = map[string]int{}
	}
	last, refused := a.group.runs(r.Target, phase, job.ID)
	retried := e.Runs[key] > 1 && e.Attempts[phase] == 0
	e.Needs[key] = last + 1
	if job.ID == JobPredeploy || retried {
		e.Needs[key] = refused + 1
	}
}

// runs are the newest run of a job's checks of scope stage in the target's wave,
// and the newest that failed or was inconclusive; 0 where none did.
func (g *Group) runs(target, phase, job string) (last, refused int) {
	wave := g.waveOf(target)
	for _, c := range g.Promotion.Checks {
		if c.Wave != wave || c.Phase != phase || c.Job != job {
			continue
		}
		last = max(last, c.Run)
		if c.State == CheckFailed || c.State == CheckUndecided {
			refused = max(refused, c.Run)
		}
	}
	return last, refused
}

// checkAt finds the run of a check that counts for the rollout: the newest that
// it needs at least.
func (g *Group) checkAt(target string, e *Execution, phase, job string, index int) (StageCheck, bool) {
	wave, needs := g.waveOf(target), e.Needs[phase+"/"+job]
	var found StageCheck
	for _, c := range g.Promotion.Checks {
		if c.Wave == wave && c.Phase == phase && c.Job == job && c.Index == index && c.Run >= max(needs, found.Run, 1) {
			found = c
		}
	}
	return found, found.Run > 0
}

// stageState sums a job's checks of scope stage up: failed where one did, undecided
// where one is, passed where all did, else "".
func (a around) stageState(r *Record, e *Execution, phase, job string) (state CheckState, message string) {
	if a.group == nil {
		return "", ""
	}
	state = CheckPassed
	for i := range e.Spec.GatesIn(phase).Stage(job) {
		c, ok := a.group.checkAt(r.Target, e, phase, job, i)
		switch {
		case ok && c.State == CheckFailed:
			return CheckFailed, c.Message
		case ok && c.State == CheckUndecided:
			state, message = CheckUndecided, c.Message
		case state == CheckPassed && (!ok || c.State != CheckPassed):
			state = ""
		}
	}
	return state, message
}

// stageCheck says what is due for the checks of scope stage of a job; false where
// all have passed.
func (a around) stageCheck(r *Record, e *Execution, due Due) (Due, bool) {
	for i := range e.Spec.GatesIn(due.Phase).Stage(due.Job) {
		due.Action, due.Check = ActionStageCheck, i
		if a.group == nil {
			return due, true
		}
		c, ok := a.group.checkAt(r.Target, e, due.Phase, due.Job, i)
		switch {
		case ok && c.State == CheckPassed:
			continue
		case ok:
			return due.wait(Waiting{Kind: WaitCheck, Phase: due.Phase, Job: due.Job, Target: c.By}), true
		case due.Job != JobPredeploy && a.group.onTheWay(r.Target, e, due):
			return due.wait(Waiting{Kind: WaitTargets, Phase: due.Phase, Job: due.Job, Wave: a.group.waveOf(r.Target)}), true
		default:
			return due, true
		}
	}
	return due, false
}

// onTheWay reports whether another member of the wave can still come as far as a
// job in this invocation, and has not.
func (g *Group) onTheWay(target string, e *Execution, due Due) bool {
	wave := g.counts.waves[g.waveOf(target)]
	_, at, _ := e.Rollout.current()
	barrier := positionOf(at, due.Job)
	for position := range wave.on {
		if position < barrier {
			return true
		}
	}
	return false
}

// StartCheck notes in the promotion that a check of scope stage runs, for target.
func (g *Group) StartCheck(target string, due Due, now time.Time) {
	last, _ := g.runs(target, due.Phase, due.Job)
	run := max(last, 1)
	if e, ok := g.execution(target); ok {
		run = max(run, e.Needs[due.Phase+"/"+due.Job])
	}
	g.Promotion.Checks = append(g.Promotion.Checks, StageCheck{
		Wave: g.waveOf(target), Phase: due.Phase, Job: due.Job, Index: due.Check, Run: run, State: CheckRunning, By: target, At: now.UTC(),
	})
	g.saved = true
}

func (g *Group) execution(target string) (*Execution, bool) {
	i, ok := g.members[target]
	if !ok || g.records[i] == nil {
		return nil, false
	}
	return g.records[i].Of(g.Promotion.ID)
}

// EndCheck notes how it ended, and has the members that wait for it woken by the
// next React. message says why it did not pass.
func (g *Group) EndCheck(target string, due Due, state CheckState, message string, now time.Time) {
	wave := g.waveOf(target)
	for i := range g.Promotion.Checks {
		c := &g.Promotion.Checks[i]
		if c.State != CheckRunning || c.Wave != wave || c.Phase != due.Phase || c.Job != due.Job || c.Index != due.Check {
			continue
		}
		c.State, c.Message, c.At = state, message, now.UTC()
	}
	g.saved = true
	g.wake(g.counts.waves[wave])
}
