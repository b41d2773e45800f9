package gitref

import (
	"fmt"
	"strings"
	"unicode"

	"sluice/internal/store"
)

// maxSubject is as long as git's own tools like the first line.
const maxSubject = 72

// message is the commit's: what was saved, one line per record where there are
// several, and which run did it.
func (s *branch) message(saves []store.Save) string {
	entries := records(saves)
	lines := make([]string, len(entries))
	for i, e := range entries {
		lines[i] = s.line(e)
	}
	first := lines[0]
	if len(lines) > 1 {
		first = subject(entries)
	}
	var text strings.Builder
	text.WriteString(cut(first, maxSubject))
	if text.String() != lines[0] {
		text.WriteString("\n\n" + strings.Join(lines, "\n"))
	}
	return text.String() + s.trailer()
}

// trailer says which run it was, and whose.
func (s *branch) trailer() string {
	if s.options.Run.RunURL == "" {
		return "\n"
	}
	return fmt.Sprintf("\n\nRun: %s\nActor: %s\n", s.options.Run.RunURL, oneLine(s.options.Run.Actor))
}

// records are the targets' records among what is saved, which the log is about; all
// of it where there is none.
func records(saves []store.Save) []store.Entry {
	var targets, all []store.Entry
	for _, save := range saves {
		all = append(all, save.Entry)
		if save.Key.Kind == store.KindTarget {
			targets = append(targets, save.Entry)
		}
	}
	if len(targets) == 0 {
		return all
	}
	return targets
}

func subject(entries []store.Entry) string {
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Key.Target
	}
	return fmt.Sprintf("%s: %d targets: %s", entries[0].Key.Pipeline, len(entries), strings.Join(names, ", "))
}

func (s *branch) line(e store.Entry) string {
	if e.Data == nil {
		return fmt.Sprintf("%s: removed", e.Key)
	}
	text := fmt.Sprintf("%s: generation %d", e.Key, e.Generation)
	if s.options.Describe == nil {
		return text
	}
	if about := oneLine(s.options.Describe(e)); about != "" {
		return fmt.Sprintf("%s: %s (generation %d)", e.Key, about, e.Generation)
	}
	return text
}

// oneLine keeps what was said from writing lines of its own into the log.
func oneLine(text string) string {
	return strings.Join(strings.FieldsFunc(strings.ToValidUTF8(text, ""), func(c rune) bool {
		return unicode.IsControl(c) || unicode.IsSpace(c)
	}), " ")
}

func cut(text string, n int) string {
	if runes := []rune(text); len(runes) > n {
		return string(runes[:n-1]) + "…"
	}
	return text
}
