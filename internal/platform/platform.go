// Package platform is how the engine's rooms reach platforms. It is the only
// importer of package stages.
//
// What it adds: each thing is read once an invocation where planning asks for it
// ([Platform.Live], [Platform.Resolve]) and never remembered where the truth of
// an effect is asked for ([Platform.Prepare], [Platform.Lookup],
// [Platform.Poll]); reads are asked again here and nowhere else, within the
// invocation's limits and as the platform's Retry-After says; effects are sent at
// most once a [Platform.Begin], and none after the invocation was told to stop;
// every error may be shown as it is.
//
// Errors of all calls carry the driver's explanation ([CodeOf], [RetryAfter],
// [Busy]). A panic of a driver is an error like any other.
package platform

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"sluice/internal/work"
	"sluice/stages"
	"sluice/stages/driver"
)

// Config is what platforms are reached with.
type Config struct {
	Env       driver.Env // Places is how many requests a driver may have under way in one call
	Platforms []stages.Platform
	// As names who asks for a target, by the keys of its platform's identity; nil names
	// nobody.
	As func(driver.Target) json.RawMessage
	// Redact takes credentials out of text, and what moves a cursor or hides. Nil
	// leaves text as it is.
	Redact func(string) string
}

// Platforms are the platforms that one process can reach. Drivers are opened
// when they are first used. It is safe for concurrent use.
type Platforms struct {
	stages *stages.Stages
	as     func(driver.Target) json.RawMessage
	redact func(string) string
}

// Open returns the platforms of a configuration. It connects to none.
func Open(c Config) *Platforms {
	if c.Redact == nil {
		c.Redact = func(text string) string { return text }
	}
	if c.As == nil {
		c.As = func(driver.Target) json.RawMessage { return nil }
	}
	return &Platforms{stages: stages.New(c.Env, c.Platforms...).As(c.As), as: c.As, redact: c.Redact}
}

// AskedAs tells apart as whom targets are asked, for one call carries only those that
// are asked as the same; "" is whom the environment has.
func (p *Platforms) AskedAs(t driver.Target) string { return string(p.as(t)) }

// Facts are a platform's; zero where there is no such platform.
func (p *Platforms) Facts(platform string) driver.Facts {
	facts, _ := p.stages.Facts(platform)
	return facts
}

// During returns the platforms as one invocation sees them, which reads each
// thing once and stops in its time.
func (p *Platforms) During(w *work.Work) *Platform {
	return &Platform{
		Platforms: p, work: w,
		live: newMemory[driver.Live](w), releases: newMemory[driver.Release](w),
	}
}

// Platform is the platforms as one invocation sees them. It is safe for
// concurrent use.
type Platform struct {
	*Platforms
	work *work.Work

	mu       sync.Mutex // of the memories
	live     memory[driver.Live]
	releases memory[driver.Release]
}

// Forget has Live and Resolve read anew, for who plans a second time.
func (p *Platform) Forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.live.forget()
	p.releases.forget()
}

// CodeOf says what may be done about an error of this package: Unknown for every
// other error, "" for nil.
func (p *Platforms) CodeOf(err error) driver.Code { return stages.CodeOf(err) }

// RetryAfter is the platform's word on when to try again; 0 for none.
func (p *Platforms) RetryAfter(err error) time.Duration {
	if e, ok := errors.AsType[*stages.Error](err); ok {
		return e.RetryAfter
	}
	return 0
}

// Busy reports that the platform did nothing because somebody else is changing
// the target, or changed it since the call was prepared.
func (p *Platforms) Busy(err error) bool {
	e, ok := errors.AsType[*stages.Error](err)
	return ok && (e.Busy || e.Stale)
}

// tell is an error whose every text may be shown. The platform's own error stays
// behind it, for who asks what it is.
func (p *Platforms) tell(err error) error {
	e, ok := errors.AsType[*stages.Error](err)
	if !ok {
		return err
	}
	told := *e
	if told.Message == "" && told.Err != nil {
		told.Message = told.Err.Error()
	}
	told.Op, told.Message = p.redact(told.Op), p.redact(told.Message)
	told.RequestID, told.Remedy = p.redact(told.RequestID), p.redact(told.Remedy)
	return &told
}

// of is the target through which a call is made.
func (p *Platforms) of(c driver.Call) (*stages.Target, error) {
	var t driver.Target
	if len(c.Changes) > 0 {
		t = c.Changes[0].Target
	}
	return p.stages.Target(t)
}

// Begin sends the effect at most once and never again by itself. The end of ctx
// is the word to stop: from then on nothing is sent, and an error says so with
// the code Retryable. What was sent is still answered, within the time that the
// invocation leaves for answers; then the error is Lost.
func (p *Platform) Begin(ctx context.Context, c driver.Call) (driver.Operation, error) {
	t, err := p.of(c)
	if err != nil {
		return driver.Operation{}, p.tell(err)
	}
	p.changes(c)
	defer p.changes(c)
	answering, done := p.work.Answering(ctx)
	defer done()
	op, err := t.Begin(stages.WithStop(answering, ctx.Done()), c)
	if err != nil {
		return driver.Operation{}, p.tell(err)
	}
	return op, nil
}
