package actions

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"
)

const (
	// MaxOutput is the most bytes of one output. GitHub drops more than 1 MiB
	// of outputs a job, counted with two bytes a character.
	MaxOutput = 512 << 10
	// MaxSummary is the most bytes of a step's summary. GitHub drops a summary
	// of more than 1 MiB whole.
	MaxSummary = 900 << 10
)

var outputName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`) })

// TakesOutputs reports whether anything becomes of outputs here.
func (r *Runner) TakesOutputs() bool { return r.getenv("GITHUB_OUTPUT") != "" }

// Output sets an output of the step, wherever GITHUB_OUTPUT is set; elsewhere
// it does nothing. The value is written as it is but for what is masked.
func (r *Runner) Output(name, value string) error {
	path := r.getenv("GITHUB_OUTPUT")
	if path == "" {
		return nil
	}
	text, err := encodeOutput(name, r.Redact(value), rand.Text)
	if err != nil {
		return err
	}
	return appendLines(path, text, "GITHUB_OUTPUT")
}

// encodeOutput writes name and value as the runner reads them. The delimiter
// is random and, however unlikely, drawn again where the value contains it.
func encodeOutput(name, value string, random func() string) (string, error) {
	if !outputName().MatchString(name) {
		return "", fmt.Errorf("output name %q: letters, digits, _ and -, not starting with a digit or -", name)
	}
	if len(value) > MaxOutput {
		return "", fmt.Errorf("output %s has %d bytes, GitHub keeps at most %d", name, len(value), MaxOutput)
	}
	value = strings.ToValidUTF8(value, "\ufffd")
	delimiter := "ghadelimiter_" + random()
	for strings.Contains(value, delimiter) {
		delimiter = "ghadelimiter_" + random()
	}
	return name + "<<" + delimiter + "\n" + value + "\n" + delimiter + "\n", nil
}

// Summary appends Markdown to the step's summary, wherever
// GITHUB_STEP_SUMMARY is set. What came from outside was escaped, and redacted
// before that, by whoever made the Markdown. What is more than [MaxSummary] with what the
// step wrote before is cut, and the summary says so.
func (r *Runner) Summary(markdown string) error {
	path := r.getenv("GITHUB_STEP_SUMMARY")
	if path == "" {
		return nil
	}
	info, err := os.Stat(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("GITHUB_STEP_SUMMARY: %w", err)
	}
	room := MaxSummary - 1 // appendLines may add a line break
	if err == nil {
		room -= int(min(info.Size(), MaxSummary))
	}
	text := fit(line(r.Redact(markdown)), room)
	if text == "" {
		return nil
	}
	return appendLines(path, text, "GITHUB_STEP_SUMMARY")
}

// fit cuts text at the end of a line, so that it has at most room bytes with
// the sentence that says so.
func fit(text string, room int) string {
	const note = "\n\n**The summary was cut here: GitHub keeps at most 1 MiB a step.**\n"
	if len(text) <= room {
		return text
	}
	room -= len(note)
	if room < 0 {
		return ""
	}
	for room > 0 && !utf8.RuneStart(text[room]) {
		room--
	}
	text = text[:room]
	if end := strings.LastIndexByte(text, '\n'); end > 0 {
		text = text[:end]
	}
	return text + note
}

// appendLines adds whole lines to a file of the runner. Where somebody left
// the last line open, it is ended first.
func appendLines(path, text, variable string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return fmt.Errorf("%s: %w", variable, err)
	}
	open, err := openLine(f)
	if open {
		text = "\n" + text
	}
	if err == nil {
		_, err = f.WriteString(text)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("%s: %w", variable, err)
	}
	return nil
}

func openLine(f *os.File) (bool, error) {
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil || size == 0 {
		return false, err
	}
	last := make([]byte, 1)
	if _, err := f.ReadAt(last, size-1); err != nil {
		return false, err
	}
	return last[0] != '\n', nil
}
