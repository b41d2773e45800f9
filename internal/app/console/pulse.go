package console

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"sluice/internal/executor"
	"sluice/internal/live"
	"sluice/internal/view"
	"sluice/internal/work"
	"sluice/stages/driver"
)

// What takes long is told after so long a silence, and then again and again.
const (
	firstPulse = 10 * time.Second
	pulse      = 30 * time.Second
)

// mostPulses is how many targets have a line each of what they still wait for.
const mostPulses = 5

// Stream is a stream that several write to, one at a time.
type Stream struct {
	mu     sync.Mutex
	w      io.Writer
	screen *live.Screen // has lines that stand below what is written; nil for none
}

// NewStream returns a stream that is written to w.
func NewStream(w io.Writer) *Stream { return &Stream{w: w} }

// Write implements io.Writer.
func (s *Stream) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.screen != nil {
		s.screen.Print(string(p))
		return len(p), nil
	}
	return s.w.Write(p)
}

// Over has what is written stand above a screen's lines; nil ends that.
func (s *Stream) Over(screen *live.Screen) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.screen = screen
}

// waited is what a target waits for, as it was told.
type waited struct {
	text  string
	since time.Time
	again time.Time // when it is looked at again; zero where nobody said
}

// wait notes what a target waits for, or that it no longer does.
func (c *Console) wait(n executor.Notice, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	switch n.Kind {
	case executor.NoticeWaiting, executor.NoticeRetry, executor.NoticeState, executor.NoticeCheck, executor.NoticeHeld, executor.NoticeNoPoll:
		c.waits[n.Target] = waited{text: text, since: now, again: n.At}
	case executor.NoticeProgress:
		if n.Operation.Status == driver.Done {
			delete(c.waits, n.Target)
			return
		}
		since := now
		if have, ok := c.waits[n.Target]; ok && !have.again.IsZero() {
			since = have.since
		}
		c.waits[n.Target] = waited{text: text, since: since}
	case executor.NoticePoll:
		have, ok := c.waits[n.Target]
		if !ok {
			have = waited{text: "waits for the platform", since: now}
		}
		have.again = n.At
		c.waits[n.Target] = have
	case executor.NoticeEvent:
		if line := view.Event(*n.Event); line != "" {
			delete(c.waits, n.Target)
		}
	}
}

// KeepTelling says what is still waited for while nothing else is told, until the
// function that it returns is called.
func (c *Console) KeepTelling(ctx context.Context, clock work.Clock) func() {
	if c.picture != nil {
		return c.picture.animate(ctx, clock, c.stream)
	}
	ctx, stop := context.WithCancel(ctx)
	over := make(chan struct{})
	go func() {
		defer close(over)
		c.beat(ctx, clock)
	}()
	return func() {
		stop()
		<-over
		c.count(true)
	}
}

func (c *Console) beat(ctx context.Context, clock work.Clock) {
	began := clock.Now()
	last, silence := c.spoke(began), firstPulse
	for clock.Sleep(ctx, silence-clock.Now().Sub(last)) == nil {
		if spoke := c.spoke(began); spoke.After(last) {
			last, silence = spoke, firstPulse // somebody spoke meanwhile
			continue
		}
		for _, line := range c.still(clock.Now(), began) {
			c.line(line[0], line[1])
		}
		last, silence = c.spoke(began), pulse
	}
}

// spoke is when something was told last, or at.
func (c *Console) spoke(at time.Time) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last.After(at) {
		return c.last
	}
	return at
}

// still says what is waited for now: target and text.
func (c *Console) still(now, began time.Time) [][2]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	long := func(since time.Time) string { return now.Sub(since).Round(time.Second).String() }
	if len(c.waits) == 0 {
		return [][2]string{{"", "is still at work, for " + long(began) + ": it reads the state and the platforms"}}
	}
	var lines [][2]string
	names := slices.Sorted(maps.Keys(c.waits))
	for _, name := range names[:min(len(names), mostPulses)] {
		w := c.waits[name]
		text := "still " + w.text + ", for " + long(w.since)
		if w.again.After(now) {
			text += "; looks again at " + w.again.UTC().Format(time.TimeOnly)
		}
		lines = append(lines, [2]string{name, text})
	}
	if more := len(names) - mostPulses; more > 0 {
		lines = append(lines, [2]string{"", fmt.Sprintf("and %d more wait", more)})
	}
	return lines
}
