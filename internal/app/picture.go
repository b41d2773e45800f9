package app

import (
	"context"
	"sync"
	"time"

	"sluice/internal/executor"
	"sluice/internal/live"
	"sluice/internal/view"
	"sluice/internal/work"
	"sluice/pipeline"
)

// frame is how often what stands on the terminal is looked at anew: often enough for
// seconds to pass evenly, and seldom enough not to flicker.
const frame = 250 * time.Millisecond

// picture is the table of a command's targets, in place on the terminal.
type picture struct {
	screen *live.Screen
	style  live.Style
	now    func() time.Time

	mu    sync.Mutex
	board *live.Board
}

// pictured is the picture of a pipeline's targets; nil where lines are told: without a
// terminal, in Actions, under --debug, and where the environment wants plain lines.
func (inv *invocation) pictured(p *pipeline.Pipeline) *picture {
	if inv.flags.debug || inv.runner.Inside() || inv.flags.watch {
		return nil
	}
	screen, ok := live.Terminal(inv.terminal, inv.env.Get)
	if !ok {
		return nil
	}
	return &picture{screen: screen, style: live.StyleOf(inv.env.Get), now: inv.Clock.Now, board: live.NewBoard(p, inv.console.plain)}
}

// take notes what a notice says.
func (p *picture) take(n executor.Notice) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.board.Take(n, p.now())
}

// draw shows what is known.
func (p *picture) draw() {
	size, ok := p.screen.Size()
	if !ok {
		return
	}
	p.mu.Lock()
	lines := live.Layout(p.board.Rows(), p.board.Targets(), size, p.style, p.now())
	p.mu.Unlock()
	p.screen.Show(lines)
}

// animate draws again and again until the function that it returns is called, which
// takes the picture away. What is written to the stream meanwhile stands above it.
func (p *picture) animate(ctx context.Context, clock work.Clock, stream *shared) func() {
	ctx, stop := context.WithCancel(ctx)
	stream.over(p.screen)
	over := make(chan struct{})
	go func() {
		defer close(over)
		for p.draw(); clock.Sleep(ctx, frame) == nil; p.draw() {
			continue
		}
	}()
	return func() {
		stop()
		<-over
		p.screen.Clear()
		stream.over(nil)
	}
}

// pictures shows a notice in the table, and what has to last above it.
func (c *console) pictures(n executor.Notice) {
	n = c.once(n)
	c.picture.take(n)
	if line, shown := view.Notice(n); shown && live.Lasting(n) {
		c.show(line)
	}
}

// watched shows what stands, in place, until it is time to look again; false where
// that will not be.
func (inv *invocation) watched(ctx context.Context, screen *live.Screen, targets []view.TargetStatus) bool {
	rows, style := live.Watched(targets), live.StyleOf(inv.env.Get)
	for i := range rows {
		rows[i].Text, rows[i].Release = inv.console.plain(rows[i].Text), inv.console.plain(rows[i].Release)
	}
	for next := inv.Clock.Now().Add(lookAgain); inv.Clock.Now().Before(next); {
		if size, ok := screen.Size(); ok {
			screen.Show(live.Layout(rows, len(rows), size, style, inv.Clock.Now()))
		}
		if inv.Clock.Sleep(ctx, frame) != nil {
			return false
		}
	}
	return true
}
