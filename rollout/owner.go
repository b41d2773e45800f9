package rollout

import (
	"time"

	"sluice/stages/driver"
)

// owner is who owns a rollout's phases: Sluice ([local]) or the platform
// ([mirror]). It is the one place where the two fork.
type owner interface {
	// settle makes what time brought where no effect is open; next says what is due.
	settle(r *Record, a around, now time.Time) bool
	next(r *Record, a around, due Due, now time.Time) Due
	// took takes over the platform's own rollout, before the outcome of an effect
	// counts; succeeded and failed then are what the outcome means.
	took(theirs Rollout)
	succeeded(r *Record, step *Step, result driver.Result, now time.Time)
	failed(r *Record, phase, job string, cause FailureCause, message string, now time.Time)
	askedFailed(r *Record, kind driver.Kind, cause FailureCause, message string, now time.Time)
	// abort aborts what has not ended.
	abort(r *Record, now time.Time)
	startJob(r *Record, phase, job string, now time.Time)
	// What people say.
	takesWord(r *Record) bool
	advance(r *Record, phase *Phase, by Actor, now time.Time) error
	cancel(r *Record, by Actor, now time.Time) error
	retry(r *Record, p *Phase, j *Job, by Actor, now time.Time) error
	ignore(r *Record, p *Phase, j *Job, by Actor, now time.Time) error
	terminate(r *Record, p *Phase, j *Job, by Actor, now time.Time) error
	// makeWay ends the rollout for another one that takes over what stands.
	makeWay(r *Record, w way, now time.Time)
	// baseline is what the rollout would go back to; ok is false where the
	// rollout must have kept it and has not.
	baseline() (goal Goal, ok bool)
}

// way says for whom a rollout makes way.
type way struct {
	by     string // the rollout that takes over
	actor  string
	person bool
	why    string // becomes its failure reason
}

// owner is who owns e's phases.
func (e *Execution) owner() owner {
	if e.Spec.Remote {
		return mirror{e}
	}
	return local{e}
}
