package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"sluice/internal/actions"
	"sluice/internal/guard"
	"sluice/internal/redact"
	"sluice/internal/report"
	"sluice/internal/view"
	"sluice/pipeline"
)

// result is what a command reports.
type result struct {
	pipeline *pipeline.Pipeline
	outcome  view.Outcome
	moves    bool           // rollouts were worked on: a table, waits that are announced, exit 4 where one asks
	text     string         // for a person, instead of the table
	summary  bool           // text is for the step's summary too
	extra    map[string]any // for the document, beside the outputs' names
	matrix   string
}

// end reports a command's result or error everywhere it is wanted, and returns
// the exit code.
func (inv *invocation) end(ctx context.Context, err error) int {
	r := inv.result
	if r == nil {
		r = &result{}
	}
	code := exitCode(ctx, inv.flags.failOnPending, r, err)
	r.outcome = shown(inv, r.outcome)
	doc := documentOf(r, err, code, inv.stores.opened)
	inv.explain(err)
	told := inv.announcer()
	told.notify(ctx, inv.parts)
	told.publish(ctx, inv.parts)
	told.export(ctx, inv.recorder, inv.parts)
	announceWaits(inv.runner, r)
	if r.moves && r.pipeline != nil {
		warnOfExpiry(inv.console.Warn, r.outcome, keeps(inv.flags.storeName(r.pipeline), inv.env.Get), inv.Clock.Now())
	}
	t := teller{runner: inv.runner, stdout: inv.Stdout, command: inv.command, json: inv.wantsJSON(), silent: inv.result == nil}
	if err := t.tell(r, doc, err); err != nil {
		inv.runner.Error(err.Error())
		if code == view.ExitDone {
			code = view.ExitFailed
		}
	}
	return int(code)
}

// teller tells what a command came to on standard output, in the step's outputs and
// in its summary.
type teller struct {
	runner  *actions.Runner
	stdout  io.Writer
	command string
	json    bool
	silent  bool // the command reported nothing: help, a completion, the sandbox
}

// tell writes the result to standard output, the outputs and the summary.
func (t teller) tell(r *result, doc document, err error) error {
	var printErr error
	switch {
	case err == nil && t.silent: // they speak for themselves
	case t.json:
		printErr = t.printJSON(r, doc, err)
	case !t.silent:
		t.printText(r, doc)
	}
	return errors.Join(printErr, t.setOutputs(r, doc), t.summarise(r, doc, err))
}

// explain shows an error to people, and annotates the run with it.
func (inv *invocation) explain(err error) {
	if err == nil {
		return
	}
	inv.runner.Error(view.Explain(err))
	if mistake, ok := errors.AsType[*guard.Mistake](err); ok && inv.flags.debug {
		_ = inv.runner.Untrusted(inv.Stderr, mistake.Stack()) // nobody is left to tell
	}
}

// shown is a value without secrets: they go before a table, Markdown or a message
// shortens, breaks or escapes them, because then nobody knows them any more.
func shown[T any](inv *invocation, v T) T { return redact.In(v, inv.runner.Redact) }

// linked is an outcome for what shows links: the addresses of runs on other servers than
// this run's are left out, because whoever can write the state could have people led there.
func linked(runner *actions.Runner, out view.Outcome) view.Outcome {
	run, err := runner.Context()
	out.Targets = slices.Clone(out.Targets)
	for i := range out.Targets {
		if t := &out.Targets[i]; err != nil || !strings.HasPrefix(t.RunURL, run.ServerURL+"/") {
			t.RunURL = ""
		}
	}
	return out
}

func (t teller) printText(r *result, doc document) {
	text := r.text
	if text == "" && r.moves {
		out := r.outcome
		out.Status = doc.Status
		text = report.Text(t.command, out)
	}
	if text = strings.TrimRight(t.runner.Redact(text), "\n"); text != "" {
		_, _ = fmt.Fprintln(t.stdout, actions.Neutralise(text)) // nobody is left to tell
	}
}

// summarise writes the step's summary.
func (t teller) summarise(r *result, doc document, err error) error {
	out := r.outcome
	out.Status = doc.Status
	switch {
	case r.moves, doc.Error != "":
		return t.runner.Summary(report.Summary(r.pipeline, t.command, linked(t.runner, out), t.runner.Redact(problem(doc, err))))
	case r.summary:
		return t.runner.Summary(report.Page(r.pipeline, t.command, out, t.runner.Redact(r.text)))
	default:
		return nil
	}
}

// problem is why a command did not do its work: of a pipeline file each mistake
// with its place.
func problem(doc document, err error) string {
	text := doc.Error
	var wrong *pipelineError
	if errors.As(err, &wrong) {
		for _, p := range wrong.problems {
			text += "\n" + p.String()
		}
	}
	return text
}

// announceWaits annotates the run with what each target waits for, until when,
// and what continues it.
func announceWaits(runner *actions.Runner, r *result) {
	if !r.moves || !runner.Inside() {
		return
	}
	for _, t := range r.outcome.Targets {
		if text := t.NotDone(); text != "" {
			runner.Warning(text)
		}
	}
}
