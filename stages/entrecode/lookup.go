package entrecode

import (
	"context"

	"sluice/stages/driver"
)

// Lookup implements driver.Driver: it looks for deployments of the call's build
// to its targets that came after the call was prepared. Two of them would both
// have made true what the call wants; the newest is followed.
func (p *platform) Lookup(ctx context.Context, c driver.Call) (driver.Verdict, driver.Operation, error) {
	f, err := frozenOf(c)
	if err != nil {
		return driver.Undecided, driver.Operation{}, err
	}
	v := p.session()
	at, err := v.place(ctx, c.Changes[0].Target)
	if err != nil {
		return driver.Undecided, driver.Operation{}, err
	}
	stranger, ours, err := v.since(ctx, at, f)
	switch {
	case err != nil:
		return driver.Undecided, driver.Operation{}, err
	case ours != nil:
		return driver.Found, ours.operation(c, f), nil
	case p.env.Time().Before(c.Intended.Add(Facts().Settle)):
		return driver.Undecided, driver.Operation{}, nil
	case stranger != nil:
		op, err := v.foreign(ctx, c, at, *stranger)
		return driver.ForeignChange, op, err
	default:
		return driver.Absent, driver.Operation{}, nil
	}
}

// since finds the newest deployment after the call was prepared that is the
// call's, and the newest other one to any of its targets that did not fail.
func (v *session) since(ctx context.Context, at *place, f frozen) (stranger, ours *deployment, err error) {
	all, err := v.deployments(ctx, at)
	if err != nil {
		return nil, nil, err
	}
	if err := has(all, f.Mark.Number); err != nil {
		return nil, nil, err
	}
	for _, d := range all {
		if !f.Mark.before(d) {
			continue
		}
		targets, err := v.goesTo(ctx, d)
		if err != nil {
			return nil, nil, err
		}
		if !touches(targets, at.TargetIDs) {
			continue
		}
		build, err := v.buildID(ctx, d)
		if err != nil {
			return nil, nil, err
		}
		switch {
		case build == f.BuildID && sameSet(targets, at.TargetIDs):
			return nil, &d, nil
		case stranger == nil && d.status != statusError:
			stranger = &d
		}
	}
	return stranger, nil, nil
}

// foreign is what stands by somebody else's hand, as an operation.
func (v *session) foreign(ctx context.Context, c driver.Call, at *place, d deployment) (driver.Operation, error) {
	build, err := v.buildID(ctx, d)
	if err != nil {
		return driver.Operation{}, err
	}
	op := d.operation(c, frozen{BuildID: build})
	for name, result := range op.Results {
		result.Outcome, result.After = driver.Open, at.snapshot(build)
		op.Results[name] = result
	}
	return op, nil
}
