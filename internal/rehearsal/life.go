package rehearsal

import (
	"context"
	"errors"
	"time"

	"sluice/internal/engine"
	"sluice/internal/planner"
	"sluice/internal/view"
	"sluice/pipeline"
	"sluice/rollout"
)

// once rehearses once.
func once(ctx context.Context, o Options) (*world, error) {
	w, err := open(ctx, o)
	if err != nil {
		return nil, err
	}
	defer w.server.Close()
	l := &life{world: w, promoted: map[*pipeline.Stage]bool{}, since: map[string]time.Time{}, voted: map[string]int{}}
	return w, l.live(ctx)
}

// life is what goes on in a world until nothing does any more.
type life struct {
	*world
	promoted map[*pipeline.Stage]bool // by a person, or that nobody can
	since    map[string]time.Time     // by what a person is waited for: when it was first seen
	voted    map[string]int           // by promotion: how many of its approvers have
	idle     int                      // wake-ups in a row that changed nothing
}

// act is something that happens at a time.
type act struct {
	at time.Time
	do func(context.Context) error
}

// mostIdle is how often in a row a wake-up may change nothing before what is due is
// taken for something that never happens.
const mostIdle = 5

// live does what is next until nothing is, or the time is over.
func (l *life) live(ctx context.Context) error {
	for {
		next, ok := l.next()
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case !ok:
			return nil
		case next.at.Sub(l.Start) > l.Most:
			l.open = true
			return nil
		}
		l.time.Until(next.at)
		if err := next.do(ctx); err != nil {
			return err
		}
	}
}

// next is what happens next: what a person does first, where something else happens at
// the same time.
func (l *life) next() (act, bool) {
	var first act
	for _, a := range append(l.promotes(), append(l.words(), l.byItself()...)...) {
		if first.do == nil || a.at.Before(first.at) {
			first = a
		}
	}
	return first, first.do != nil
}

// you are who rehearses: a person.
func you() rollout.Actor {
	return rollout.Actor{Login: "you", Person: true}
}

// promotes are the promotions that a person begins: to stages that no rule promotes to,
// once every stage before has what it got.
func (l *life) promotes() []act {
	for _, stage := range l.Pipeline.Stages {
		if l.promoted[stage] || !l.isWanted(stage) || !l.ready(stage) {
			continue
		}
		at := l.first("promote "+stage.Name.Value, l.time.Now())
		if len(l.Pipeline.Previous(stage)) > 0 && l.started() {
			at = at.Add(l.People)
		}
		for _, b := range l.Pipeline.Blocked(pipeline.Question{
			Stage: stage.Name.Value, Action: string(rollout.ToPromote), Invoker: pipeline.InvokerPerson, Actor: you().Login, Now: later(at, l.time.Now()),
		}) {
			at = later(at, b.Until)
		}
		return []act{{at: at, do: func(ctx context.Context) error { return l.promote(ctx, stage) }}}
	}
	return nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// started reports whether anything was promoted yet.
func (l *life) started() bool { return len(l.promoted) > 0 }

func (l *life) isWanted(stage *pipeline.Stage) bool {
	if len(l.Pipeline.Previous(stage)) == 0 && l.Release == "" {
		return false
	}
	return l.To == nil || stage == l.To || l.Pipeline.Before(stage, l.To)
}

// ready reports whether a person promotes to a stage now.
func (l *life) ready(stage *pipeline.Stage) bool {
	for _, before := range l.Pipeline.Previous(stage) {
		if !l.isWanted(before) {
			continue // its seed stands there
		}
		if l.byRule(before) || !l.stands(before) {
			return false
		}
	}
	return true
}

// byRule reports whether a rule promotes from a stage.
func (l *life) byRule(from *pipeline.Stage) bool {
	for _, a := range l.Pipeline.Automation {
		if a.Promote != nil && a.Promote.From == from.Name.Value {
			return true
		}
	}
	return false
}

// stands reports whether a stage has what was promoted to it.
func (l *life) stands(stage *pipeline.Stage) bool {
	good := map[string]bool{}
	for _, t := range l.last.Targets {
		good[t.Target] = t.State == rollout.StateSucceeded && t.Status == rollout.PromotionSucceeded
	}
	for _, t := range stage.Targets {
		if !good[t.Name.Value] {
			return false
		}
	}
	return true
}

func (l *life) promote(ctx context.Context, stage *pipeline.Stage) error {
	l.promoted[stage] = true
	req := engine.Promotion{Stage: stage, Targets: stage.Targets}
	text := "promote --to " + stage.Name.Value
	if len(l.Pipeline.Previous(stage)) == 0 {
		req.Release = l.Release
		text += " --release " + l.Release
	}
	return l.said(l.job(ctx, Dispatch, you(), text, func(ctx context.Context, e *engine.Engine) (view.Outcome, error) { return e.Promote(ctx, req) }))
}

// said tells of what was refused; any other error ends the rehearsal.
func (l *life) said(_ view.Outcome, err error) error {
	var refused *planner.RefusedError
	if !errors.As(err, &refused) {
		return err
	}
	l.lines = append(l.lines, l.line(Line{Text: "refused: " + refused.Error()}))
	return nil
}

// byItself is the next wake-up: when something is due, or when the cron runs then.
func (l *life) byItself() []act {
	due := l.last.Next
	if due.IsZero() {
		return nil
	}
	if l.idle >= mostIdle {
		l.open = true
		return nil
	}
	now := l.time.Now()
	by, at := Timer, later(due, now.Add(l.pause()))
	if l.ByCron {
		by, at = Cron, l.tick(due)
	}
	return []act{{at: at, do: func(ctx context.Context) error { return l.wake(ctx, by) }}}
}

// pause is how soon a job can follow another.
func (l *life) pause() time.Duration {
	if l.idle > 0 {
		return minute << l.idle
	}
	return 0
}

// tick is when the cron next runs and finds something: each time while a bake is
// looked at, for whoever comes by takes looks a little early.
func (l *life) tick(due time.Time) time.Time {
	now := l.time.Now()
	next := now.Truncate(l.Cron).Add(l.Cron)
	for _, t := range l.last.Targets {
		if t.WaitingFor != nil && t.WaitingFor.Kind == rollout.WaitBake {
			return next
		}
	}
	at := due.Truncate(l.Cron)
	if at.Before(due) {
		at = at.Add(l.Cron)
	}
	return later(at, next)
}

// automation is who a timer and a cron start.
func automation() rollout.Actor { return rollout.Actor{Login: "github-actions[bot]"} }

func (l *life) wake(ctx context.Context, by Trigger) error {
	before := l.events
	if by == Cron {
		l.ticks++
	}
	err := l.said(l.job(ctx, by, automation(), planner.CommandReconcile, l.reconcile))
	l.idle++
	if l.events > before || l.last.Next.After(l.time.Now()) {
		l.idle = 0
	}
	return err
}

// first is when something was first seen.
func (l *life) first(what string, now time.Time) time.Time {
	if _, known := l.since[what]; !known {
		l.since[what] = now
	}
	return l.since[what]
}
