package actions

import (
	"crypto/rand"
	"io"
	"strings"
	"unicode"
)

// Untrusted writes text that came from outside (a platform, a hook, state) to
// w, a stream of this process, so that the runner obeys nothing in it: workflow
// commands are stopped around it, by a random token, and what looks like a
// command is broken as well, because the log's own view still interprets some.
// Outside Actions only control characters are removed.
func (r *Runner) Untrusted(w io.Writer, text string) error {
	text = r.Redact(text)
	if !r.Inside() {
		text = line(printable(text))
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
// line, "::" at its start (the runner trims lines first). Control characters
// are removed, because a terminal obeys those.
func Neutralise(text string) string {
	lines := strings.Split(printable(text), "\n")
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

// printable drops control characters except tabs and line breaks. A carriage
// return is a line break, as terminals and the runner have it.
func printable(text string) string {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "\ufffd"), "\r\n", "\n")
	return strings.Map(func(c rune) rune {
		switch {
		case c == '\n' || c == '\t':
			return c
		case c == '\r' || c == '\u2028' || c == '\u2029' || c == '\u0085' || c == '\v' || c == '\f':
			return '\n'
		case unicode.IsControl(c):
			return -1
		}
		return c
	}, text)
}
