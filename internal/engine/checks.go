package engine

import (
	"context"
	"fmt"
	"sync"

	"sluice/internal/check"
	"sluice/rollout"
)

// onceGate is a check of scope stage: the first target that reaches it runs
// it, the others take its result.
type onceGate struct {
	once sync.Once
	err  error
}

// check runs the checks of a job, one after another.
func (r *run) check(ctx context.Context, s *slot, due rollout.Due) {
	x := s.active()
	x.StartChecks(&s.record, due.Phase, due.Job, r.Now())
	s.dirty = true
	if err := r.commit(ctx, s); err != nil {
		s.err = err
		return
	}
	gates := x.Spec.Gates.Of(due.Job)
	for i, g := range gates {
		r.Observer.Progress(s.name(), fmt.Sprintf("%s %s: %s", due.Phase, due.Job, gateText(g)))
		err := r.gate(ctx, s, x, g, due, i)
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

// gate runs one check, once for all targets of the promotion where its scope
// is the stage.
func (r *run) gate(ctx context.Context, s *slot, x *rollout.Execution, g rollout.Gate, due rollout.Due, i int) error {
	vars := check.Vars{
		Pipeline: r.Pipeline.Name.Value, Stage: s.record.Stage, Target: s.name(), Release: x.Spec.Release.ID,
		PreviousRelease: x.Previous, Rollout: x.Rollout.Name, Phase: due.Phase,
	}
	if !g.StageScope {
		return r.Checks.Run(ctx, g, vars)
	}
	key := fmt.Sprintf("%s/%s/%s/%d/%d", x.Spec.Promotion, due.Phase, due.Job, i, x.Attempts[due.Phase])
	r.mu.Lock()
	if r.gates[key] == nil {
		r.gates[key] = &onceGate{}
	}
	once := r.gates[key]
	r.mu.Unlock()
	once.once.Do(func() {
		vars.Target = ""
		once.err = r.Checks.Run(ctx, g, vars)
	})
	return once.err
}

func gateText(g rollout.Gate) string {
	if g.HTTP != nil {
		return "http " + g.HTTP.URL
	}
	return fmt.Sprintf("run %q", g.Run)
}
