package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"sluice/internal/actions"
	"sluice/internal/engine"
	"sluice/internal/report"
	"sluice/internal/store"
	"sluice/pipeline"
	"sluice/rollout"
)

// The exit codes. Where several fit, the first of exitPrecedence counts.
const (
	exitDone        = 0   // done, unchanged, or pending
	exitFailed      = 1   // a target failed after an effect
	exitUsage       = 2   // the command line or the pipeline file is wrong
	exitPending     = 3   // pending, with --fail-on-pending
	exitRefused     = 4   // refused before any effect, or asking
	exitConflict    = 5   // another run holds or changed it
	exitState       = 6   // state unreadable or unwritable
	exitInterrupted = 130 // interrupted, state saved
)

// result is what a command reports.
type result struct {
	pipeline *pipeline.Pipeline
	outcome  rollout.Outcome
	moves    bool           // the command is about rollouts: outputs, a table, a summary
	text     string         // for a person, instead of the table
	extra    map[string]any // for the document, beside the outputs' names
	matrix   string
}

// savedState is where state went, as the output `state` has it.
type savedState struct {
	Location string `json:"location"`
	Digest   string `json:"digest"`
}

// document is what --output json prints, and what the outputs hold.
type document struct {
	Status     rollout.Status          `json:"status"`
	Promotion  string                  `json:"promotion"`
	Release    string                  `json:"release"`
	Targets    []rollout.TargetOutcome `json:"targets"`
	Next       string                  `json:"next"`
	Matrix     json.RawMessage         `json:"matrix,omitempty"`
	Generation int64                   `json:"generation"`
	State      []savedState            `json:"state"`
	Error      string                  `json:"error,omitempty"`
	ExitCode   int                     `json:"exitCode"`
}

// end reports a command's result or error everywhere it is wanted, and returns
// the exit code.
func (inv *invocation) end(ctx context.Context, err error) int {
	r := inv.result
	if r == nil {
		r = &result{}
	}
	code := inv.code(ctx, r, err)
	doc := inv.document(r, err, code)
	inv.explain(err)
	if inv.flags.output == "json" && (err != nil || inv.result != nil) {
		inv.printJSON(r, doc)
	} else if inv.result != nil {
		inv.printText(r, doc)
	}
	if err := inv.publish(r, doc); err != nil {
		inv.runner.Error(err.Error())
		if code == exitDone {
			code = exitFailed
		}
	}
	return code
}

// code finds the exit code: interrupted before state, conflict, failure,
// refusal, usage, pending, done.
func (inv *invocation) code(ctx context.Context, r *result, err error) int {
	var held *engine.HeldError
	var usage *usageError
	var mistakes *pipelineError
	var refused *engine.RefusedError
	switch {
	case ctx.Err() != nil && r.moves && !store.IsUnreadable(err):
		return exitInterrupted
	case store.IsUnreadable(err):
		return exitState
	case store.IsConflict(err), errors.As(err, &held):
		return exitConflict
	case errors.As(err, &refused):
		return exitRefused
	case errors.As(err, &usage), errors.As(err, &mistakes):
		return exitUsage
	case err != nil:
		return exitRefused
	}
	return inv.outcomeCode(r.outcome)
}

func (inv *invocation) outcomeCode(out rollout.Outcome) int {
	switch {
	case out.Status == rollout.StatusFailed:
		return exitFailed
	case out.Status == rollout.StatusRefused, asks(out):
		return exitRefused
	case out.Status == rollout.StatusPending && inv.flags.failOnPending:
		return exitPending
	default:
		return exitDone
	}
}

// asks reports whether a target stopped and waits for an operator's decision.
func asks(out rollout.Outcome) bool {
	for _, t := range out.Targets {
		if t.WaitingFor != nil && t.WaitingFor.Kind == rollout.WaitOperator {
			return true
		}
	}
	return false
}

// status is the outcome's status, unless an error says more.
func status(out rollout.Outcome, code int, err error) rollout.Status {
	switch code {
	case exitInterrupted:
		return rollout.StatusInterrupted
	case exitState:
		return rollout.StatusError
	case exitConflict:
		return rollout.StatusConflict
	}
	var usage *usageError
	var mistakes *pipelineError
	switch {
	case errors.As(err, &usage), errors.As(err, &mistakes):
		return rollout.StatusError
	case err != nil:
		return rollout.StatusRefused
	case out.Status == "":
		return rollout.StatusSucceeded
	default:
		return out.Status
	}
}

func (inv *invocation) document(r *result, err error, code int) document {
	doc := document{
		Status: status(r.outcome, code, err), Promotion: r.outcome.Promotion, Release: r.outcome.Release,
		Targets: r.outcome.Targets, ExitCode: code, State: []savedState{},
	}
	if doc.Targets == nil {
		doc.Targets = []rollout.TargetOutcome{}
	}
	if !r.outcome.Next.IsZero() {
		doc.Next = r.outcome.Next.UTC().Format(time.RFC3339)
	}
	if r.matrix != "" {
		doc.Matrix = json.RawMessage(r.matrix)
	}
	for _, t := range doc.Targets {
		doc.Generation = max(doc.Generation, t.Generation)
	}
	for _, s := range inv.stores {
		for _, w := range s.Where() {
			doc.State = append(doc.State, savedState{Location: w.Location, Digest: w.Digest})
		}
	}
	if err != nil {
		doc.Error = inv.runner.Redact(err.Error())
	}
	return doc
}

// explain shows an error to people, and annotates the run with it.
func (inv *invocation) explain(err error) {
	var mistakes *pipelineError
	switch {
	case err == nil:
		return
	case errors.As(err, &mistakes):
		inv.runner.Error(err.Error())
	default:
		inv.runner.Error(inv.runner.Redact(err.Error()))
	}
}

func (inv *invocation) printJSON(r *result, doc document) {
	whole := map[string]any{}
	for name, value := range r.extra {
		whole[name] = value
	}
	fields, err := json.Marshal(doc)
	if err == nil {
		err = json.Unmarshal(fields, &whole)
	}
	for name, value := range r.extra {
		whole[name] = value // a command's own fields are richer than the document's
	}
	var text []byte
	if err == nil {
		text, err = json.MarshalIndent(whole, "", "  ")
	}
	if err != nil {
		inv.runner.Error(err.Error())
		return
	}
	// The runner obeys "##[" anywhere in a line; JSON can say it another way.
	_, _ = fmt.Fprintln(inv.Stdout, strings.ReplaceAll(inv.runner.Redact(string(text)), "##[", `#\u0023[`)) // nobody is left to tell
}

func (inv *invocation) printText(r *result, doc document) {
	text := r.text
	if text == "" && r.moves {
		out := r.outcome
		out.Status = doc.Status
		text = report.Text(inv.command, out)
	}
	if text != "" {
		_, _ = fmt.Fprintln(inv.Stdout, actions.Neutralise(strings.TrimRight(text, "\n"))) // nobody is left to tell
	}
}

// publish writes the step's outputs and summary, and announces what is waited for.
func (inv *invocation) publish(r *result, doc document) error {
	inv.announceWaits(r)
	targets, err := json.Marshal(doc.Targets)
	if err != nil {
		return err
	}
	state, err := json.Marshal(doc.State)
	if err != nil {
		return err
	}
	outputs := [][2]string{
		{"status", string(doc.Status)}, {"promotion", doc.Promotion}, {"release", doc.Release}, {"targets", string(targets)},
		{"next", doc.Next}, {"matrix", r.matrix}, {"generation", strconv.FormatInt(doc.Generation, 10)}, {"state", string(state)},
	}
	for _, o := range outputs {
		if err := inv.runner.Output(o[0], inv.runner.Redact(o[1])); err != nil {
			return err
		}
	}
	if !r.moves && doc.Error == "" {
		return nil
	}
	out := r.outcome
	out.Status = doc.Status
	return inv.runner.Summary(inv.runner.Redact(report.Summary(r.pipeline, inv.command, out, doc.Error)))
}

// announceWaits annotates the run with what each target waits for, until when,
// and what continues it.
func (inv *invocation) announceWaits(r *result) {
	if !r.moves || !inv.runner.Inside() {
		return
	}
	for _, t := range r.outcome.Targets {
		if t.WaitingFor != nil {
			inv.runner.Notice(t.Stage + "/" + t.Target + " " + report.Waits(*t.WaitingFor))
		}
	}
}
