package actions

import (
	"crypto/rand"
	"io"
	"strings"
	"unicode"

	"sluice/internal/outside"
)

// Untrusted writes text that came from outside (a platform, a hook, state) to
// w, a stream of this process, so that the runner obeys nothing in it: workflow
// commands are stopped around it, by a random token, and what looks like a
// command is broken as well, because the log's own view still interprets some.
// Outside Actions only what a terminal obeys or hides is replaced.
func (r *Runner) Untrusted(w io.Writer, text string) error {
	text = r.Redact(text)
	if !r.Inside() {
		text = line(outside.Lines(text))
	} else {
		text = Neutralise(line(text))
		token := rand.Text()
		text = "::stop-commands::" + token + "\n" + text + "::" + token + "::\n"
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	_, err := io.WriteString(w, text)
	return err
}

// line ends text with a line break.
func line(text string) string {
	if text == "" || strings.HasSuffix(text, "\n") {
		return text
	}
	return text + "\n"
}

// Neutralise breaks what the runner takes for a command: "##[" anywhere in a
// line, "::" at its start (the runner trims lines first). What a terminal
// obeys or hides is replaced, as [outside.Lines] does.
func Neutralise(text string) string {
	lines := strings.Split(outside.Lines(text), "\n")
	for i, l := range lines {
		if start := strings.TrimLeftFunc(l, invisible); strings.HasPrefix(start, "::") {
			l = l[:len(l)-len(start)] + ": " + start[1:]
		}
		lines[i] = strings.ReplaceAll(l, "##[", "## [")
	}
	return strings.Join(lines, "\n")
}

// invisible characters may stand before a command without keeping the runner
// from seeing it.
func invisible(c rune) bool { return unicode.IsSpace(c) || !unicode.IsPrint(c) }
