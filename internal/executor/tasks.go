package executor

import (
	"context"
	"fmt"

	"sluice/analysis"
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
	c       *call
	call    driver.Call
	reviews []reviews
}

func (t prepareTask) do(ctx context.Context, s *shell) input {
	for i := range t.reviews {
		t.reviews[i].read(ctx, s)
	}
	p, err := s.Platform.Prepare(ctx, t.call)
	return prepared{t.c, p, err, t.reviews}
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
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		select {
		case <-t.c.quit:
			stop()
		case <-ctx.Done():
		}
	}()
	return t.run(ctx, s)
}

// run runs the checks until one ends it.
func (t checkTask) run(ctx context.Context, s *shell) checked {
	end := checked{c: t.c}
	for _, d := range t.c.checks {
		if t.limits.Left(s.Work.Now()) == 0 {
			return checked{c: t.c, left: true}
		}
		t.tell(s, NoticeCheck, d.Gate, nil)
		began := s.Work.Now()
		look, err := t.look(ctx, s, d)
		if ctx.Err() != nil {
			return checked{c: t.c, left: true}
		}
		if s.Deeds {
			deed := t.c.deed.Checked(d.Gate, look.Sample, began, s.Work.Now())
			s.tell(Notice{Target: t.c.r.name, Kind: NoticeDeed, Deed: &deed})
		}
		end.looks = append(end.looks, look)
		switch {
		case err != nil && d.Gate.DryRun:
			t.tell(s, NoticeDryRun, d.Gate, err)
		case err != nil && t.c.group != nil && look.Sample.Verdict == analysis.Inconclusive:
			end.unclear = err
			return end
		case err != nil && (t.c.group != nil || !d.Gate.Measures()):
			end.failed = err
			return end
		}
	}
	return end
}

func (t checkTask) tell(s *shell, kind NoticeKind, g rollout.Gate, err error) {
	s.tell(Notice{Target: t.c.r.name, Kind: kind, Phase: t.c.due.Phase, Job: t.c.due.Job, Gate: &g, Err: err})
}

// look runs a check. The error says why it did not pass.
func (t checkTask) look(ctx context.Context, s *shell, d rollout.CheckDue) (rollout.Look, error) {
	if !d.Gate.Measures() {
		err := s.Checks.Run(ctx, d.Gate, t.c.vars)
		if err != nil {
			return rollout.Look{Check: d.Index, Sample: analysis.Fail("", "%v", err)}, err
		}
		return rollout.Look{Check: d.Index, Sample: analysis.Pass("")}, nil
	}
	sample := s.Checks.Look(ctx, d.Gate, t.c.vars, d.Window)
	if ctx.Err() == nil {
		s.tell(Notice{Target: t.c.r.name, Kind: NoticeLook, Phase: t.c.due.Phase, Job: t.c.due.Job, Gate: &d.Gate, Sample: &sample})
	}
	if sample.Verdict == analysis.Passed {
		return rollout.Look{Check: d.Index, Sample: sample}, nil
	}
	return rollout.Look{Check: d.Index, Sample: sample}, fmt.Errorf("%s %s: %s", d.Gate.Name(), sample.Verdict, sample.Text)
}

// toldOf is the input that a worker has something to say.
type toldOf struct{ n Notice }

func (in toldOf) step(m *machine) { m.say(in.n) }
