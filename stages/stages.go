// Package stages is where releases run. It gives callers one portable type,
// [Target], over the driver contract that every platform implements.
//
// What it adds to a driver is what all of them need alike: a driver opens when
// it is first used, a call that the platform cannot serve is refused before
// the driver sees it, every error is wrapped exactly once, as [*Error], with
// the place, the platform's request id and the remedy, every request keeps the
// rules of internal/transport, and a panic of a driver is an error too.
package stages

import (
	"context"
	"encoding/json"
	"slices"
	"sync"

	"sluice/internal/guard"
	"sluice/internal/transport"
	"sluice/stages/driver"
)

// Platform is one platform: what it can do, and how to reach it.
type Platform struct {
	Facts driver.Facts
	// Open connects. It should do little and send nothing; what it returns is
	// kept for the life of the [Stages]. An error may be a [*driver.OpenError].
	Open func(context.Context, driver.Env) (driver.Driver, error)
}

// Stages knows the platforms and opens their drivers. It is safe for
// concurrent use.
type Stages struct {
	env       driver.Env
	platforms []*opener
	as        func(driver.Target) json.RawMessage // see As; nil names nobody
}

// New returns stages on the given platforms. No driver is opened yet. All of
// them send through env.Transport under the rules of internal/transport.
func New(env driver.Env, platforms ...Platform) *Stages {
	env.Transport = transport.New(env.Transport, transport.Options{})
	if env.Sessions == nil {
		env.Sessions = &driver.Sessions{}
	}
	s := &Stages{env: env}
	for _, p := range platforms {
		s.platforms = append(s.platforms, &opener{platform: p, opened: map[string]*opened{}})
	}
	return s
}

// As is the same stages, of which each target is asked as whom identify names, by the
// keys of its platform's [driver.Facts.Identity]; nil leaves it to the environment.
// Each identity has a driver of its own: what one may do, none does for another.
func (s *Stages) As(identify func(driver.Target) json.RawMessage) *Stages {
	named := *s
	named.as = identify
	return &named
}

// envOf is the environment with who asks for t.
func (s *Stages) envOf(t driver.Target) driver.Env {
	env := s.env
	if s.as != nil {
		env.Identity = s.as(t)
	}
	return env
}

// Facts returns what is known of a platform by its name in the pipeline file.
func (s *Stages) Facts(platform string) (driver.Facts, bool) {
	o := s.find(platform)
	if o == nil {
		return driver.Facts{}, false
	}
	return o.platform.Facts, true
}

// Target returns the place that t declares. It fails, as Unsupported, only
// where no platform has t's name for it.
func (s *Stages) Target(t driver.Target) (*Target, error) {
	o := s.find(t.Platform)
	if o == nil {
		return nil, unknownPlatform(t)
	}
	return &Target{target: t, env: s.envOf(t), opener: o}, nil
}

func (s *Stages) find(platform string) *opener {
	i := slices.IndexFunc(s.platforms, func(o *opener) bool { return o.platform.Facts.Platform == platform })
	if i < 0 {
		return nil
	}
	return s.platforms[i]
}

// opener opens one platform's driver once for each identity. A failure is kept too,
// unless it was only the caller's context that ended.
type opener struct {
	platform Platform

	mu     sync.Mutex
	opened map[string]*opened // by identity
}

// opened is a driver, or why there is none.
type opened struct {
	driver driver.Driver
	err    error
}

func (o *opener) open(ctx context.Context, env driver.Env) (driver.Driver, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if had := o.opened[string(env.Identity)]; had != nil {
		return had.driver, had.err
	}
	var d driver.Driver
	err := guard.Do("opening "+o.platform.Facts.Platform, func() (err error) {
		d, err = o.platform.Open(ctx, env)
		return err
	})
	if err != nil && ctx.Err() != nil {
		return nil, err
	}
	o.opened[string(env.Identity)] = &opened{d, err}
	return d, err
}
