package app

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"

	"sluice/internal/view"

	"github.com/spf13/cobra"
)

// bound runs a command line without doing anything and returns its flags.
func bound(t *testing.T, environ []string, args ...string) (flags, error) {
	t.Helper()
	inv := newInvocation(Process{Args: args, Stdout: io.Discard, Stderr: io.Discard, Environ: environ})
	root := inv.root()
	idle(root)
	root.SetArgs(inv.args())
	root.SetOut(io.Discard)
	err := root.ExecuteContext(t.Context())
	return inv.flags, err
}

// idle takes the work out of every command.
func idle(cmd *cobra.Command) {
	if cmd.RunE != nil {
		cmd.RunE = func(*cobra.Command, []string) error { return nil }
	}
	for _, sub := range cmd.Commands() {
		idle(sub)
	}
}

// TestPrecedence: a flag beats an input beats the environment; an empty input
// is unset.
func TestPrecedence(t *testing.T) {
	tests := map[string]struct {
		environ []string
		args    []string
		want    string
	}{
		"flag":            {[]string{"INPUT_TO=input", "SLUICE_TO=env"}, []string{"promote", "--to", "flag"}, "flag"},
		"input":           {[]string{"INPUT_TO=input", "SLUICE_TO=env"}, []string{"promote"}, "input"},
		"environment":     {[]string{"SLUICE_TO=env"}, []string{"promote"}, "env"},
		"empty input":     {[]string{"INPUT_TO= ", "SLUICE_TO=env"}, []string{"promote"}, "env"},
		"none":            {nil, []string{"promote"}, ""},
		"command's input": {[]string{"INPUT_COMMAND=promote", "INPUT_TO=input"}, nil, "input"},
		"two words":       {[]string{"INPUT_COMMAND=plan", "INPUT_TO=git"}, nil, "git"},
		"last one counts": {[]string{"SLUICE_TO=one", "SLUICE_TO=two"}, []string{"promote"}, "two"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f, err := bound(t, test.environ, test.args...)
			if err != nil || f.to != test.want {
				t.Errorf("--to is %q (%v), want %q", f.to, err, test.want)
			}
		})
	}
}

func TestLists(t *testing.T) {
	tests := map[string]struct {
		environ []string
		args    []string
	}{
		"commas":      {nil, []string{"--target", "a, b,,c"}},
		"lines":       {nil, []string{"--target", "a\r\nb\n\n c \n"}},
		"repeated":    {nil, []string{"--target", "a", "--target", "b,c"}},
		"input":       {[]string{"INPUT_TARGET=a\nb, c"}, nil},
		"environment": {[]string{"SLUICE_TARGET=a,b,c"}, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f, err := bound(t, test.environ, append([]string{"status"}, test.args...)...)
			if err != nil || !slices.Equal(f.targets, []string{"a", "b", "c"}) {
				t.Errorf("%q (%v)", f.targets, err)
			}
		})
	}
}

// TestEveryFlagIsAnInput: whatever flag a command has can be set by an input
// and by the environment.
func TestEveryFlagIsAnInput(t *testing.T) {
	environ := []string{
		"INPUT_FAIL-ON-PENDING=true", "SLUICE_INLINE_WAIT=3s", "INPUT_WAIT-BUDGET=4m", "SLUICE_CONCURRENCY=2", "INPUT_OUTPUT=json", "SLUICE_DEBUG=1",
		"INPUT_SANDBOX=True", "SLUICE_SANDBOX_FAULT=api:weight:cut", "INPUT_SKIP-STAGES=true", "SLUICE_REASON=why", "INPUT_OVERRIDE-POLICY=freeze",
		"SLUICE_LABEL=team=web\nkind=api", "INPUT_ANNOTATION=note=it", "SLUICE_ALLOW_OLDER=true", "INPUT_ACCEPT-DRIFT=true", "INPUT_DESCRIPTION=what",
	}
	f, err := bound(t, environ, "promote")
	if err != nil {
		t.Fatal(err)
	}
	if !f.failOnPending || f.inlineWait.Seconds() != 3 || f.waitBudget.Minutes() != 4 || f.concurrency != 2 || f.output != "json" || !f.debug || !f.sandbox ||
		!slices.Equal(f.sandboxFaults, []string{"api:weight:cut"}) || !f.skipStages || f.reason != "why" || !slices.Equal(f.overridePolicy, []string{"freeze"}) ||
		!slices.Equal(f.labels, []string{"team=web", "kind=api"}) || !slices.Equal(f.annotations, []string{"note=it"}) || !f.allowOlder || !f.acceptDrift || f.description != "what" {
		t.Errorf("%+v", f)
	}
}

// TestWrongValues: what no flag may be is a usage error that says what was
// given, and where.
func TestWrongValues(t *testing.T) {
	tests := map[string]struct {
		environ []string
		args    []string
		want    string
	}{
		"environment":      {[]string{"SLUICE_WAIT_BUDGET=soon"}, []string{"status"}, `SLUICE_WAIT_BUDGET: "soon" is not valid`},
		"input":            {[]string{"INPUT_CONCURRENCY=many"}, []string{"status"}, `input concurrency: "many" is not valid`},
		"flag":             {nil, []string{"status", "--wait-budget", "soon"}, "--wait-budget"},
		"unknown flag":     {nil, []string{"status", "--nope"}, "`sluice status --help` lists the flags"},
		"unknown command":  {nil, []string{"stats"}, `unknown command "stats"`},
		"unknown word":     {nil, []string{"version", "api"}, `unknown command "api" for "sluice version"`},
		"unknown word too": {nil, []string{"state", "shew"}, `unknown command "shew" for "sluice state"`},
		"output":           {nil, []string{"status", "--output", "xml"}, "text or json"},
		"concurrency":      {nil, []string{"status", "--concurrency", "0"}, "1 or more"},
		"negative":         {nil, []string{"status", "--inline-wait", "-1s"}, "cannot be negative"},
		"no reason":        {nil, []string{"promote", "--override-policy", "freeze"}, "--reason"},
		"label":            {nil, []string{"promote", "--label", "team"}, `--label "team": write key=value`},
		"label's key":      {nil, []string{"promote", "--label", "Team=web"}, "--label Team=web"},
		"annotation":       {nil, []string{"promote", "--annotation", "=x"}, "write key=value"},
		"description":      {nil, []string{"promote", "--description", strings.Repeat("ü", 256)}, "256 characters; at most 255"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := bound(t, test.environ, test.args...)
			if err == nil || !strings.Contains(err.Error(), test.want) || errorCode(err) != view.ExitUsage {
				t.Errorf("got %v (exit %d), want %q", err, errorCode(err), test.want)
			}
		})
	}
}

// run runs a command line whole.
func run(t *testing.T, environ []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, log bytes.Buffer
	code = Main(t.Context(), Process{Args: args, Stdout: &out, Stderr: &log, Environ: environ})
	return code, out.String(), log.String()
}

// TestOneDocument: with json there is one document, whatever is wrong, and
// wherever it was asked for.
func TestOneDocument(t *testing.T) {
	t.Chdir(t.TempDir())
	tests := map[string]struct {
		environ []string
		args    []string
	}{
		"after the mistake":  {nil, []string{"promote", "--nope", "--output", "json"}},
		"before the mistake": {nil, []string{"--output=json", "promote", "--nope"}},
		"environment":        {[]string{"SLUICE_OUTPUT=json"}, []string{"promot"}},
		"input":              {[]string{"INPUT_OUTPUT=json", "INPUT_COMMAND=promot"}, nil},
		"no file":            {nil, []string{"status", "--output", "json"}},
		"nothing to do":      {[]string{"SLUICE_OUTPUT=json"}, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			code, stdout, _ := run(t, test.environ, test.args...)
			var doc struct {
				Status, Error string
				ExitCode      int
				Targets       []any
			}
			decoder := json.NewDecoder(strings.NewReader(stdout))
			if err := decoder.Decode(&doc); err != nil || decoder.More() {
				t.Fatalf("%v in %q", err, stdout)
			}
			if code != int(view.ExitUsage) || doc.ExitCode != code || doc.Status != "error" || doc.Error == "" || doc.Targets == nil {
				t.Errorf("exit %d, %+v", code, doc)
			}
		})
	}
}

// TestDocumentHasNoCommands: what the runner would obey is said another way.
func TestDocumentHasNoCommands(t *testing.T) {
	code, stdout, _ := run(t, nil, "promote", "--output", "json", "--##[add-mask]x")
	if code != int(view.ExitUsage) || strings.Contains(stdout, "##[") {
		t.Fatalf("exit %d, %s", code, stdout)
	}
	var doc map[string]any
	if err := json.Unmarshal([]byte(stdout), &doc); err != nil || !strings.Contains(doc["error"].(string), "##[add-mask]x") {
		t.Errorf("%v in %s", err, stdout)
	}
}

// TestRedacted: secrets go before JSON can write them another way.
func TestRedacted(t *testing.T) {
	inv := newInvocation(Process{Stdout: io.Discard, Stderr: io.Discard})
	inv.runner.Mask(`pa<"ss`)
	got := redacted(inv.runner.Redact, map[string]any{"a": []any{`x pa<"ss y`, 1.5, nil}, "b": map[string]any{"c": `pa<"ss`}})
	text, err := json.Marshal(got)
	if want := `{"a":["x *** y",1.5,null],"b":{"c":"***"}}`; err != nil || string(text) != want {
		t.Errorf("%s (%v), want %s", text, err, want)
	}
}
