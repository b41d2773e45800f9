package executor

import (
	"context"

	"sluice/internal/ledger"
	"sluice/internal/work"
	"sluice/rollout"
	"sluice/stages/driver"
)

// task is I/O, done by a worker. What comes of it is an input.
type task interface {
	do(ctx context.Context, s *shell) input
}

type prepareTask struct {
	c    *call
	call driver.Call
}

func (t prepareTask) do(ctx context.Context, s *shell) input {
	p, err := s.Platform.Prepare(ctx, t.call)
	return prepared{t.c, p, err}
}

// beginTask sends an effect, unless nothing is to begin any more.
type beginTask struct {
	c    *call
	call driver.Call
}

func (t beginTask) do(ctx context.Context, s *shell) input {
	if ctx.Err() != nil {
		return begun{t.c, driver.Operation{}, errNotSent}
	}
	op, err := s.Platform.Begin(ctx, t.call)
	return begun{t.c, op, err}
}

type pollTask struct {
	p  *pace
	j  *job
	op driver.Operation
}

func (t pollTask) do(ctx context.Context, s *shell) input {
	next, hint, err := s.Platform.Poll(ctx, t.op)
	return polled{t.p, t.j, t.op, next, hint, err}
}

type lookTask struct {
	l    *look
	call driver.Call
}

func (t lookTask) do(ctx context.Context, s *shell) input {
	verdict, op, err := s.Platform.Lookup(ctx, t.call)
	return looked{t.l, verdict, op, err}
}

type proveTask struct {
	l      *look
	others []string
}

func (t proveTask) do(ctx context.Context, s *shell) input {
	keys := make([]ledger.Key, len(t.others))
	for i, name := range t.others {
		keys[i] = ledger.Target(name)
	}
	state, err := s.Ledger.Fresh(ctx, keys...)
	return proved{t.l, t.others, state, err}
}

type rereadTask struct {
	g  *group
	id string // of its promotion: the worker reads nothing of the group
}

func (t rereadTask) do(ctx context.Context, s *shell) input {
	state, err := s.Ledger.Fresh(ctx, ledger.Promotion(t.id))
	return readAgain{t.g, state, err}
}

type elsewhereTask struct {
	g      *group
	target string
}

func (t elsewhereTask) do(ctx context.Context, s *shell) input {
	state, err := s.Ledger.Fresh(ctx, ledger.Target(t.target))
	return elsewhere{t.g, t.target, state, err}
}

type ordersTask struct{ before bool }

func (t ordersTask) do(ctx context.Context, s *shell) input {
	theirs, err := s.Ledger.Orders(ctx)
	return ordered{theirs, t.before, err}
}

type takeTask struct {
	g      *group
	a      rollout.Addressed
	record *rollout.Record // a copy
}

func (t takeTask) do(ctx context.Context, s *shell) input {
	from, err := s.Ledger.Take(ctx, t.record)
	return taken{t.g, t.a, t.record, from, err}
}

// checkTask runs checks one after another; none starts after the budget.
type checkTask struct {
	c      *checking
	limits work.Limits
}

func (t checkTask) do(ctx context.Context, s *shell) input {
	for _, g := range t.c.gates {
		if t.limits.Left(s.Work.Now()) == 0 {
			return checked{c: t.c, left: true}
		}
		s.tell(Notice{Target: t.c.r.name, Kind: NoticeCheck, Phase: t.c.due.Phase, Job: t.c.due.Job, Gate: &g})
		err := s.Checks.Run(ctx, g, t.c.vars)
		switch {
		case ctx.Err() != nil:
			return checked{c: t.c, left: true}
		case err != nil && g.DryRun:
			s.tell(Notice{Target: t.c.r.name, Kind: NoticeDryRun, Phase: t.c.due.Phase, Job: t.c.due.Job, Gate: &g, Err: err})
		case err != nil:
			return checked{c: t.c, failed: err}
		}
	}
	return checked{c: t.c}
}

// toldOf is the input that a worker has something to say.
type toldOf struct{ n Notice }

func (in toldOf) step(m *machine) { m.say(in.n) }
