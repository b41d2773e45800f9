package inframanager

import (
	"context"
	"fmt"
	"time"

	"sluice/stages/driver"
	"sluice/stages/google"
)

// Lookup finds a call's revision or preview. What does not show may still come to,
// until it has had time to settle; a repeat has the same request id.
func (d *inframanager) Lookup(ctx context.Context, c driver.Call) (driver.Verdict, driver.Operation, error) {
	f, at, err := thaw(c)
	if err != nil {
		return driver.Undecided, driver.Operation{}, err
	}
	find := d.lookupApply
	switch f.Do {
	case propose:
		find = d.lookupPreview
	case drop:
		find = d.lookupDrop
	}
	op := driver.Operation{Call: c, Status: driver.Running, Results: map[string]driver.Result{c.Changes[0].Target.Name: {Outcome: driver.Open}}}
	verdict, op, err := find(ctx, op, at, f)
	if err == nil && verdict == driver.Absent && d.now().Before(c.Intended.Add(settle)) {
		verdict = driver.Undecided
	}
	return verdict, op, err
}

func (d *inframanager) lookupApply(ctx context.Context, op driver.Operation, at place, f frozen) (driver.Verdict, driver.Operation, error) {
	o, err := d.observe(ctx, at)
	switch {
	case err != nil:
		return driver.Undecided, op, err
	case o.latest() <= f.Latest && o.steady():
		return driver.Absent, op, nil
	case o.latest() <= f.Latest:
		return driver.Undecided, op, nil // at work, and it does not show yet on what
	}
	mine, err := d.mine(ctx, o, f)
	switch {
	case err != nil:
		return driver.Undecided, op, err
	case mine == nil:
		return driver.ForeignChange, o.foreign(op), nil
	}
	op, err = d.afterApply(ctx, op, o, f)
	return driver.Found, op, err
}

func (d *inframanager) lookupPreview(ctx context.Context, op driver.Operation, at place, f frozen) (driver.Verdict, driver.Operation, error) {
	shown, err := d.preview(ctx, at, f.Preview)
	if err != nil {
		return driver.Undecided, op, err
	}
	o, err := d.observe(ctx, at)
	switch {
	case err != nil:
		return driver.Undecided, op, err
	case shown != nil && op.Call.Kind == driver.Approve:
		return driver.Found, o.afterAnew(op, shown, f), nil
	case shown != nil || o.runs(f):
		op, err = d.afterPreview(ctx, op, o, shown, f)
		return driver.Found, op, err
	case o.latest() > f.Latest:
		return driver.ForeignChange, o.foreign(op), nil
	}
	return driver.Absent, op, nil
}

func (d *inframanager) lookupDrop(ctx context.Context, op driver.Operation, at place, f frozen) (driver.Verdict, driver.Operation, error) {
	shown, err := d.preview(ctx, at, f.Preview)
	if err != nil {
		return driver.Undecided, op, err
	}
	o, err := d.observe(ctx, at)
	switch {
	case err != nil:
		return driver.Undecided, op, err
	case shown != nil:
		return driver.Absent, op, nil
	case o.latest() > f.Latest && o.newest.release() == f.Release:
		return driver.ForeignChange, o.foreign(op), nil // somebody approved it
	}
	return driver.Found, o.succeed(op), nil
}

// Operation reads an operation of the target's location, whatever it works on.
func (d *inframanager) Operation(ctx context.Context, t driver.Target, name string) (driver.Operation, time.Duration, error) {
	at, err := placeOf(t)
	if err != nil {
		return driver.Operation{}, 0, err
	}
	id := google.Last(name)
	if !google.IsName(id) {
		return driver.Operation{}, 0, &google.NotFoundError{Text: fmt.Sprintf("%q cannot be the name of an operation; want one such as operation-1710000000000-5b9", name)}
	}
	o, err := google.Decoded[operation](d.client.Get(ctx, at.location()+"/operations/"+id))
	if err != nil {
		return driver.Operation{}, 0, err
	}
	op := o.open(driver.Call{Changes: []driver.Change{{Target: t}}})
	switch {
	case o.Error != nil:
		op = failedWith(op, o.problems()...)
	case o.Done:
		op.Status = driver.Done
		op.Results[t.Name] = driver.Result{Outcome: driver.Succeeded, Data: o.about()}
	}
	op.Call = driver.Call{}
	return op, 0, nil
}
