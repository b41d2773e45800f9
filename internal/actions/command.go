package actions

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/sethvargo/go-githubactions"

	"sluice/internal/outside"
)

// Level is the kind of an annotation.
type Level string

// The levels.
const (
	LevelError   Level = "error"
	LevelWarning Level = "warning"
	LevelNotice  Level = "notice"
)

// What GitHub shows of a step's annotations; it drops the rest silently.
const (
	MaxAnnotations = 10   // of each level
	MaxMessage     = 4096 // characters of one message
)

// Annotation is a message that GitHub shows on the run's page and, with a
// file, beside its line.
type Annotation struct {
	Level     Level
	Title     string
	File      string
	Line, Col int // from 1; 0 for none
	Message   string
}

// tally counts what was annotated. One place is held back for the last: it
// either shows the tenth annotation or says how many more there are.
type tally struct {
	shown int
	held  *Annotation
	more  int
}

// Error annotates the run with an error.
func (r *Runner) Error(message string) { r.Annotate(Annotation{Level: LevelError, Message: message}) }

// Warning annotates the run with a warning.
func (r *Runner) Warning(message string) {
	r.Annotate(Annotation{Level: LevelWarning, Message: message})
}

// Notice annotates the run with a notice.
func (r *Runner) Notice(message string) {
	r.Annotate(Annotation{Level: LevelNotice, Message: message})
}

// Annotate shows a. The first nine of each level appear at once, further ones
// as plain lines in the log; [Runner.Flush] shows the tenth or says how many
// more there are. Outside Actions all of them are plain lines. What a says may
// come from outside.
func (r *Runner) Annotate(a Annotation) {
	a.Message, a.Title, a.File = r.Show(a.Message), r.Show(a.Title), r.Show(a.File)
	if !r.Inside() {
		r.print(a.plain())
		return
	}
	if r.room(a) {
		r.annotate(a)
		return
	}
	r.print(Neutralise(a.plain()))
}

// Flush shows the annotations that were held back. Call it once, last.
func (r *Runner) Flush() {
	for _, level := range []Level{LevelError, LevelWarning, LevelNotice} {
		if last, ok := r.last(level); ok {
			r.annotate(last)
		}
	}
}

// room reports whether a may be shown now, and else holds or counts it.
func (r *Runner) room(a Annotation) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.tallies[a.Level]
	if t == nil {
		t = &tally{}
		r.tallies[a.Level] = t
	}
	if t.shown < MaxAnnotations-1 {
		t.shown++
		return true
	}
	if t.held == nil {
		t.held = &a
	} else {
		t.more++
	}
	return false
}

func (r *Runner) last(level Level) (Annotation, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.tallies[level]
	if t == nil || t.held == nil {
		return Annotation{}, false
	}
	last := *t.held
	if t.more > 0 {
		last = Annotation{Level: level, Message: fmt.Sprintf("%d more of this kind: see the log", t.more+1)}
	}
	t.held, t.more = nil, 0
	return last, true
}

func (r *Runner) annotate(a Annotation) {
	r.command(string(a.Level), outside.Short(a.Message, MaxMessage), a.properties())
}

func (a Annotation) properties() githubactions.CommandProperties {
	p := githubactions.CommandProperties{}
	for name, value := range map[string]string{"title": a.Title, "file": a.File} {
		if value != "" {
			p[name] = value
		}
	}
	for name, n := range map[string]int{"line": a.Line, "col": a.Col} {
		if n > 0 {
			p[name] = strconv.Itoa(n)
		}
	}
	return p
}

// plain is the annotation as compilers write them.
func (a Annotation) plain() string {
	var at strings.Builder
	if a.File != "" {
		at.WriteString(a.File + ":")
		if a.Line > 0 {
			fmt.Fprintf(&at, "%d:", a.Line)
		}
		if a.Line > 0 && a.Col > 0 {
			fmt.Fprintf(&at, "%d:", a.Col)
		}
		at.WriteByte(' ')
	}
	text := at.String() + string(a.Level) + ": "
	if a.Title != "" {
		text += a.Title + ": "
	}
	return text + a.Message + "\n"
}

// Mask keeps the values, without the white space around them, out of the log and
// out of what [Runner.Redact] returns. Call it before a value is first used. The
// runner masks line by line, so every line is masked on its own. Values shorter
// than [redact.MinLength] are no credentials.
func (r *Runner) Mask(values ...string) {
	for _, line := range r.secrets.Add(values...) {
		if r.Inside() {
			r.command("add-mask", line, nil)
		}
	}
}

// Redact replaces masked values in text by ***, however they are encoded there:
// for what leaves the process by another way than the log.
func (r *Runner) Redact(text string) string { return r.secrets.Text(text) }

// Show is text from outside as people may see it: without what is masked, and
// without what a terminal obeys or hides. It may have several lines.
func (r *Runner) Show(text string) string { return outside.Lines(r.Redact(text)) }

// Group opens a foldable group in the log. Groups do not nest.
func (r *Runner) Group(title string) {
	if r.Inside() {
		r.command("group", r.Show(title), nil)
	}
}

// EndGroup closes the group.
func (r *Runner) EndGroup() {
	if r.Inside() {
		r.command("endgroup", "", nil)
	}
}
