package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"sluice/internal/outside"
	"sluice/internal/store"
	"sluice/internal/view"
)

// document is what --output json prints, and what the outputs hold.
type document struct {
	Status     view.Status     `json:"status"`
	Promotion  string          `json:"promotion"`
	Release    string          `json:"release"`
	Targets    []view.Target   `json:"targets"`
	Next       string          `json:"next"`
	Matrix     json.RawMessage `json:"matrix,omitempty"`
	Generation int64           `json:"generation"`
	State      []savedState    `json:"state"`
	Error      string          `json:"error,omitempty"`
	ExitCode   view.Exit       `json:"exitCode"`
}

// savedState is where state went, as the output `state` has it.
type savedState struct {
	Location string `json:"location"`
	Digest   string `json:"digest"`
}

// documentOf puts together what a command came to.
func documentOf(r *result, err error, code view.Exit, opened []store.Store) document {
	doc := document{
		Status: status(r.outcome, code, err), Promotion: r.outcome.Promotion, Release: r.outcome.Release,
		Targets: r.outcome.Targets, ExitCode: code, State: []savedState{},
	}
	if doc.Targets == nil {
		doc.Targets = []view.Target{}
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
	for _, s := range opened {
		for _, w := range s.Where() {
			doc.State = append(doc.State, savedState{Location: w.Location, Digest: w.Digest})
		}
	}
	if err != nil {
		doc.Error = err.Error()
	}
	return doc
}

// fieldsOf are the document's, and the command's own beside them, without
// secrets. The command's are richer where both have one.
func fieldsOf(redact func(string) string, r *result, doc document, err error) (map[string]any, error) {
	whole, docErr := clean(redact, doc)
	own, ownErr := clean(redact, r.extra)
	if err := errors.Join(docErr, ownErr); err != nil {
		return nil, err
	}
	maps.Copy(whole, own)
	var mistakes *pipelineError
	if errors.As(err, &mistakes) {
		whole["problems"] = mistakesOf(mistakes.problems)
	}
	return whole, nil
}

// clean is a value as JSON has it, without secrets.
func clean(redact func(string) string, value any) (map[string]any, error) {
	fields, err := generic(value)
	if err != nil {
		return nil, err
	}
	return redacted(redact, fields).(map[string]any), nil
}

// generic is a value as JSON has it.
func generic(value any) (map[string]any, error) {
	fields := map[string]any{}
	text, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.UseNumber() // a generation stays the number it is
	return fields, decoder.Decode(&fields)
}

// redacted takes the secrets out of every string of a JSON value, and out of the
// names of its members. It is done
// before the value is written: JSON may write a secret another way.
func redacted(redact func(string) string, value any) any {
	switch v := value.(type) {
	case string:
		return redact(v)
	case []any:
		for i := range v {
			v[i] = redacted(redact, v[i])
		}
	case map[string]any:
		clean := make(map[string]any, len(v))
		for key := range v {
			clean[redact(key)] = redacted(redact, v[key])
		}
		return clean
	}
	return value
}

// wantsJSON reports whether standard output is for one document, also where the
// command line could not be read to its end.
func (inv *invocation) wantsJSON() bool {
	if inv.bound {
		return inv.flags.output == "json"
	}
	args := inv.args()
	for i, arg := range args {
		switch arg {
		case "--output", "-o":
			return i+1 < len(args) && args[i+1] == "json"
		case "--output=json", "-o=json", "-ojson":
			return true
		}
		if strings.HasPrefix(arg, "--output=") || strings.HasPrefix(arg, "-o") {
			return false
		}
	}
	if value := inv.runner.Input("output"); value != "" {
		return value == "json"
	}
	return inv.env.Get("SLUICE_OUTPUT") == "json"
}

// printJSON prints the one document of standard output.
func (t teller) printJSON(r *result, doc document, err error) error {
	fields, err := fieldsOf(t.runner.Redact, r, doc, err)
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(fields, "", "  ")
	if err != nil {
		return err
	}
	// The runner obeys "##[" anywhere in a line; JSON can say it another way.
	_, err = fmt.Fprintln(t.stdout, strings.ReplaceAll(outside.Quote(string(text)), "##[", `#\u0023[`))
	return err
}

// setOutputs writes the step's outputs.
func (t teller) setOutputs(r *result, doc document) error {
	if !t.runner.TakesOutputs() {
		return nil
	}
	fields, err := clean(t.runner.Redact, doc)
	if err != nil {
		return err
	}
	targets, targetsErr := json.Marshal(fields["targets"])
	state, stateErr := json.Marshal(fields["state"])
	if err := errors.Join(targetsErr, stateErr); err != nil {
		return err
	}
	outputs := [][2]string{
		{"status", string(doc.Status)},
		{"promotion", outside.Line(doc.Promotion)},
		{"release", outside.Line(doc.Release)},
		{"targets", outside.Quote(string(targets))},
		{"next", doc.Next},
		{"matrix", outside.Quote(r.matrix)},
		{"generation", strconv.FormatInt(doc.Generation, 10)},
		{"state", outside.Quote(string(state))},
	}
	for _, o := range outputs {
		if err := t.runner.Output(o[0], o[1]); err != nil {
			return err
		}
	}
	return nil
}
