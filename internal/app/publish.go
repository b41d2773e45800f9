package app

import (
	"context"

	"sluice/internal/publish"
	"sluice/internal/view"
	"sluice/pipeline"
)

// publish shows on GitHub what the command came to, where pipeline files ask for it.
// What brought nothing new is not shown again, nor is a rehearsal.
func (a announcer) publish(ctx context.Context, parts []part) {
	for _, p := range parts {
		if !p.news || len(publish.Permissions(p.pipeline)) == 0 {
			continue
		}
		r, ok := a.published(p.pipeline, linked(a.runner, a.toldOf(ctx, p)))
		if !ok {
			continue
		}
		if p.err != nil {
			r.Problem = a.runner.Redact(p.err.Error())
		}
		a.publisher(ctx, func(ctx context.Context, to publish.Publisher) { to.Show(ctx, r) })
	}
}

// publishPlan shows on the pull request what would be done by what command.
func (a announcer) publishPlan(ctx context.Context, p *pipeline.Pipeline, out view.Outcome, of, text string) {
	if !p.Comment.Value {
		return
	}
	r, ok := a.published(p, out)
	if !ok {
		return
	}
	a.publisher(ctx, func(ctx context.Context, to publish.Publisher) { to.Plan(ctx, r, of, a.runner.Redact(text)) })
}

// published is a result that GitHub may be shown; false where this is no run of
// GitHub's, or one that may write nothing there.
func (a announcer) published(p *pipeline.Pipeline, out view.Outcome) (publish.Result, bool) {
	if a.sandbox || !a.runner.Inside() {
		return publish.Result{}, false
	}
	run, err := a.runner.Context()
	switch {
	case err != nil:
		a.runner.Warning("nothing was shown on GitHub: " + err.Error())
		return publish.Result{}, false
	case run.ReadsOnly():
		a.progress("nothing is shown on GitHub: the token of " + readsOnly + " may only read")
		return publish.Result{}, false
	}
	return publish.Result{Pipeline: p, Command: a.command, Outcome: out, Run: run}, true
}

// readsOnly is a run whose token may write nothing.
const readsOnly = "a pull request from a fork or of Dependabot"

// publisher has something shown with what this run may do on GitHub.
func (a announcer) publisher(ctx context.Context, show func(context.Context, publish.Publisher)) {
	client, err := a.runner.GitHub()
	if err != nil {
		a.runner.Warning("nothing was shown on GitHub: " + err.Error())
		return
	}
	saving, done := a.github.within(ctx, true)
	defer done()
	show(saving, publish.Publisher{GitHub: client, Warn: a.runner.Warning})
}
