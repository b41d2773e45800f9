// Package report renders what happened for people: Markdown for a step's
// summary, plain text for a terminal. What platforms and state say is
// untrusted and is escaped.
package report

import (
	"fmt"
	"strings"
	"time"

	"sluice/pipeline"
	"sluice/rollout"
)

// Summary is the Markdown of an invocation: a headline, the pipeline as a
// diagram, a table of targets, and what is waited for or went wrong. problem is
// why the command did not do its work, "" where it did.
func Summary(p *pipeline.Pipeline, command string, out rollout.Outcome, problem string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "### %s %s · %s\n\n", mark(out.Status), escape(headline(p, command)), out.Status)
	if out.Release != "" {
		fmt.Fprintf(&b, "Release %s", code(out.Release))
		if out.Promotion != "" {
			fmt.Fprintf(&b, " · promotion %s", code(out.Promotion))
		}
		b.WriteString("\n\n")
	}
	if problem != "" {
		for line := range strings.Lines(problem) {
			fmt.Fprintf(&b, "> %s\n", escape(line))
		}
		b.WriteString("\n")
	}
	b.WriteString(Diagram(p, out))
	table(&b, out)
	notes(&b, out)
	return b.String()
}

func headline(p *pipeline.Pipeline, command string) string {
	if p == nil {
		return command
	}
	return p.Name.Value + ": " + command
}

func mark(s rollout.Status) string {
	switch s {
	case rollout.StatusSucceeded, rollout.StatusUnchanged:
		return "✅"
	case rollout.StatusPending:
		return "⏳"
	default:
		return "❌"
	}
}

func table(b *strings.Builder, out rollout.Outcome) {
	if len(out.Targets) == 0 {
		return
	}
	b.WriteString("| stage | target | platform | release | status | state | phase |\n|---|---|---|---|---|---|---|\n")
	for _, t := range out.Targets {
		status := string(t.Status)
		if t.Unchanged {
			status = "unchanged"
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s |\n", escape(t.Stage), escape(t.Target), escape(t.Platform),
			code(t.Release), status, escape(string(t.State)), escape(t.Phase))
	}
	b.WriteString("\n")
}

func notes(b *strings.Builder, out rollout.Outcome) {
	for _, t := range out.Targets {
		if t.ErrorMessage != "" {
			fmt.Fprintf(b, "- **%s**: %s\n", escape(t.Target), escape(t.ErrorMessage))
		}
		if t.WaitingFor != nil {
			fmt.Fprintf(b, "- **%s** %s\n", escape(t.Target), escape(Waits(*t.WaitingFor)))
		}
	}
	if !out.Next.IsZero() {
		fmt.Fprintf(b, "\nNext: %s\n", out.Next.UTC().Format(time.RFC3339))
	}
}

// Waits says in words what a target waits for, until when, and what continues it.
func Waits(w rollout.Waiting) string {
	text := waitWords(w)
	if !w.Until.IsZero() {
		text += " until " + w.Until.UTC().Format(time.RFC3339)
	}
	if w.Command != "" {
		text += "; continue with `" + w.Command + "`"
	}
	return text
}

func waitWords(w rollout.Waiting) string {
	switch w.Kind {
	case rollout.WaitApproval:
		if w.By == "" {
			return "waits for approval"
		}
		return "waits for approval by " + w.By
	case rollout.WaitBake:
		return "bakes"
	case rollout.WaitPolicy:
		return "is held back by policy " + w.By
	case rollout.WaitLock:
		return "is held by " + w.By
	case rollout.WaitQueue:
		return "is queued behind " + w.By
	case rollout.WaitOperation:
		return "waits for the platform's operation"
	case rollout.WaitPerson:
		return "waits for a person to advance it"
	case rollout.WaitOperator:
		if w.By == "" {
			return "waits for a person's decision"
		}
		return "waits for a person's decision: " + w.By
	default:
		return "waits for " + string(w.Kind)
	}
}

// escape makes untrusted text plain in a Markdown line: no markup, no HTML, no
// mentions, no line breaks.
func escape(text string) string {
	var b strings.Builder
	for _, r := range strings.Join(strings.Fields(text), " ") {
		switch {
		case r < ' ' || r == 0x7f:
		case r == '<' || r == '>' || r == '&' || r == '@':
			fmt.Fprintf(&b, "&#%d;", r)
		case strings.ContainsRune("\\`*_[]|~#!", r):
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// code is untrusted text as a code span.
func code(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == '`' || r == '|' || r == 0x7f {
			return -1
		}
		return r
	}, text)
	if text == "" {
		return ""
	}
	return "`" + text + "`"
}
