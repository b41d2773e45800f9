package actions_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice/internal/actions"
)

// run is a runner with an environment and what it wrote.
type run struct {
	*actions.Runner
	env map[string]string
	log *strings.Builder
}

func newRun(env map[string]string) run {
	log := &strings.Builder{}
	return run{actions.New(func(name string) string { return env[name] }, log), env, log}
}

func inside(more map[string]string) run {
	env := map[string]string{"GITHUB_ACTIONS": "true"}
	for k, v := range more {
		env[k] = v
	}
	return newRun(env)
}

func TestInput(t *testing.T) {
	r := inside(map[string]string{"INPUT_WAIT-BUDGET": " 15m \n", "INPUT_TWO_WORDS": "x", "INPUT_EMPTY": "  "})
	for name, want := range map[string]string{"wait-budget": "15m", "two words": "x", "empty": "", "unset": "", "wait_budget": ""} {
		if got := r.Input(name); got != want {
			t.Errorf("input %q is %q, want %q", name, got, want)
		}
	}
}

func TestOutsideNothingHappens(t *testing.T) {
	r := newRun(nil)
	r.Group("a group")
	r.EndGroup()
	r.Mask("a secret value")
	r.Flush()
	if err := errors.Join(r.Output("status", "succeeded"), r.Summary("# Done")); err != nil {
		t.Error(err)
	}
	if r.Inside() || r.Act() || r.log.Len() != 0 {
		t.Errorf("inside %v, act %v, wrote %q", r.Inside(), r.Act(), r.log)
	}
	r.Annotate(actions.Annotation{Level: actions.LevelError, File: "sluice.yaml", Line: 3, Col: 5, Title: "stage", Message: "no :: such %0A stage"})
	r.Warning("careful")
	if want := "sluice.yaml:3:5: error: stage: no :: such %0A stage\nwarning: careful\n"; r.log.String() != want {
		t.Errorf("wrote %q, want %q", r.log, want)
	}
}

func TestAnnotationsAreEscaped(t *testing.T) {
	r := inside(nil)
	r.Annotate(actions.Annotation{
		Level: actions.LevelWarning, File: "a,b:c.yaml", Line: 3, Col: 5,
		Title: "x\n::error::y", Message: "100%\r\n::error::injected",
	})
	want := "::warning col=5,file=a%2Cb%3Ac.yaml,line=3,title=x%0A%3A%3Aerror%3A%3Ay::100%25%0A::error::injected\n"
	if r.log.String() != want {
		t.Errorf("wrote %q, want %q", r.log, want)
	}
}

func TestAnnotationsAreCapped(t *testing.T) {
	for n, last := range map[int]string{9: "::error::9", 10: "::error::10", 11: "::error::2 more of this kind: see the log", 40: "::error::31 more of this kind: see the log"} {
		r := inside(nil)
		for i := range n {
			r.Error(fmt.Sprint(i + 1))
		}
		r.Notice("another level")
		r.Flush()
		r.Flush()
		var shown []string
		for line := range strings.Lines(r.log.String()) {
			if strings.HasPrefix(line, "::error") {
				shown = append(shown, strings.TrimSpace(line))
			}
		}
		if len(shown) != min(n, actions.MaxAnnotations) || shown[len(shown)-1] != last {
			t.Errorf("%d errors: %d shown, last %q, want %q", n, len(shown), shown[len(shown)-1], last)
		}
		if n == 40 && !strings.Contains(r.log.String(), "\nerror: 40\n") {
			t.Error("the 40th error is not in the log")
		}
	}
}

func TestLongMessagesAreCut(t *testing.T) {
	r := inside(nil)
	r.Notice(strings.Repeat("ü", actions.MaxMessage+1))
	message := strings.TrimSuffix(strings.TrimPrefix(r.log.String(), "::notice::"), "\n")
	if got := len([]rune(message)); got != actions.MaxMessage || !strings.HasSuffix(message, "ü…") {
		t.Errorf("a message of %d characters ending in %q", got, message[len(message)-8:])
	}
}

func TestMasks(t *testing.T) {
	r := inside(nil)
	r.Mask("", "abc", "line-one\r\n  line-two%\nx\n", "line-one", "one-line-one-more")
	want := "::add-mask::line-one\n::add-mask::line-two%25\n::add-mask::one-line-one-more\n"
	if r.log.String() != want {
		t.Errorf("wrote %q, want %q", r.log, want)
	}
	if got := r.Redact("a line-one, one-line-one-more, line-two% b"); got != "a ***, ***, *** b" {
		t.Errorf("redacted to %q", got)
	}
	r.log.Reset()
	r.Error("token line-one is bad")
	if got := r.log.String(); got != "::error::token *** is bad\n" {
		t.Errorf("annotated %q", got)
	}
}

func TestMaskedOutside(t *testing.T) {
	r := newRun(nil)
	r.Mask("very-secret")
	r.Error("token very-secret is bad")
	if got := r.log.String(); got != "error: token *** is bad\n" {
		t.Errorf("wrote %q", got)
	}
}

func TestGroups(t *testing.T) {
	r := inside(nil)
	r.Group("hook\n::error::x")
	r.EndGroup()
	if want := "::group::hook%0A::error::x\n::endgroup::\n"; r.log.String() != want {
		t.Errorf("wrote %q, want %q", r.log, want)
	}
}

func TestSummary(t *testing.T) {
	path := filepath.Join(t.TempDir(), "summary")
	r := newRun(map[string]string{"GITHUB_STEP_SUMMARY": path})
	r.Mask("very-secret")
	if err := errors.Join(r.Summary("# One very-secret"), r.Summary("two\n")); err != nil {
		t.Fatal(err)
	}
	if got := read(t, path); got != "# One ***\ntwo\n" {
		t.Errorf("summary is %q", got)
	}
	for range 3 {
		if err := r.Summary(strings.Repeat("| ünïcode | row |\n", 30_000)); err != nil {
			t.Fatal(err)
		}
	}
	got := read(t, path)
	if len(got) > actions.MaxSummary || len(got) < actions.MaxSummary-200 {
		t.Errorf("the summary has %d bytes, want just under %d", len(got), actions.MaxSummary)
	}
	if strings.Count(got, "The summary was cut here") != 1 || !strings.Contains(got, "row |\n\n**The") {
		t.Errorf("the summary ends in %q", got[len(got)-200:])
	}
}

func TestFilesThatCannotBeWritten(t *testing.T) {
	dir := t.TempDir()
	r := newRun(map[string]string{"GITHUB_STEP_SUMMARY": dir, "GITHUB_OUTPUT": dir})
	if err := r.Output("a", "b"); err == nil || !strings.Contains(err.Error(), "GITHUB_OUTPUT") {
		t.Errorf("output: %v", err)
	}
	if err := r.Summary("x"); err == nil || !strings.Contains(err.Error(), "GITHUB_STEP_SUMMARY") {
		t.Errorf("summary: %v", err)
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestClosedLogDoesNotPanic(t *testing.T) {
	r := actions.New(func(name string) string { return map[string]string{"GITHUB_ACTIONS": "true"}[name] }, broken{})
	r.Error("x")
	r.Mask("secret")
	if err := r.Untrusted(broken{}, "x"); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("error %v", err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
