package app

import (
	"context"
	"net/url"

	"github.com/google/uuid"

	"sluice/internal/executor"
	"sluice/internal/notify"
	"sluice/internal/view"
	"sluice/pipeline"
)

// part is what a command came to on one pipeline.
type part struct {
	pipeline *pipeline.Pipeline
	outcome  view.Outcome
	err      error
	news     bool
}

// noticed shows what the engine tells, and notes that something happened.
func (inv *invocation) noticed(n executor.Notice) {
	inv.news = inv.news || n.Kind == executor.NoticeEvent && n.Event.Rollout != ""
	if n.Kind == executor.NoticeDeed {
		inv.recorder.Deed(*n.Deed)
		return
	}
	inv.console.Show(n)
}

// notify tells the pipelines' hooks what the command came to. What brought nothing
// new is not told, nor is a rehearsal.
func (inv *invocation) notify(ctx context.Context) {
	if inv.flags.sandbox {
		return
	}
	for _, p := range inv.parts {
		if p.news && len(p.pipeline.Notify) > 0 {
			inv.notifyOf(ctx, p)
		}
	}
}

func (inv *invocation) notifyOf(ctx context.Context, p part) {
	run, err := inv.runner.Context()
	if err != nil {
		inv.runner.Warning("nobody was told: " + err.Error())
		return
	}
	out := inv.toldOf(ctx, p)
	m := notify.Message{ID: uuid.NewString(), Pipeline: p.pipeline.Name.Value, Command: inv.command, Outcome: out, RunURL: run.RunURL, At: inv.Clock.Now()}
	if p.err != nil {
		m.Error = inv.runner.Redact(p.err.Error())
	}
	notify.Teller{Getenv: inv.env.Get, Transport: inv.transport(), Warn: inv.runner.Warning}.Tell(ctx, p.pipeline.Notify, m)
}

// toldOf is what a pipeline came to, without secrets.
func (inv *invocation) toldOf(ctx context.Context, p part) view.Outcome {
	out := shown(inv, p.outcome)
	out.Status = status(out, inv.code(ctx, &result{pipeline: p.pipeline, outcome: p.outcome, moves: true}, p.err), p.err)
	return out
}

// hideHooks masks what hooks have as secrets. Slack's address is shown by its path,
// too: a log of requests has that apart.
func (inv *invocation) hideHooks(hooks []*pipeline.Hook) {
	for _, h := range hooks {
		inv.runner.Mask(inv.env.Get(h.Slack), inv.env.Get(h.Secret))
		if u, err := url.Parse(inv.env.Get(h.Slack)); err == nil && len(u.Path) > 1 {
			inv.runner.Mask(u.EscapedPath())
		}
	}
}
