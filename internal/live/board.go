package live

import (
	"strconv"
	"time"

	"sluice/internal/executor"
	"sluice/internal/view"
	"sluice/pipeline"
	"sluice/rollout"
	"sluice/stages/driver"
)

// Board is what is known of the targets that a command works on. It is not safe for
// concurrent use.
type Board struct {
	clean  func(string) string           // takes secrets out of text
	stages map[string]string             // by target
	shares map[string]map[string]float64 // by target and phase
	rows   map[string]*Row
	order  []string // the file's
	shown  int      // targets that the command works on, where it said so
}

// NewBoard is a board of a pipeline's targets. Each has a row from the first that is
// told of it. clean takes secrets out of what is told.
func NewBoard(p *pipeline.Pipeline, clean func(string) string) *Board {
	b := &Board{clean: clean, stages: map[string]string{}, shares: map[string]map[string]float64{}, rows: map[string]*Row{}}
	for t := range p.All() {
		name := t.Name.Value
		b.order = append(b.order, name)
		b.stages[name] = t.Stage.Name.Value
		b.shares[name] = sharesOf(t)
	}
	return b
}

// sharesOf is how much of the traffic a target's phases give to the release; nil where
// it has one phase alone.
func sharesOf(t *pipeline.Target) map[string]float64 {
	if t.Canary == nil {
		return nil
	}
	shares := map[string]float64{stable: all}
	if t.Canary.Header != nil {
		shares[rollout.PhaseTesters] = 0
	}
	for _, phase := range t.Canary.Phases {
		if percent, err := strconv.ParseFloat(phase.Percent.Value, 64); err == nil {
			shares[phase.Name.Value] = percent
		}
	}
	return shares
}

const (
	stable = "stable" // the phase that gives all of the traffic
	all    = 100      // percent
)

// Rows are the targets that something was told of, in the file's order.
func (b *Board) Rows() []Row {
	var rows []Row
	for _, name := range b.order {
		if r := b.rows[name]; r != nil {
			rows = append(rows, *r)
		}
	}
	return rows
}

// Targets is how many targets the command works on: those that were told of, where it
// has not said more.
func (b *Board) Targets() int { return max(b.shown, len(b.rows)) }

// Take notes what a notice says.
func (b *Board) Take(n executor.Notice, now time.Time) {
	if n.Kind == executor.NoticeRows {
		b.shown = n.Count
		return
	}
	stage, known := b.stages[n.Target]
	if !known {
		return
	}
	r := b.rows[n.Target]
	if r == nil {
		r = &Row{Stage: stage, Target: n.Target, Stand: Created}
		b.rows[n.Target] = r
	}
	line, shown := view.Notice(n)
	if shown && line.How == view.Progress {
		r.Text = b.clean(line.Text)
	}
	b.note(r, n, now)
}

// note takes what a notice says beside its words.
func (b *Board) note(r *Row, n executor.Notice, now time.Time) {
	switch n.Kind {
	case executor.NoticeEvent:
		b.happened(r, *n.Event, now)
	case executor.NoticeWaiting:
		r.Stand, r.Until, r.Progress = Waiting, n.Waiting.Until, 0
	case executor.NoticeRetry, executor.NoticeHeld:
		r.Stand, r.Until, r.Progress = Waiting, n.At, 0
	case executor.NoticeProgress:
		r.work(now)
		if r.Progress = n.Operation.Progress; n.Operation.Status == driver.Done {
			r.Progress = 0
		}
	case executor.NoticeState, executor.NoticeCheck, executor.NoticeLook, executor.NoticeFound, executor.NoticeAbsent, executor.NoticeNoAnswer:
		r.work(now)
	case executor.NoticeDone:
		r.end(Done, now)
	}
}

// Lasting reports whether what a notice says is to be read after the picture is gone:
// what somebody ordered, and what did not go as it should.
func Lasting(n executor.Notice) bool {
	switch n.Kind {
	case executor.NoticeOrder, executor.NoticeNoAnswer, executor.NoticeNote, executor.NoticeWave:
		return true
	case executor.NoticeEvent:
		return view.Remarkable(*n.Event)
	default:
		line, _ := view.Notice(n)
		return line.How != view.Progress || n.Target == ""
	}
}

// work says that something is at work, and nothing is waited for.
func (r *Row) work(now time.Time) {
	if r.Stand == Done || r.Stand == Failed {
		return
	}
	r.Stand, r.Until = Working, time.Time{}
	if r.Began.IsZero() {
		r.Began = now
	}
}

// end says that it is over.
func (r *Row) end(s Stand, now time.Time) {
	r.Stand, r.Ended, r.Until, r.Progress = s, now, time.Time{}, 0
}

// happened notes an event of the target's history.
func (b *Board) happened(r *Row, e rollout.Event, now time.Time) {
	switch e.Type {
	case "rollout.created":
		*r = Row{Stage: r.Stage, Target: r.Target, Text: r.Text, Stand: Created, Began: now}
	case "rollout.succeeded":
		r.end(Done, now)
		r.Percent, r.Split = all, b.shares[r.Target] != nil
	case "rollout.failed", "rollout.cancelled", "rollout.rejected", "rollout.withdrawn":
		r.end(Failed, now)
	case "effect.succeeded":
		r.work(now)
		if percent, splits := b.shares[r.Target][e.Phase]; splits {
			r.Percent, r.Split = percent, true
		}
	case "effect.failed", "job.failed":
		r.work(now)
	default:
		if e.Phase != "" {
			r.work(now)
		}
	}
}
