// Package console is what people are told while it happens, on standard error: lines,
// or a table in place on a terminal.
package console

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"sluice/internal/actions"
	"sluice/internal/executor"
	"sluice/internal/outside"
	"sluice/internal/view"
	"sluice/pipeline"
)

// Console shows people what happens while it happens, on standard error.
type Console struct {
	stream  *Stream
	runner  *actions.Runner
	now     func() time.Time
	told    map[string]string // by target: what went wrong, as it was told last
	waits   map[string]waited // by target: what it waits for
	last    time.Time         // when something was told
	width   int               // of the longest target's name: what follows is aligned
	each    bool              // every line is told, however many targets there are
	fleet   view.Fleet
	picture *Picture // the targets' table; nil where lines are told

	mu sync.Mutex
}

// New returns a console that writes to a stream. Warnings and groups go the runner's way.
func New(stream *Stream, runner *actions.Runner, now func() time.Time) *Console {
	return &Console{stream: stream, runner: runner, now: now, told: map[string]string{}, waits: map[string]waited{}}
}

// widest is the most room that targets' names get.
const widest = 24

// Begin prepares for the targets of a pipeline: a line for everything that happens,
// however many they are, where each is set; a picture in the place of lines where there
// is one.
func (c *Console) Begin(p *pipeline.Pipeline, each bool, picture *Picture) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.each, c.picture = each, picture
	for t := range p.All() {
		c.width = min(max(c.width, len(t.Name.Value)), widest)
	}
}

// line writes one line of untrusted text.
func (c *Console) line(target, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = c.now()
	text = c.Plain(text)
	if target != "" {
		text = fmt.Sprintf("%-*s  %s", c.width, c.Plain(target), text)
	}
	_, _ = fmt.Fprintf(c.stream, "%s  %s\n", c.now().UTC().Format("15:04:05"), text) // nobody is left to tell
}

// Plain is text from outside in one line that neither the runner nor a terminal
// obeys.
func (c *Console) Plain(text string) string {
	return outside.Line(actions.Neutralise(c.runner.Redact(text)))
}

// Progress shows what is being done.
func (c *Console) Progress(target, text string) { c.line(target, text) }

// Warn annotates the run.
func (c *Console) Warn(target, text string) {
	if target != "" {
		text = target + ": " + text
	}
	c.runner.Warning(text)
}

// Log shows the output of a platform's own step, or of a check, in a group.
func (c *Console) Log(target, title, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.runner.Group(strings.TrimSpace(target + " " + title))
	_ = c.runner.Untrusted(c.stream, strings.TrimRight(text, "\n")+"\n") // nobody is left to tell
	c.runner.EndGroup()
}

// once is a notice without what its target was told already: one error of a
// platform is an effect's, its job's, and the reason of a block.
func (c *Console) once(n executor.Notice) executor.Notice {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n.Err != nil {
		c.told[n.Target] = n.Err.Error()
	}
	if n.Event == nil || n.Event.Message == "" {
		return n
	}
	if c.told[n.Target] == n.Event.Message {
		event := *n.Event
		event.Message = ""
		n.Event = &event
	} else if n.Event.Type == "effect.failed" {
		c.told[n.Target] = n.Event.Message
	}
	return n
}

// Show shows what the engine tells. Of many targets it tells counts, and what goes
// wrong by name.
func (c *Console) Show(n executor.Notice) {
	if c.picture != nil {
		c.pictures(n)
		return
	}
	if n.Kind == executor.NoticeRows {
		c.work(n.Count)
		return
	}
	line, shown := view.Notice(c.once(n))
	c.wait(n, line.Text)
	if shown && !c.counted(n) {
		c.show(line)
	}
	c.count(false)
}

// work says how many targets are worked on.
func (c *Console) work(targets int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.each {
		targets = 0
	}
	c.fleet.Of(targets)
}

func (c *Console) counted(n executor.Notice) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.fleet.Counts(n)
}

// count tells how many targets are how far, where that is due.
func (c *Console) count(last bool) {
	c.mu.Lock()
	text := c.fleet.Line(c.now(), last)
	c.mu.Unlock()
	if text != "" {
		c.line("", text)
	}
}

func (c *Console) show(line view.Line) {
	switch line.How {
	case view.Warning:
		c.Warn(line.Target, line.Text)
	case view.Log:
		c.Log(line.Target, line.Title, line.Text)
	default:
		c.line(line.Target, line.Text)
	}
}
