// Package report renders what happened for people: Markdown for a step's
// summary, plain text for a terminal. What platforms and state say is
// untrusted and is escaped.
package report

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	"sluice/internal/view"
	"sluice/pipeline"
)

// Summary is the Markdown of an invocation: a headline, the pipeline as a
// diagram, a table of targets, and what is waited for or went wrong. problem is
// why the command did not do its work, "" where it did.
func Summary(p *pipeline.Pipeline, command string, out view.Outcome, problem string) string {
	var b strings.Builder
	b.WriteString(headline(p, command, out))
	if out.Release != "" {
		fmt.Fprintf(&b, "Release %s", code(out.Release))
		if out.Promotion != "" {
			fmt.Fprintf(&b, " · promotion %s", code(out.Promotion))
		}
		b.WriteString("\n\n")
	}
	b.WriteString(block(problem))
	b.WriteString(Diagram(p, out))
	table(&b, out)
	measured(&b, out)
	notes(&b, out)
	return b.String()
}

// Page is the Markdown of a command that only looked: a headline and its text.
func Page(p *pipeline.Pipeline, command string, out view.Outcome, text string) string {
	return headline(p, command, out) + block(text)
}

func headline(p *pipeline.Pipeline, command string, out view.Outcome) string {
	if command == "" {
		command = "sluice"
	}
	if p != nil {
		command = p.Name.Value + ": " + command
	}
	return fmt.Sprintf("### %s %s · %s\n\n", mark(out.Status), escape(command), escape(string(out.Status)))
}

func mark(s view.Status) string {
	switch s {
	case view.Succeeded, view.Unchanged:
		return "✅"
	case view.Pending:
		return "⏳"
	default:
		return "❌"
	}
}

// table is who runs what, and what ran there before, with links to where the platform
// shows it and to the run and the commit that it was made by.
func table(b *strings.Builder, out view.Outcome) {
	if len(out.Targets) == 0 {
		return
	}
	b.WriteString("| stage | target | platform | release | status | state | phase | made by |\n|---|---|---|---|---|---|---|---|\n")
	for _, t := range out.Targets {
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s | %s |\n", escape(t.Stage), link(escape(t.Target), t.Console), escape(t.Platform),
			changed(t), escape(statusWord(t)), escape(string(t.State)), escape(t.Phase), madeBy(t))
	}
	b.WriteString("\n")
}

// changed is the release of a target, after the one that ran before.
func changed(t view.Target) string {
	if t.Previous == "" || t.Previous == t.Release {
		return code(t.Release)
	}
	return code(t.Previous) + " → " + code(t.Release)
}

// runForm is the address of a workflow run, and commitForm a commit: what else a record
// says is no link.
var (
	runForm = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^(https?://[^/]+/[\w.-]+/[\w.-]+)/actions/runs/([0-9]+)(/attempts/[0-9]+)?$`)
	})
	commitForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9a-f]{40}([0-9a-f]{24})?$`) })
)

// madeBy links to the run and the commit that made a target's rollout; "" where no run
// of a workflow did.
func madeBy(t view.Target) string {
	run := runForm().FindStringSubmatch(t.RunURL)
	if run == nil {
		return ""
	}
	text := link("run "+run[2], t.RunURL)
	if commitForm().MatchString(t.Commit) {
		text += " of " + link(code(t.Commit[:shortCommit]), run[1]+"/commit/"+t.Commit)
	}
	return text
}

// shortCommit is how many characters of a commit people read.
const shortCommit = 8

func notes(b *strings.Builder, out view.Outcome) {
	for _, t := range out.Targets {
		if t.ErrorMessage != "" {
			fmt.Fprintf(b, "- **%s**: %s\n", escape(t.Target), escape(t.ErrorMessage))
		}
		if t.Stands != "" {
			fmt.Fprintf(b, "- **%s** now runs %s\n", escape(t.Target), code(t.Stands))
		}
		for _, way := range t.Ways {
			fmt.Fprintf(b, "- **%s** goes on with %s\n", escape(t.Target), code(way))
		}
		if t.WaitingFor != nil {
			fmt.Fprintf(b, "- **%s** %s\n", escape(t.Target), waitsMarkdown(*t.WaitingFor))
		}
	}
	if !out.Next.IsZero() {
		fmt.Fprintf(b, "\nNext: %s\n", out.Next.UTC().Format(time.RFC3339))
	}
}

// waitsMarkdown is what a target waits for, and what continues it, as Markdown.
func waitsMarkdown(w view.Waiting) string {
	text := escape(w.Words())
	var commands []string
	for _, c := range w.Continues() {
		commands = append(commands, code(c))
	}
	if w.Workflow != "" {
		commands = append(commands, code(w.Workflow))
	}
	if len(commands) > 0 {
		text += "; continue with " + strings.Join(commands, " or ")
	}
	return text
}
