package clouddeploy

import (
	"context"
	"fmt"

	"sluice/stages/driver"
	"sluice/stages/google"
)

// lookupRollout finds the rollout by its frozen name.
func (f frozenCall) lookupRollout(ctx context.Context) (driver.Verdict, driver.Operation, error) {
	raw, err := f.api.client.Get(ctx, root+f.Rollout)
	if err == nil {
		op, err := f.mirror(ctx, f.running(), raw)
		return driver.Found, op, err
	}
	if explain(err).Code != driver.NotFound {
		return driver.Undecided, driver.Operation{}, err
	}
	at, err := placeOf(f.change().Target)
	if err != nil {
		return driver.Undecided, driver.Operation{}, err
	}
	newest, err := f.api.newest(ctx, at)
	if err != nil {
		return driver.Undecided, driver.Operation{}, err
	}
	if newest == nil || newest.Name == f.Newest {
		return driver.Absent, driver.Operation{}, nil
	}
	return driver.ForeignChange, foreign(f.Call, newest), nil
}

// foreign is what somebody else made of the target.
func foreign(c driver.Call, newest *rollout) driver.Operation {
	message := fmt.Sprintf("rollout %s was made on the target meanwhile, and ours was not", google.Last(newest.Name))
	return driver.Operation{
		Call: c, Kind: string(c.Kind), Status: driver.Done,
		Results: map[string]driver.Result{c.Changes[0].Target.Name: {
			Outcome: driver.Failed, Release: driver.Release{ID: releaseOf(newest.Name), Platform: newest.Name},
			After: standingOf(newest).json(), Errors: []driver.Problem{{Code: "FOREIGN", Message: message}},
		}},
	}
}

// lookupCommand decides a lost command by the rollout.
func (f frozenCall) lookupCommand(ctx context.Context) (driver.Verdict, driver.Operation, error) {
	raw, err := f.api.client.Get(ctx, root+f.Rollout)
	if err != nil {
		return driver.Undecided, driver.Operation{}, err
	}
	op, err := f.mirror(ctx, f.running(), raw)
	if err != nil {
		return driver.Undecided, driver.Operation{}, err
	}
	if op.Results[f.change().Target.Name].Outcome == driver.Succeeded {
		return driver.Found, op, nil
	}
	// Neither this command nor, where the rollout is over, any other: sent
	// again it is refused with Cloud Deploy's own reason.
	return driver.Absent, driver.Operation{}, nil
}
