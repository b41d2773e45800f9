package app

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice/internal/actions"
	"sluice/internal/executor"
	"sluice/internal/report"
	"sluice/internal/store"
	"sluice/internal/view"
	"sluice/pipeline"
	"sluice/rollout"
	"sluice/stages/all"
)

// TestEveryCredentialIsMasked: those of every platform there is, whatever the
// pipeline has, without the white space around them, and before anything else.
func TestEveryCredentialIsMasked(t *testing.T) {
	names := []string{"GITHUB_TOKEN", "ACTIONS_RUNTIME_TOKEN", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "GOOGLE_OAUTH_ACCESS_TOKEN"}
	for _, p := range all.Platforms() {
		names = append(names, p.Facts.Secrets...)
	}
	environ := []string{"GITHUB_ACTIONS=true"}
	for _, name := range names {
		environ = append(environ, name+"= value-of-"+name+"\r\n")
	}
	_, _, stderr := run(t, environ, "version")
	inv := newInvocation(Process{Stdout: io.Discard, Stderr: io.Discard, Environ: environ})
	for _, name := range names {
		if !strings.Contains(stderr, "::add-mask::value-of-"+name+"\n") {
			t.Errorf("%s is not masked", name)
		}
		if got := inv.ofDrivers().Getenv(name); got != "value-of-"+name {
			t.Errorf("drivers see %s as %q", name, got)
		}
		if got := inv.runner.Redact("x value-of-" + name); got != "x ***" {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// TestToldCredentials: what a client obtains counts from then on; what the
// sandbox hands out is none.
func TestToldCredentials(t *testing.T) {
	var stderr strings.Builder
	inv := newInvocation(Process{Stdout: io.Discard, Stderr: &stderr, Environ: []string{"GITHUB_ACTIONS=true"}})
	inv.env.Lead(map[string]string{"KEY": "sandbox-dummy"})
	inv.ofDrivers().Keep("exchanged-token")
	inv.ofDrivers().Keep("sandbox-dummy")
	if got := stderr.String(); got != "::add-mask::exchanged-token\n" {
		t.Errorf("masked %q", got)
	}
	if got := inv.runner.Redact("exchanged-token of sandbox-dummy"); got != "*** of sandbox-dummy" {
		t.Errorf("redacted to %q", got)
	}
}

// outsiders is what a platform may say, and what must never be seen of it.
const (
	outsiders = "a\x1b[2Kb\ac\u009bd\u202ee\u200bf\u2066g\x7fh wild_token_of-ours <b>i\n::error::j\n##[error]k"
	ours      = "wild_token_of-ours"
)

// TestSurfaces: text from outside has one way out, wherever it goes.
func TestSurfaces(t *testing.T) {
	waits := view.Waiting{Kind: rollout.WaitOperator, By: outsiders, Command: "sluice " + outsiders}
	outcome := view.Outcome{Status: view.Failed, Promotion: outsiders, Release: outsiders, Targets: []view.Target{{
		Target: "api", Stage: "production", Platform: "moon", Release: outsiders, PlatformRelease: outsiders, Status: rollout.PromotionFailed,
		ErrorMessage: outsiders, WaitingFor: &waits,
	}}}
	event := rollout.Event{Type: "effect.failed", Phase: "stable", Actor: outsiders, Message: outsiders}
	surfaces := map[string]func(inv *invocation){
		"progress": func(inv *invocation) { inv.console.Progress("api", outsiders) },
		"target":   func(inv *invocation) { inv.console.Progress(outsiders, "x") },
		"warning":  func(inv *invocation) { inv.console.Warn("api", outsiders) },
		"log":      func(inv *invocation) { inv.console.Log("api", outsiders, outsiders) },
		"event": func(inv *invocation) {
			inv.console.Show(executor.Notice{Target: "api", Kind: executor.NoticeEvent, Event: &event})
		},
		"error": func(inv *invocation) { inv.explain(errors.New(outsiders)) },
		"annotations": func(inv *invocation) {
			inv.runner.Annotate(actions.Annotation{Level: actions.LevelNotice, Title: outsiders, File: outsiders, Message: outsiders})
		},
		"mistakes": func(inv *invocation) {
			show(inv.runner, inv.Stderr, []pipeline.Problem{{Pos: pipeline.Pos{File: outsiders, Line: 1}, Message: outsiders}})
		},
		"outcome": func(inv *invocation) {
			inv.result = &result{outcome: outcome, moves: true}
			inv.end(t.Context(), errors.New(outsiders))
		},
		"text": func(inv *invocation) {
			inv.result = &result{outcome: outcome, text: report.Text("status", outcome) + outsiders, summary: true, extra: map[string]any{outsiders: outsiders}}
			inv.end(t.Context(), nil)
		},
	}
	for name, show := range surfaces {
		for _, mode := range []string{"GITHUB_ACTIONS=true", "SLUICE_OUTPUT=json", ""} {
			t.Run(name+" "+mode, func(t *testing.T) {
				dir := t.TempDir()
				var out strings.Builder
				inv := newInvocation(Process{Stdout: &out, Stderr: &out, Environ: []string{
					mode, "GITHUB_OUTPUT=" + filepath.Join(dir, "output"), "GITHUB_STEP_SUMMARY=" + filepath.Join(dir, "summary"), "ENTRECODE_ACCESS_TOKEN=" + ours + "\n",
				}})
				show(inv)
				inv.close()
				terminal := strings.ReplaceAll(out.String(), "::add-mask::"+ours+"\n", "")
				checkSurface(t, "the terminal", terminal)
				if inv.runner.Inside() {
					checkCommands(t, terminal)
				}
				for _, file := range []string{"output", "summary"} {
					text, err := os.ReadFile(filepath.Join(dir, file))
					if err != nil && !errors.Is(err, os.ErrNotExist) {
						t.Fatal(err)
					}
					checkSurface(t, file, string(text))
				}
			})
		}
	}
}

// checkSurface finds what of [outsiders] got through. A summary may have
// characters without a width of our own: they keep a login from being called.
func checkSurface(t *testing.T, where, text string) {
	t.Helper()
	for _, evil := range []string{"\x1b", "\a", "\u009b", "\u202e", "\u2066", "\x7f", "e\u200bf", "<b>", "wild", "token_of"} {
		if where == "the terminal" && evil == "<b>" || where == "output" && evil == "<b>" {
			continue // it means nothing there
		}
		if strings.Contains(text, evil) && !(evil == "<b>" && inCode(text)) {
			t.Errorf("%s shows %q in %q", where, evil, text)
		}
	}
}

// checkCommands finds lines that the runner would take for commands of ours. In
// a line that is one, nothing else is looked for.
func checkCommands(t *testing.T, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		command := strings.HasPrefix(strings.TrimSpace(line), "::")
		if !command && strings.Contains(line, "##[") || strings.HasPrefix(strings.TrimSpace(line), "::error::j") {
			t.Errorf("the runner obeys %q", line)
		}
	}
}

// inCode reports whether every tag of a Markdown text stands in code.
func inCode(text string) bool {
	inBlock := false
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "```") {
			inBlock = !inBlock
		}
		before, _, found := strings.Cut(line, "<b>")
		if found && !inBlock && strings.Count(before, "`")%2 == 0 {
			return false
		}
	}
	return true
}

// TestSaveDescription: git's log is a surface too.
func TestSaveDescription(t *testing.T) {
	r := rollout.Record{Schema: rollout.Schema, Pipeline: "shop", Target: "api"}
	r.AddEvent(rollout.Event{Type: "effect.failed", Message: outsiders})
	data, err := rollout.Encode(r)
	if err != nil {
		t.Fatal(err)
	}
	inv := newInvocation(Process{Stdout: io.Discard, Stderr: io.Discard, Environ: []string{"GH_TOKEN=" + ours}})
	text := inv.stores.describe(store.Entry{Data: data})
	if !strings.HasPrefix(text, "failed: a") || strings.Contains(text, "\n") {
		t.Errorf("%q", text)
	}
	checkSurface(t, "output", text)
}
