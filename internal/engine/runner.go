package engine

import (
	"context"
	"slices"

	"sluice/internal/executor"
	"sluice/internal/ledger"
	"sluice/internal/planner"
	"sluice/internal/view"
	"sluice/pipeline"
	"sluice/rollout"
	"sluice/stages/driver"
)

// runner has plans carried out and tells what came of them, by one setting.
type runner struct {
	pipeline *pipeline.Pipeline
	executor executor.Config
	fresh    func(target string) rollout.Record
	workflow func(view.Command) string
}

func newRunner(c Config, setting rollout.Setting, fresh func(string) rollout.Record) *runner {
	return &runner{pipeline: c.Pipeline, fresh: fresh, workflow: c.Workflow, executor: executor.Config{
		Pipeline: c.Pipeline.Name.Value, Run: c.Run.ID, Platform: c.Platform, Checks: c.Checks, Ledger: c.Ledger,
		Reviews: c.Reviews, Approval: approval(c.Pipeline), Work: c.Work, Setting: setting, Notify: c.Notify, Deeds: c.Deeds,
	}}
}

// approval is what the file asks for on a target now; nil for nothing.
func approval(p *pipeline.Pipeline) func(target string) *rollout.ApprovalSpec {
	return func(target string) *rollout.ApprovalSpec {
		t, err := p.Target(target)
		if err != nil {
			return nil
		}
		return planner.ApprovalOf(t)
	}
}

// goesBack says that this invocation goes back itself.
func (r *runner) goesBack() { r.executor.Setting.Back = true }

// carryOut carries a plan out, and tells what came of it. A plan that is refused
// is a [planner.RefusedError]; other errors are those of [executor.Result], and
// the outcome counts beside them.
func (r *runner) carryOut(ctx context.Context, state *ledger.State, plan planner.Plan) (view.Outcome, error) {
	if err := plan.Err(); err != nil {
		return view.Outcome{}, err
	}
	notify := r.executor.Notify
	notify(executor.Notice{Kind: executor.NoticeRows, Count: executor.Works(plan)})
	tell(notify, state, plan)
	tellChanges(notify, state, plan, r.pipeline.Digest)
	result := r.run(ctx, state, plan)
	return r.view().Result(state, plan, result), result.Err
}

func (r *runner) run(ctx context.Context, state *ledger.State, plan planner.Plan) executor.Result {
	return executor.Run(ctx, r.executor, state, r.fresh, plan)
}

// view tells of records as this invocation knows them now.
func (r *runner) view() view.View {
	return view.View{Pipeline: r.pipeline, Setting: r.executor.Setting, Run: r.executor.Run, Now: r.executor.Work.Now(), Workflow: r.workflow}
}

// tell shows what planning noticed.
func tell(notify func(executor.Notice), state *ledger.State, plan planner.Plan) {
	switch {
	case plan.Again && finished(state, plan):
		notify(executor.Notice{Kind: executor.NoticeDone})
	case plan.Again:
		notify(executor.Notice{Kind: executor.NoticeAgain})
	}
	for _, f := range plan.Findings {
		kind := executor.NoticeNote
		if f.Severity == driver.Warn {
			kind = executor.NoticeWarning
		}
		notify(executor.Notice{Target: f.Target, Kind: kind, Text: planner.Text(f)})
	}
}

// finished reports whether nothing is left to do of a promotion that is planned
// again.
func finished(state *ledger.State, plan planner.Plan) bool {
	return !slices.ContainsFunc(plan.Moves, func(m planner.Move) bool {
		r := state.Records[m.Target]
		return len(m.Do) > 0 || m.Pending != nil || r != nil && r.Unfinished()
	})
}

// tellChanges says of rollouts that go on that the pipeline file, which has this
// digest now, has changed since they were created.
func tellChanges(notify func(executor.Notice), state *ledger.State, plan planner.Plan, digest string) {
	for _, m := range plan.Moves {
		r := state.Records[m.Target]
		if r == nil || m.Unchanged || m.Pending != nil {
			continue
		}
		if x, ok := r.Active(); ok && x.Spec.PipelineDigest != digest {
			notify(executor.Notice{Kind: executor.NoticeChanged, Target: m.Target, Text: x.Rollout.Name})
		}
	}
}
