package engine

import (
	"context"

	"sluice/internal/executor"
	"sluice/internal/view"
	"sluice/pipeline"
	"sluice/stages/driver"
)

// Operation follows work of a target's platform by the name that the platform has
// for it, whoever began it, until it is over, somebody must decide, or the wait
// budget ends. Nothing of it is recorded. Errors are those of the platform: it has
// no such work, or does not tell; the outcome counts where there is none.
func (e *Engine) Operation(ctx context.Context, t *pipeline.Target, name string) (view.Outcome, driver.Operation, error) {
	at, target := t.Driver(), t.Name.Value
	pace := executor.Pace(t.Poll, e.config.Platform.Facts(at.Platform).Backoff)
	warned := map[string]bool{}
	var before driver.Operation
	for {
		op, hint, err := e.config.Platform.Operation(ctx, at, name)
		if err != nil {
			return view.Outcome{}, before, err
		}
		progressed(e.config.Notify, target, before, op, warned)
		before = op
		wait := max(pace.NextBackOff(), hint)
		if op.Finished() || op.Results[target].Waiting != "" || e.config.Work.Beyond(e.config.Work.Now(), wait) {
			return e.runner.view().Followed(target, name, op, e.config.Work.Now().Add(wait)), op, nil
		}
		if err := e.config.Work.Sleep(ctx, wait); err != nil {
			return e.runner.view().Followed(target, name, op, e.config.Work.Now().Add(wait)), op, err
		}
	}
}

// progressed tells what an operation came to since it was read before, and each
// warning once.
func progressed(notify func(executor.Notice), target string, before, op driver.Operation, warned map[string]bool) {
	if op.Progress != before.Progress || op.Status != before.Status {
		notify(executor.Notice{Target: target, Kind: executor.NoticeProgress, Operation: &op})
	}
	for _, w := range op.Warnings {
		if text := w.String(); !warned[text] {
			warned[text] = true
			notify(executor.Notice{Target: target, Kind: executor.NoticeWarning, Text: text})
		}
	}
}
