package app

import (
	"context"
	"runtime/debug"
	"time"

	"sluice/internal/telemetry"
	"sluice/internal/view"
	"sluice/rollout"
)

// openTelemetry prepares what OpenTelemetry is told of the command, where the environment
// asks for it. A rehearsal is told to nobody.
func (inv *invocation) openTelemetry() {
	if inv.flags.sandbox || inv.recorder != nil || !telemetry.Asked(inv.env.Get) {
		return
	}
	settings, warnings := telemetry.Read(inv.env.Get)
	inv.runner.Mask(settings.Secrets()...)
	for _, text := range warnings {
		inv.cautions.say(inv.console.Warn, text)
	}
	if !settings.On() {
		return
	}
	inv.recorder = &telemetry.Recorder{
		Settings: settings, Transport: inv.transport(), Now: inv.Clock.Now, Redact: inv.runner.Redact, Warn: inv.runner.Warning,
		Run: telemetry.Run{Version: versionOf(debug.ReadBuildInfo()), Command: inv.command, Began: inv.Clock.Now()},
	}
	if run, err := inv.runner.Context(); err == nil {
		r := &inv.recorder.Run
		r.ID, r.URL, r.Ref, r.Commit = inv.identity(run).ID, run.RunURL, run.Branch, run.SHA
		if run.Repository != "" && run.ServerURL != "" {
			r.Repository = run.ServerURL + "/" + run.Repository
		}
	}
}

// export tells OpenTelemetry what the command did. It has little time, and an interrupted
// one next to none.
func (a announcer) export(ctx context.Context, recorder *telemetry.Recorder, parts []part) {
	if recorder == nil {
		return
	}
	var endings []telemetry.Ending
	for _, p := range parts {
		if !p.news {
			continue
		}
		out := a.toldOf(ctx, p)
		e := telemetry.Ending{Pipeline: p.pipeline.Name.Value, Result: resultOf(out.Status), Status: string(out.Status)}
		if out.Promotion != "" {
			e.Promotions = []string{out.Promotion}
		}
		endings = append(endings, e)
	}
	left := telling
	if ctx.Err() != nil {
		left = tellingInterrupted
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), left)
	defer cancel()
	recorder.Export(ctx, endings)
}

// How long OpenTelemetry is told at most.
const (
	telling            = 30 * time.Second
	tellingInterrupted = 2 * time.Second
)

// resultOf is a command's status as OpenTelemetry's conventions have it.
func resultOf(s view.Status) rollout.Result {
	switch s {
	case view.Failed:
		return rollout.ResultFailure
	case view.Error, view.Conflict:
		return rollout.ResultError
	case view.Interrupted:
		return rollout.ResultCancellation
	case view.Refused:
		return rollout.ResultSkip
	default:
		return rollout.ResultSuccess
	}
}
