package engine

import (
	"context"
	"fmt"
	"time"

	"sluice/internal/check"
	"sluice/internal/old/rollout"
)

// check runs the checks of a job, one after another.
func (r *run) check(ctx context.Context, s *slot, due rollout.Due) {
	x := s.active()
	x.StartChecks(&s.record, due.Phase, due.Job, r.Now())
	s.dirty, s.busy = true, lasting(x.Spec.Gates.Of(due.Job))
	defer func() { s.busy = 0 }()
	if err := r.commit(ctx, s); err != nil {
		if ctx.Err() == nil {
			s.err = err
		}
		return
	}
	for i, g := range x.Spec.Gates.Of(due.Job) {
		r.Observer.Progress(s.name(), fmt.Sprintf("%s %s: %s", due.Phase, due.Job, gateText(g)))
		err := r.gate(ctx, s, g, due, i)
		if ctx.Err() != nil {
			return // interrupted: the job runs again
		}
		if err != nil && g.DryRun {
			r.Observer.Warn(s.name(), fmt.Sprintf("%s (dry run): %v", due.Job, err))
			continue
		}
		if err != nil {
			x.FailJob(&s.record, due.Phase, due.Job, rollout.ExecutionFailed, fmt.Sprintf("%s failed in %s: %v", due.Job, due.Phase, err), r.Now())
			s.dirty = true
			return
		}
	}
	x.PassChecks(&s.record, due.Phase, due.Job, r.Now())
	s.dirty = true
}

// lasting is how long checks may take: the lease outlives them.
func lasting(gates []rollout.Gate) time.Duration {
	var sum time.Duration
	for _, g := range gates {
		if g.Timeout > 0 {
			sum += g.Timeout.Std()
		} else {
			sum += check.DefaultTimeout
		}
	}
	return sum
}

// gate runs one check, once for all targets of the promotion where its scope
// is the stage.
func (r *run) gate(ctx context.Context, s *slot, g rollout.Gate, due rollout.Due, i int) error {
	x := s.active()
	vars := check.Vars{
		Pipeline: r.Pipeline.Name.Value, Stage: s.record.Stage, Target: s.name(), Release: x.Spec.Release.ID,
		PreviousRelease: x.Previous, Rollout: x.Rollout.Name, Phase: due.Phase,
	}
	began := r.Now()
	defer func() { r.checking.add(r.Now().Sub(began)) }()
	if !onStage(due.Job)(g) {
		return r.Checks.Run(ctx, g, vars)
	}
	vars.Target = ""
	return r.share(once(x, due, i), func() error { return r.Checks.Run(ctx, g, vars) })
}

func gateText(g rollout.Gate) string {
	if g.HTTP != nil {
		return "http " + g.HTTP.URL
	}
	return fmt.Sprintf("run %q", g.Run)
}
