package main_test

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"sluice/internal/app"
)

// TestActionInputs: every flag is an input of the same name, and nothing else is.
func TestActionInputs(t *testing.T) {
	inputs := declared(t, "inputs")
	flags := flagsOf(t)
	for _, only := range []string{"help", "listen", "version"} { // for people at a terminal
		delete(flags, only)
	}
	for name := range flags {
		if !inputs[name] {
			t.Errorf("action.yml: no input for --%s", name)
		}
	}
	delete(inputs, "command") // the command line's first word
	delete(inputs, "token")   // GITHUB_TOKEN, which no flag may carry
	for name := range inputs {
		if !flags[name] {
			t.Errorf("action.yml: input %s is no flag of any command", name)
		}
	}
}

// TestActionOutputs: what docs/design.md promises in section 5.
func TestActionOutputs(t *testing.T) {
	want := []string{"generation", "matrix", "next", "promotion", "release", "state", "status", "targets"}
	outputs := declared(t, "outputs")
	for _, name := range want {
		if !outputs[name] {
			t.Errorf("action.yml: no output %s", name)
		}
	}
	if len(outputs) != len(want) {
		t.Errorf("action.yml: outputs %v, want %v", outputs, want)
	}
}

// declared are the keys of one mapping of action.yml.
func declared(t *testing.T, section string) map[string]bool {
	t.Helper()
	text, err := os.ReadFile("action.yml")
	if err != nil {
		t.Fatal(err)
	}
	var action map[string]yaml.Node
	if err := yaml.Unmarshal(text, &action); err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for key := range slices.Chunk(action[section].Content, 2) {
		names[key[0].Value] = true
	}
	return names
}

// flagsOf are the flags of all commands, as the shell completion lists them.
func flagsOf(t *testing.T) map[string]bool {
	t.Helper()
	flags := map[string]bool{}
	var visit func(command []string)
	visit = func(command []string) {
		for _, flag := range complete(t, append(command, "--")...) {
			flags[strings.TrimPrefix(flag, "--")] = true
		}
		for _, sub := range complete(t, append(command, "")...) {
			if sub != "help" && sub != "completion" && !slices.Contains(command, sub) {
				visit(append(slices.Clone(command), sub))
			}
		}
	}
	visit(nil)
	if len(flags) < 20 {
		t.Fatalf("the completion lists only %v: this test checks nothing", flags)
	}
	return flags
}

// complete asks the program what could stand at the last word.
func complete(t *testing.T, words ...string) []string {
	t.Helper()
	var out, complaints bytes.Buffer
	code := app.Main(t.Context(), app.Process{Args: append([]string{"__complete"}, words...), Stdout: &out, Stderr: &complaints})
	if code != 0 {
		t.Fatalf("__complete %v: exit code %d\n%s", words, code, complaints.String())
	}
	var found []string
	for line := range strings.Lines(out.String()) {
		word, _, _ := strings.Cut(strings.TrimSpace(line), "\t")
		if word != "" && !strings.HasPrefix(word, ":") && !strings.Contains(word, " ") {
			found = append(found, word)
		}
	}
	return found
}
