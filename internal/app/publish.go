package app

import (
	"context"
	"strings"

	"sluice/internal/publish"
	"sluice/internal/view"
	"sluice/pipeline"
)

// publish shows on GitHub what the command came to, where pipeline files ask for it.
// What brought nothing new is not shown again, nor is a rehearsal.
func (inv *invocation) publish(ctx context.Context) {
	for _, p := range inv.parts {
		if !p.news || len(publish.Permissions(p.pipeline)) == 0 {
			continue
		}
		r, ok := inv.published(p.pipeline, inv.linked(inv.toldOf(ctx, p)))
		if !ok {
			continue
		}
		if p.err != nil {
			r.Problem = inv.runner.Redact(p.err.Error())
		}
		inv.publisher(ctx, func(ctx context.Context, to publish.Publisher) { to.Show(ctx, r) })
	}
}

// publishPlan shows on the pull request what would be done.
func (inv *invocation) publishPlan(ctx context.Context, p *pipeline.Pipeline, out view.Outcome, text string) {
	if !p.Comment.Value {
		return
	}
	r, ok := inv.published(p, out)
	if !ok {
		return
	}
	of := strings.TrimSpace(strings.Join([]string{inv.command, inv.flags.to, inv.flags.stage, strings.Join(inv.flags.targets, " ")}, " "))
	inv.publisher(ctx, func(ctx context.Context, to publish.Publisher) { to.Plan(ctx, r, of, inv.runner.Redact(text)) })
}

// published is a result that GitHub may be shown; false where this is no run of
// GitHub's, or one that may write nothing there.
func (inv *invocation) published(p *pipeline.Pipeline, out view.Outcome) (publish.Result, bool) {
	if inv.flags.sandbox || !inv.runner.Inside() {
		return publish.Result{}, false
	}
	run, err := inv.runner.Context()
	switch {
	case err != nil:
		inv.runner.Warning("nothing was shown on GitHub: " + err.Error())
		return publish.Result{}, false
	case run.ReadsOnly():
		inv.cautions.say(inv.console.Progress, "nothing is shown on GitHub: the token of "+readsOnly+" may only read")
		return publish.Result{}, false
	}
	return publish.Result{Pipeline: p, Command: inv.command, Outcome: out, Run: run}, true
}

// readsOnly is a run whose token may write nothing.
const readsOnly = "a pull request from a fork or of Dependabot"

// publisher has something shown with what this run may do on GitHub.
func (inv *invocation) publisher(ctx context.Context, show func(context.Context, publish.Publisher)) {
	client, err := inv.runner.GitHub()
	if err != nil {
		inv.runner.Warning("nothing was shown on GitHub: " + err.Error())
		return
	}
	saving, done := inv.within(ctx, true)
	defer done()
	show(saving, publish.Publisher{GitHub: client, Warn: inv.runner.Warning})
}
