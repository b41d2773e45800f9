package conform

import (
	"context"

	"sluice/stages/driver"
)

// oneEffect: a kind has one effect, is read back, and has nothing left to do
// when it is asked for again.
func oneEffect(b *Bench, kind driver.Kind) {
	c := b.Bring(kind)
	p, op := driver.Prepared{}, driver.Operation{}
	b.effects(1, func() { p, op = b.do(c) })
	b.byHand(p)
	if kind.IsCommand() {
		return // what became of the platform's own rollout is the driver's own test
	}
	b.succeeded(p.Call, op)
	if r := b.Current(b.Target()); r.ID != b.Expected(kind) {
		b.Errorf("after %s it runs %q, want %q", kind, r.ID, b.Expected(kind))
	}
	c.Changes[0].Expected = nil
	b.effects(0, func() {
		p := b.Prepare(c)
		if len(p.Unchanged) != 1 || p.Unchanged[0] != b.Target().Name || len(p.Call.Changes) != 0 {
			b.Errorf("a second time %v are unchanged and %v are not", p.Unchanged, p.Call.Names())
		}
	})
}

// answerLost: the effect happened and its answer was lost. It is found, and
// that is the end of it.
func answerLost(b *Bench, kind driver.Kind) {
	p := b.Prepare(b.Bring(kind))
	b.effects(1, func() {
		_, err := b.Begin(p.Call)
		b.refused(err, driver.Lost)
		verdict, op := b.decide(p.Call)
		if verdict != driver.Found {
			b.Fatalf("%s, want found", verdict)
		}
		b.succeeded(p.Call, b.follow(p.Call, op))
	})
	if r := b.Current(b.Target()); r.ID != b.Expected(kind) {
		b.Errorf("after %s it runs %q, want %q", kind, r.ID, b.Expected(kind))
	}
}

// neverSent: the process died between saving the intent and sending it.
func neverSent(b *Bench, kind driver.Kind) {
	p := b.Prepare(b.Bring(kind))
	b.effects(0, func() { b.absent(p.Call) })
	b.sendsNow(p.Call)
}

// dropped: it was sent, and got lost on the way there.
func dropped(b *Bench, kind driver.Kind) {
	p := b.Prepare(b.Bring(kind))
	b.effects(0, func() {
		_, err := b.Begin(p.Call)
		b.refused(err, driver.Lost)
		b.absent(p.Call)
	})
	b.sendsNow(p.Call)
}

// throttled: no effect, and the same call may be sent again.
func throttled(b *Bench, kind driver.Kind) {
	p := b.Prepare(b.Bring(kind))
	b.effects(0, func() {
		_, err := b.Begin(p.Call)
		b.requestID(b.refused(err, driver.Retryable).RequestID)
	})
	b.sendsNow(p.Call)
}

// denied: no effect, and the error says who, what and how to go on.
func denied(b *Bench, kind driver.Kind) {
	p := b.Prepare(b.Bring(kind))
	b.effects(0, func() {
		_, err := b.Begin(p.Call)
		e := b.refused(err, driver.Denied)
		b.requestID(e.RequestID)
		if e.Remedy == "" {
			b.Errorf("no remedy in %v", e)
		}
	})
}

// cancelled: once the context has ended nothing is sent.
func cancelled(b *Bench, kind driver.Kind) {
	p := b.Prepare(b.Bring(kind))
	ctx, cancel := context.WithCancel(b.Context())
	cancel()
	b.effects(0, func() {
		if op, err := b.place(b.Target()).Begin(ctx, p.Call); err == nil {
			b.Errorf("begun: %+v", op)
		}
		d, err := b.Open(b.Context(), driver.Env{Getenv: func(name string) string { return b.Env[name] }, Now: b.Now})
		b.Must(err)
		if op, err := d.Begin(ctx, p.Call); err == nil { // the driver itself, too
			b.Errorf("begun: %+v", op)
		}
	})
}

func (b *Bench) absent(c driver.Call) {
	b.Helper()
	if verdict, _ := b.decide(c); verdict != driver.Absent {
		b.Fatalf("%s, want absent", verdict)
	}
}

// sendsNow begins a call that had no effect so far.
func (b *Bench) sendsNow(c driver.Call) {
	b.Helper()
	b.effects(1, func() {
		op, err := b.Begin(c)
		b.Must(err)
		b.succeeded(c, b.follow(c, op))
	})
}
