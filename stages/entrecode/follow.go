package entrecode

import (
	"context"
	"slices"
	"time"

	"sluice/stages/driver"
)

// Operation follows a deployment of the target's platform by its deploymentID,
// whoever made it.
func (p *platform) Operation(ctx context.Context, t driver.Target, name string) (driver.Operation, time.Duration, error) {
	v := p.session()
	at, err := v.place(ctx, t)
	if err != nil {
		return driver.Operation{}, 0, err
	}
	all, err := v.deployments(ctx, at)
	if err != nil {
		return driver.Operation{}, 0, err
	}
	i := slices.IndexFunc(all, func(d deployment) bool { return looseID(d.fields["deploymentID"]) == name })
	if i < 0 {
		return driver.Operation{}, 0, &missing{what: "deployment", id: name, where: "platform " + at.PlatformID, remedy: "name a deployment of this target's platform by its deploymentID"}
	}
	d := all[i]
	build, err := v.buildID(ctx, d)
	if err != nil {
		return driver.Operation{}, 0, err
	}
	op := d.operation(driver.Call{Changes: []driver.Change{{Target: t}}}, frozen{BuildID: build})
	op.Kind = "deployment"
	if d.status == statusSuccess {
		result := op.Results[t.Name]
		result.Outcome = driver.Succeeded
		op.Status, op.Progress, op.Results[t.Name] = driver.Done, 100, result
	}
	return op, 0, nil
}
