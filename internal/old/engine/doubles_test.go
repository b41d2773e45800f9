package engine_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"sluice/internal/check"
	"sluice/internal/old/rollout"
)

// checks runs no program: it counts, and fails what it is told to.
type checks struct {
	mu      sync.Mutex
	fails   map[string]error // by the program's name, or "target:name"
	takes   time.Duration
	ran     []string // "target phase name"
	at      []time.Time
	missing map[string]bool
}

func (c *checks) Preflight(g rollout.Gate) error {
	if c.missing[g.Run[0]] {
		return fmt.Errorf("no program %s", g.Run[0])
	}
	return nil
}

func (c *checks) Run(ctx context.Context, g rollout.Gate, v check.Vars) error {
	c.mu.Lock()
	c.ran, c.at = append(c.ran, strings.TrimSpace(v.Target+" "+v.Phase+" "+g.Run[0])), append(c.at, time.Now())
	takes, err := c.takes, c.fails[g.Run[0]]
	if own, ok := c.fails[v.Target+":"+g.Run[0]]; ok {
		err = own
	}
	c.mu.Unlock()
	if takes > 0 {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(takes):
		}
	}
	return err
}

// failing says which checks fail from now on.
func (c *checks) failing(fails map[string]error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fails = fails
}

func (c *checks) list() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.ran)
}

// observer remembers what it was told.
type observer struct {
	mu    sync.Mutex
	lines []string
}

func (o *observer) add(kind, target, text string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lines = append(o.lines, kind+" "+target+": "+text)
}

func (o *observer) Progress(target, text string) { o.add("progress", target, text) }

func (o *observer) Warn(target, text string) { o.add("warn", target, text) }

func (o *observer) Log(target, title, text string) { o.add("log", target, title+": "+text) }

func (o *observer) Event(target string, e rollout.Event) {
	o.add("event", target, e.Type+" "+e.Message)
}

// said reports whether the observer was told something like text.
func (o *observer) said(text string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.ContainsFunc(o.lines, func(l string) bool { return strings.Contains(l, text) })
}
