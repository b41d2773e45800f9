package console

import (
	"context"
	"io"
	"sync"
	"time"

	"sluice/internal/executor"
	"sluice/internal/live"
	"sluice/internal/view"
	"sluice/internal/work"
	"sluice/pipeline"
)

// Frame is how often what stands on the terminal is looked at anew: often enough for
// seconds to pass evenly, and seldom enough not to flicker.
const Frame = 250 * time.Millisecond

// Picture is the table of a command's targets, in place on the terminal.
type Picture struct {
	screen *live.Screen
	style  live.Style
	now    func() time.Time

	mu    sync.Mutex
	board *live.Board
}

// NewPicture is the picture of a pipeline's targets; nil where lines are told: without a
// terminal, and where the environment wants plain lines.
func NewPicture(terminal io.Writer, getenv func(string) string, now func() time.Time, p *pipeline.Pipeline, plain func(string) string) *Picture {
	screen, ok := live.Terminal(terminal, getenv)
	if !ok {
		return nil
	}
	return &Picture{screen: screen, style: live.StyleOf(getenv), now: now, board: live.NewBoard(p, plain)}
}

// take notes what a notice says.
func (p *Picture) take(n executor.Notice) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.board.Take(n, p.now())
}

// draw shows what is known.
func (p *Picture) draw() {
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
func (p *Picture) animate(ctx context.Context, clock work.Clock, stream *Stream) func() {
	ctx, stop := context.WithCancel(ctx)
	stream.Over(p.screen)
	over := make(chan struct{})
	go func() {
		defer close(over)
		for p.draw(); clock.Sleep(ctx, Frame) == nil; p.draw() {
			continue
		}
	}()
	return func() {
		stop()
		<-over
		p.screen.Clear()
		stream.Over(nil)
	}
}

// pictures shows a notice in the table, and what has to last above it.
func (c *Console) pictures(n executor.Notice) {
	n = c.once(n)
	c.picture.take(n)
	if line, shown := view.Notice(n); shown && live.Lasting(n) {
		c.show(line)
	}
}
