package platform

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"sluice/stages"
	"sluice/stages/driver"
)

// Reading is what a target runs, or why nobody can tell.
type Reading struct {
	Live driver.Live
	Err  error
	At   time.Time // when it was asked for, by the invocation's clock
}

// Live is what runs on targets now, in their order. A target is read once an
// invocation, unless an effect on it began since; those that are read now are
// read together. A target that cannot be read says nothing of the others.
func (p *Platform) Live(ctx context.Context, targets []driver.Target) []Reading {
	entries := make([]*entry[driver.Live], len(targets))
	var mine []int
	p.mu.Lock()
	for i, t := range targets {
		var isMine bool
		if entries[i], isMine = p.live.claim(placeOf(t)); isMine {
			mine = append(mine, i)
		}
	}
	p.mu.Unlock()
	p.read(ctx, targets, entries, mine)
	readings := make([]Reading, len(targets))
	for i, e := range entries {
		live, err := e.wait(ctx)
		readings[i] = Reading{Live: live, Err: p.about(targets[i], err), At: e.asked}
	}
	return readings
}

// read reads the targets of some entries and fills these in, each as soon as
// there is no more to hope for.
func (p *Platform) read(ctx context.Context, targets []driver.Target, entries []*entry[driver.Live], which []int) {
	if len(which) == 0 {
		return
	}
	ctx, done := p.within(ctx)
	defer done()
	for tries := p.tries(); len(which) > 0; {
		part := make([]driver.Target, len(which))
		for k, i := range which {
			part[k] = targets[i]
		}
		asked := p.work.Now()
		live, errs := p.stages.Live(ctx, part)
		var left []int
		var trouble []error
		for k, i := range which {
			if errs[k] != nil && p.mayPass(errs[k]) {
				left, trouble = append(left, i), append(trouble, errs[k])
				continue
			}
			entries[i].asked = asked
			entries[i].fill(live[k], errs[k], p.work.Now())
		}
		if len(left) > 0 && !tries.again(ctx, trouble...) {
			for k, i := range left {
				entries[i].fill(driver.Live{}, trouble[k], p.work.Now())
			}
			return
		}
		which = left
	}
}

// Resolve finds a release by what a person may call it, within t's reach. Targets
// with the same reach ask once an invocation. See [driver.Driver].
func (p *Platform) Resolve(ctx context.Context, t driver.Target, id string) (driver.Release, error) {
	p.mu.Lock()
	e, mine := p.releases.claim(p.reachOf(t) + "\x00" + id)
	p.mu.Unlock()
	if mine {
		release, err := p.resolve(ctx, t, id)
		e.fill(release, err, p.work.Now())
	}
	release, err := e.wait(ctx)
	return release, p.about(t, err)
}

func (p *Platform) resolve(ctx context.Context, t driver.Target, id string) (driver.Release, error) {
	at, err := p.stages.Target(t)
	if err != nil {
		return driver.Release{}, p.tell(err)
	}
	return reading(ctx, p, func(ctx context.Context) (driver.Release, error) { return at.Resolve(ctx, id) })
}

// about is an error told of the target that asks: what it shares with another was
// read for that one.
func (p *Platform) about(t driver.Target, err error) error {
	e, ok := errors.AsType[*stages.Error](err)
	if !ok {
		return err
	}
	own := *e
	own.Stage, own.Target = t.Stage, t.Name
	return p.tell(&own)
}

// changes forgets what runs on the targets of an effect.
func (p *Platform) changes(c driver.Call) {
	keys := make([]string, len(c.Changes))
	for i, change := range c.Changes {
		keys[i] = placeOf(change.Target)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.live.forget(keys...)
}

// placeOf tells places on platforms apart, whatever targets are called.
func placeOf(t driver.Target) string { return t.Platform + "\x00" + string(t.Config) }

// reachOf tells apart where releases are known: the values of the platform's
// keys that say so. A target that has none of them shares its with nobody.
func (p *Platforms) reachOf(t driver.Target) string {
	var config map[string]json.RawMessage
	if json.Unmarshal(t.Config, &config) != nil {
		return placeOf(t) // the driver says what is wrong with it
	}
	var parts []string
	for _, k := range p.Facts(t.Platform).Keys {
		if value, set := config[k.Name]; k.Reach && set {
			parts = append(parts, k.Name+"="+string(value))
		}
	}
	if len(parts) == 0 {
		return placeOf(t)
	}
	slices.Sort(parts)
	return t.Platform + "\x00" + p.AskedAs(t) + "\x00" + strings.Join(parts, "\x00")
}
