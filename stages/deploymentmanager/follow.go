package deploymentmanager

import (
	"context"
	"fmt"
	"time"

	"sluice/stages/driver"
	"sluice/stages/google"
)

// Operation reads an operation of the target's project, whatever it works on:
// deployments, types and type providers have their operations in one list.
func (d *deploymentmanager) Operation(ctx context.Context, t driver.Target, name string) (driver.Operation, time.Duration, error) {
	at, err := placeOf(t)
	if err != nil {
		return driver.Operation{}, 0, err
	}
	id := google.Last(name)
	if !google.IsName(id) {
		return driver.Operation{}, 0, &google.NotFoundError{Text: fmt.Sprintf("%q cannot be the name of an operation; want one such as operation-1710000000000-5b9", name)}
	}
	raw, err := d.client.Get(ctx, at.global()+"operations/"+id)
	if err != nil {
		return driver.Operation{}, 0, err
	}
	o, err := operationOf(raw)
	if err != nil {
		return driver.Operation{}, 0, err
	}
	op := o.open(driver.Call{Changes: []driver.Change{{Target: t}}})
	switch {
	case o.failed():
		op = o.end(op)
	case o.done():
		op.Status = driver.Done
		op.Results[t.Name] = driver.Result{Outcome: driver.Succeeded, Data: o.about()}
	}
	op.Call = driver.Call{}
	return op, 0, nil
}
