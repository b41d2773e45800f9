package exec

import (
	"context"

	"sluice/stages/driver"
)

// Begun is told of an effect right before its program is started, and says what becomes
// of it: see [OpenWith].
type Begun func(driver.Kind) Spoil

// Spoil is what goes wrong with an effect.
type Spoil string

// The ways to spoil an effect.
const (
	Nothing Spoil = ""
	Drop    Spoil = "drop" // the program is never started, and nobody knows
	Cut     Spoil = "cut"  // the program is started, and its answer is lost
)

// lostError is an answer that was lost on purpose.
type lostError struct{ how Spoil }

// Error says so.
func (e *lostError) Error() string { return "no answer came (" + string(e.how) + ")" }

// OpenWith is [Open] for trials: begun decides what becomes of each effect.
func OpenWith(ctx context.Context, env driver.Env, begun Begun) (driver.Driver, error) {
	d, err := Open(ctx, env)
	if p, ok := d.(*programs); ok {
		p.begun = begun
	}
	return d, err
}

// begin has the program begin an effect, which a trial may spoil.
func (d *programs) begin(ctx context.Context, at place, e *effect) (answer, error) {
	if d.begun == nil {
		return d.ask(ctx, at, request{Operation: begin, Effect: e})
	}
	how := d.begun(e.Kind)
	if how == Drop {
		return answer{}, d.failed(at, begin, &lostError{how})
	}
	a, err := d.ask(ctx, at, request{Operation: begin, Effect: e})
	if how == Cut {
		return answer{}, d.failed(at, begin, &lostError{how})
	}
	return a, err
}
