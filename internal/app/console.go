package app

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"sluice/internal/actions"
	"sluice/rollout"
)

// console shows people what happens while it happens, on standard error. It is
// the engine's observer.
type console struct {
	stdout, stderr io.Writer
	runner         *actions.Runner
	now            func() time.Time
	quiet          bool

	mu sync.Mutex
}

func newConsole(stdout, stderr io.Writer, runner *actions.Runner, now func() time.Time) *console {
	return &console{stdout: stdout, stderr: stderr, runner: runner, now: now}
}

// line writes one line of untrusted text.
func (c *console) line(target, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if target != "" {
		target += " "
	}
	text = actions.Neutralise(strings.Join(strings.Fields(target+text), " "))
	_, _ = fmt.Fprintf(c.stderr, "%s  %s\n", c.now().UTC().Format("15:04:05"), text) // nobody is left to tell
}

// Progress shows what is being done.
func (c *console) Progress(target, text string) { c.line(target, text) }

// Warn annotates the run.
func (c *console) Warn(target, text string) {
	if target != "" {
		text = target + ": " + text
	}
	c.runner.Warning(text)
}

// Log shows the output of a platform's own step, or of a check, in a group.
func (c *console) Log(target, title, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.runner.Group(strings.TrimSpace(target + " " + title))
	_ = c.runner.Untrusted(c.stderr, strings.TrimRight(text, "\n")+"\n") // nobody is left to tell
	c.runner.EndGroup()
}

// Event shows one line of a target's history once it is saved.
func (c *console) Event(target string, e rollout.Event) {
	if text := eventText(e); text != "" {
		c.line(target, text)
	}
}

// eventText is an event in words; "" for those that only the history needs.
func eventText(e rollout.Event) string {
	where := strings.Trim(e.Phase+" "+e.Job, " ")
	switch e.Type {
	case "rollout.created":
		return e.Rollout + " created: " + e.Message
	case "phase.started":
		return e.Phase + " started"
	case "effect.succeeded":
		return where + ": " + e.Message + " read back"
	case "phase.succeeded":
		return e.Phase + " succeeded"
	case "job.failed", "effect.failed":
		return where + " failed: " + e.Message
	case "effect.asking":
		return where + " stops and asks: " + e.Message
	case "effect.withdrawn":
		return where + " withdrawn: " + e.Message
	case "rollout.succeeded", "rollout.failed", "rollout.cancelled", "rollout.rejected":
		return strings.TrimSuffix(e.Rollout+" "+strings.TrimPrefix(e.Type, "rollout.")+": "+e.Message, ": ")
	case "rollout.approved", "approval.given", "phase.advanced", "job.retried", "job.ignored", "lease.broken", "target.renamed":
		return strings.TrimSpace(strings.ReplaceAll(e.Type, ".", " ") + " " + where + " " + e.Actor + " " + e.Message)
	default:
		return ""
	}
}
