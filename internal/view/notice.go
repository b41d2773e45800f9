package view

import (
	"fmt"
	"time"

	"sluice/internal/executor"
	"sluice/rollout"
	"sluice/stages/driver"
)

// How says how a line is shown.
type How string

// How lines are shown.
const (
	Progress How = "progress" // what is being done
	Warning  How = "warning"  // annotates the run
	Log      How = "log"      // output in several lines, under Title
)

// Line is one thing that people see while it happens. Its text is untrusted.
type Line struct {
	How    How
	Target string // "" where it is about no one target
	Title  string // of a log
	Text   string
}

// Notice says in words what the executor tells; false where people need not see
// it.
func Notice(n executor.Notice) (Line, bool) {
	line := Line{How: Progress, Target: n.Target, Title: n.Title, Text: noticed(n)}
	switch n.Kind {
	case executor.NoticeWarning, executor.NoticeDryRun, executor.NoticeLeft, executor.NoticeChanged:
		line.How = Warning
	case executor.NoticeLog:
		line.How = Log
	}
	return line, line.Text != ""
}

func noticed(n executor.Notice) string {
	switch n.Kind {
	case executor.NoticeEvent:
		return Event(*n.Event)
	case executor.NoticeWaiting:
		return inline(*n.Waiting)
	case executor.NoticeRetry:
		return fmt.Sprintf("%v; again at %s", n.Err, clock(n.At))
	case executor.NoticeNoAnswer:
		return fmt.Sprintf("no clear answer (%v); looking it up", n.Err)
	case executor.NoticeFound:
		return "it had taken effect"
	case executor.NoticeAbsent:
		return "it had not taken effect"
	case executor.NoticeProgress:
		return progress(*n.Operation)
	case executor.NoticeNoPoll:
		return fmt.Sprintf("the platform did not answer (%v)", n.Err)
	case executor.NoticeState:
		return "the platform's rollout is " + n.Text
	case executor.NoticeCheck:
		return joined(n.Phase, n.Job) + ": " + gate(n.Gate)
	case executor.NoticeLook:
		return looked(n.Gate, *n.Sample)
	case executor.NoticeDryRun:
		return fmt.Sprintf("%s (dry run): %v", n.Job, n.Err)
	case executor.NoticeLeft:
		return left(n.Err)
	case executor.NoticeOrder:
		return n.Order.By + " ordered " + n.Order.Command + by(": ", n.Order.Reason)
	default:
		return noticedBefore(n)
	}
}

// noticedBefore says what is told before a plan is carried out.
func noticedBefore(n executor.Notice) string {
	switch n.Kind {
	case executor.NoticeDone:
		return "nothing is done: an earlier run of the same step did all of it"
	case executor.NoticeAgain:
		return "this was begun by an earlier attempt of the same job; it goes on"
	case executor.NoticeChanged:
		return "the pipeline file has changed since " + n.Text + " was created; it goes on with the phases it started with"
	case executor.NoticeWave:
		return fmt.Sprintf("wave %d of %d is over, with %d targets so far", n.Wave, n.Waves, n.Count)
	case executor.NoticeHeld:
		return fmt.Sprintf("%v; it is told to let go, and waited for until %s", n.Err, clock(n.At))
	default:
		return n.Text
	}
}

// inline says why nothing moves for a while; the invocation waits for it.
func inline(w rollout.Waiting) string {
	switch w.Kind {
	case rollout.WaitBake:
		return "bakes until " + clock(w.Until)
	case rollout.WaitPolicy:
		name := w.By
		if w.Block != nil {
			name = w.Block.ID
		}
		return "is held back by policy " + name + " until " + clock(w.Until)
	case rollout.WaitSoak:
		return "stands on the stage before until " + clock(w.Until)
	case rollout.WaitWave:
		return fmt.Sprintf("waits for the pause after wave %d until %s", w.Wave+1, clock(w.Until))
	case rollout.WaitPlatform:
		return "waits for the platform until " + clock(w.Until) + by(": ", w.Message)
	case rollout.WaitLock:
		return "is locked" + by(" by ", w.By) + " until " + clock(w.Until)
	default:
		return "waits until " + clock(w.Until)
	}
}

// clock is a time of this invocation for people.
func clock(t time.Time) string { return t.UTC().Format(time.TimeOnly) }

func progress(op driver.Operation) string {
	text := string(op.Status)
	if op.Progress > 0 {
		text += fmt.Sprintf(" %d%%", op.Progress)
	}
	if op.ID != "" {
		text = op.ID + ": " + text
	}
	return text
}

func gate(g *rollout.Gate) string {
	switch {
	case g == nil:
		return "a check"
	case g.HTTP != nil:
		return "http " + g.HTTP.URL
	case len(g.Run) > 0:
		return fmt.Sprintf("run %q", g.Run)
	default:
		return g.Name()
	}
}

func joined(phase, job string) string {
	if phase == "" {
		return job
	}
	return phase + " " + job
}

func left(err error) string {
	text := "its promotion wants it to go back, which is left to the run that holds it"
	if err != nil {
		text += ": " + err.Error()
	}
	return text
}
