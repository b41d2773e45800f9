package app

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/google/uuid"

	"sluice/internal/actions"
	"sluice/internal/executor"
	"sluice/internal/notify"
	"sluice/internal/redact"
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

// announcer tells others what pipelines came to: their hooks, GitHub, OpenTelemetry. A
// rehearsal is told to nobody.
type announcer struct {
	runner        *actions.Runner
	github        repository
	getenv        func(string) string
	transport     http.RoundTripper
	now           func() time.Time
	progress      func(message string) // says it once
	command       string
	sandbox       bool
	failOnPending bool
}

func (inv *invocation) announcer() announcer {
	return announcer{
		runner: inv.runner, github: inv.github, getenv: inv.env.Get, transport: inv.transport(), now: inv.Clock.Now,
		progress: func(message string) { inv.cautions.say(inv.console.Progress, message) },
		command:  inv.command, sandbox: inv.flags.sandbox, failOnPending: inv.flags.failOnPending,
	}
}

// notify tells the pipelines' hooks what the command came to. What brought nothing
// new is not told, nor is a rehearsal.
func (a announcer) notify(ctx context.Context, parts []part) {
	if a.sandbox {
		return
	}
	for _, p := range parts {
		if p.news && len(p.pipeline.Notify) > 0 {
			a.notifyOf(ctx, p)
		}
	}
}

func (a announcer) notifyOf(ctx context.Context, p part) {
	run, err := a.runner.Context()
	if err != nil {
		a.runner.Warning("nobody was told: " + err.Error())
		return
	}
	out := a.toldOf(ctx, p)
	m := notify.Message{ID: uuid.NewString(), Pipeline: p.pipeline.Name.Value, Command: a.command, Outcome: out, RunURL: run.RunURL, At: a.now()}
	if p.err != nil {
		m.Error = a.runner.Redact(p.err.Error())
	}
	notify.Teller{Getenv: a.getenv, Transport: a.transport, Warn: a.runner.Warning}.Tell(ctx, p.pipeline.Notify, m)
}

// toldOf is what a pipeline came to, without secrets.
func (a announcer) toldOf(ctx context.Context, p part) view.Outcome {
	out := redact.In(p.outcome, a.runner.Redact)
	out.Status = status(out, exitCode(ctx, a.failOnPending, &result{pipeline: p.pipeline, outcome: p.outcome, moves: true}, p.err), p.err)
	return out
}

// hideHooks masks what hooks have as secrets. Slack's address is shown by its path,
// too: a log of requests has that apart.
func hideHooks(mask func(...string), getenv func(string) string, hooks []*pipeline.Hook) {
	for _, h := range hooks {
		mask(getenv(h.Slack), getenv(h.Secret))
		if u, err := url.Parse(getenv(h.Slack)); err == nil && len(u.Path) > 1 {
			mask(u.EscapedPath())
		}
	}
}
