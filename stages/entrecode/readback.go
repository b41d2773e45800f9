package entrecode

import (
	"context"
	"encoding/json"
	"fmt"

	"sluice/stages/driver"
)

// readBack ends an operation whose deployment says success. What is read back
// is a build on targets, not a word: the deployment must be the one that was
// asked for, and nothing may have come after it.
func (v *session) readBack(ctx context.Context, d deployment, op *driver.Operation, f frozen) error {
	target := op.Call.Changes[0].Target
	at, err := configOf(target)
	if err != nil {
		return err
	}
	build, err := v.buildID(ctx, d)
	if err != nil {
		return err
	}
	if text := d.differs(f.BuildID, at); text != "" {
		return &mismatch{text}
	}
	if build != f.BuildID {
		return &mismatch{fmt.Sprintf("%s has build %s, not %s", d, build, f.BuildID)}
	}
	targets, err := v.goesTo(ctx, d)
	if err != nil {
		return err
	}
	if !sameSet(targets, at.TargetIDs) {
		return &mismatch{fmt.Sprintf("%s went to targets %v, not %v", d, targets, at.TargetIDs)}
	}
	later, err := v.successor(ctx, d, *op, at, build)
	if err != nil {
		return err
	}
	result := op.Results[target.Name]
	op.Status, op.Progress = driver.Done, 100
	if later == "" {
		result.Outcome, result.After = driver.Succeeded, (&place{config: at}).snapshot(build)
	} else {
		result.Outcome = driver.Failed
		result.Errors = []driver.Problem{{Code: "superseded", Location: d.String(), Message: later}}
	}
	op.Results[target.Name] = result
	return nil
}

// successor says which newer deployment put another build on one of the
// targets; "" where none did.
func (v *session) successor(ctx context.Context, d deployment, op driver.Operation, at config, build string) (string, error) {
	var k kept
	_ = json.Unmarshal(op.Data, &k) // without links the list is looked for
	all, err := v.neighbours(ctx, op, k)
	if err != nil {
		return "", err
	}
	if err := has(all, d.number); err != nil {
		return "", err
	}
	newer := newestFirst(append(all, d))
	for _, other := range all {
		if other.status != statusSuccess || newer(other, d) >= 0 {
			continue
		}
		targets, err := v.goesTo(ctx, other)
		if err != nil {
			return "", err
		}
		if !touches(targets, at.TargetIDs) {
			continue
		}
		if id, err := v.buildID(ctx, other); err != nil || id != build {
			return fmt.Sprintf("it succeeded, but %s with build %s came after it", other, id), err
		}
	}
	return "", nil
}
