package app

import (
	"context"
	"errors"
	"fmt"
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
	code := inv.code(ctx, r, err)
	r.outcome = shown(inv, r.outcome)
	doc := inv.document(r, err, code)
	inv.explain(err)
	inv.notify(ctx)
	inv.publish(ctx)
	inv.export(ctx)
	if err := inv.tell(r, doc, err); err != nil {
		inv.runner.Error(err.Error())
		if code == view.ExitDone {
			code = view.ExitFailed
		}
	}
	return int(code)
}

// tell writes the result to standard output, the outputs and the summary, and
// announces what is waited for.
func (inv *invocation) tell(r *result, doc document, err error) error {
	inv.announceWaits(r)
	if r.moves && r.pipeline != nil {
		warnOfExpiry(inv.console.Warn, r.outcome, keeps(inv.flags.storeName(r.pipeline), inv.env.Get), inv.Clock.Now())
	}
	var printErr error
	switch {
	case err == nil && inv.result == nil: // help, a completion, the sandbox: they speak for themselves
	case inv.wantsJSON():
		printErr = inv.printJSON(r, doc, err)
	case inv.result != nil:
		inv.printText(r, doc)
	}
	return errors.Join(printErr, inv.setOutputs(r, doc), inv.summarise(r, doc, err))
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
func (inv *invocation) linked(out view.Outcome) view.Outcome {
	run, err := inv.runner.Context()
	out.Targets = slices.Clone(out.Targets)
	for i := range out.Targets {
		if t := &out.Targets[i]; err != nil || !strings.HasPrefix(t.RunURL, run.ServerURL+"/") {
			t.RunURL = ""
		}
	}
	return out
}

func (inv *invocation) printText(r *result, doc document) {
	text := r.text
	if text == "" && r.moves {
		out := r.outcome
		out.Status = doc.Status
		text = report.Text(inv.command, out)
	}
	if text = strings.TrimRight(inv.runner.Redact(text), "\n"); text != "" {
		_, _ = fmt.Fprintln(inv.Stdout, actions.Neutralise(text)) // nobody is left to tell
	}
}

// summarise writes the step's summary.
func (inv *invocation) summarise(r *result, doc document, err error) error {
	out := r.outcome
	out.Status = doc.Status
	switch {
	case r.moves, doc.Error != "":
		return inv.runner.Summary(report.Summary(r.pipeline, inv.command, inv.linked(out), inv.runner.Redact(problem(doc, err))))
	case r.summary:
		return inv.runner.Summary(report.Page(r.pipeline, inv.command, out, inv.runner.Redact(r.text)))
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
func (inv *invocation) announceWaits(r *result) {
	if !r.moves || !inv.runner.Inside() {
		return
	}
	for _, t := range r.outcome.Targets {
		if text := t.NotDone(); text != "" {
			inv.runner.Warning(text)
		}
	}
}
