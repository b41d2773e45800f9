package deploymentmanager

import (
	"context"
	"fmt"
	"time"

	"sluice/stages/driver"
	"sluice/stages/google"
)

// waitApproval is what a preview waits for, as Result.Waiting.
const waitApproval = "approval"

// readBack says what an operation that ended well left: success is our release
// as what the deployment runs.
func (o observed) readBack(op driver.Operation, f frozen) driver.Operation {
	switch {
	case op.Call.Kind == driver.Terminate:
		return o.judgeStop(op, f)
	case op.Call.Kind == driver.Reject && o.update.Release == "":
		return o.succeed(op)
	case o.current.Release == f.Release && o.update.Release == "":
		return o.succeed(op)
	case o.stopped():
		return failedWith(op, wasStopped())
	case f.Preview || op.Call.Kind == driver.Approve || op.Call.Kind == driver.Reject:
		return o.previewed(op, f)
	case o.working():
		return op
	}
	return failedWith(op, driver.Problem{
		Code:    "NOT_DEPLOYED",
		Message: fmt.Sprintf("the operation ended without an error, but the deployment runs %s by manifest %s", o.current.Release, o.current.Manifest),
	})
}

// previewed is about a preview, and about the word on it.
func (o observed) previewed(op driver.Operation, f frozen) driver.Operation {
	name := op.Call.Changes[0].Target.Name
	switch {
	case o.working():
		return op
	case o.newest != nil && o.newest.failed():
		return o.newest.end(op)
	case o.update.Release == f.Release && op.Call.Kind == driver.Deploy:
		op.Results[name] = driver.Result{Outcome: driver.Open, Waiting: waitApproval, Data: op.Results[name].Data}
		op.Warnings = append(op.Warnings, driver.Problem{
			Code: "PREVIEW", Message: fmt.Sprintf("manifest %s is previewed and waits: approve it to deploy it, or reject it", o.update.Manifest),
		})
		return op
	case o.update.Release == f.Release:
		return op
	}
	return failedWith(op, driver.Problem{Code: "PREVIEW_CANCELLED", Message: "the preview is gone and was not deployed; the deployment runs what it ran before"})
}

// succeed ends an operation with what was read back.
func (o observed) succeed(op driver.Operation) driver.Operation {
	change := op.Call.Changes[0]
	release := o.release()
	if release.ID == change.Release.ID {
		release.Comment = change.Release.Comment
	}
	op.Status, op.Progress = driver.Done, 100
	data := op.Results[change.Target.Name].Data
	op.Results = map[string]driver.Result{change.Target.Name: {Outcome: driver.Succeeded, Release: release, After: o.current.json(), Data: data}}
	return op
}

// vanished is about an operation that the platform does not know any more: the
// deployment tells what it did.
func (d *deploymentmanager) vanished(ctx context.Context, op driver.Operation, at place, f frozen) (driver.Operation, error) {
	o, err := d.observe(ctx, at)
	if err != nil {
		return op, err
	}
	next := o.readBack(op, f)
	result := next.Results[op.Call.Changes[0].Target.Name]
	if result.Outcome == driver.Failed {
		result.Errors = append([]driver.Problem{{Code: "404", Location: "operation " + op.ID, Message: "Deployment Manager does not know the operation any more"}}, result.Errors...)
		next.Results[op.Call.Changes[0].Target.Name] = result
	}
	return next, nil
}

// Lookup compares manifests: what the deployment runs or is being given, with
// what stood before and what the call brings. A stale fingerprint proves
// nothing.
func (d *deploymentmanager) Lookup(ctx context.Context, c driver.Call) (driver.Verdict, driver.Operation, error) {
	f, at, err := thaw(c)
	if err != nil {
		return driver.Undecided, driver.Operation{}, err
	}
	o, err := d.observe(ctx, at)
	if err != nil {
		return driver.Undecided, driver.Operation{}, err
	}
	if o.deployment == nil || o.deployment.Fingerprint == f.Fingerprint {
		return driver.Absent, driver.Operation{}, nil
	}
	op := o.operation(c)
	switch c.Kind {
	case driver.Reject:
		return o.lookupReject(op, f)
	case driver.Terminate:
		return o.lookupStop(op, f)
	}
	switch {
	case o.update.Release == f.Release && (c.Kind != driver.Approve || o.working()):
		return driver.Found, o.followed(op, f), nil
	case o.update.Release == f.Release:
		return driver.Absent, driver.Operation{}, nil // the preview, waiting still
	case o.current.Release == f.Release:
		return driver.Found, o.succeed(op), nil
	case o.update.Release != "" || o.current != f.Before:
		return driver.ForeignChange, o.foreign(op), nil
	}
	return d.lookupFailed(ctx, op, o, f)
}

// operation is the deployment's newest operation as the call's.
func (o observed) operation(c driver.Call) driver.Operation {
	if o.newest == nil {
		return operation{Status: string(driver.Running)}.open(c)
	}
	return o.newest.open(c)
}

// followed is the call's operation as far as it is.
func (o observed) followed(op driver.Operation, f frozen) driver.Operation {
	if o.newest != nil && o.newest.failed() {
		return o.newest.end(op)
	}
	return o.readBack(op, f)
}

func (o observed) lookupReject(op driver.Operation, f frozen) (driver.Verdict, driver.Operation, error) {
	switch {
	case o.current.Release == f.Release && o.update.Release == "":
		return driver.ForeignChange, o.foreign(op), nil // somebody approved it
	case o.update.Release == "":
		return driver.Found, o.succeed(op), nil
	case o.working():
		return driver.Found, op, nil
	default:
		return driver.Absent, driver.Operation{}, nil
	}
}

// lookupFailed decides where the deployment runs what it ran before although
// its fingerprint changed: an update of ours may have failed, which leaves its
// manifest in the deployment's history.
func (d *deploymentmanager) lookupFailed(ctx context.Context, op driver.Operation, o observed, f frozen) (driver.Verdict, driver.Operation, error) {
	hit, ok, err := d.history(ctx, o.at, f.Release)
	if err != nil {
		return driver.Undecided, driver.Operation{}, err
	}
	switch {
	case !ok || o.newest == nil:
	case o.newest.failed() && o.newest.brought(hit.manifest):
		return driver.Found, o.newest.end(op), nil
	case o.stopped() && o.isNewer(hit.manifest):
		return driver.Found, failedWith(op, wasStopped()), nil
	}
	return driver.Absent, driver.Operation{}, nil
}

// skew is how far apart the platform's own times of one thing may be.
const skew = time.Minute

// brought reports whether the manifest is as young as the operation, both by
// the platform's clock.
func (o operation) brought(m *manifest) bool {
	return !google.Clock(m.InsertTime).Before(google.Clock(o.InsertTime).Add(-skew))
}

// foreign is what somebody else made of the deployment.
func (o observed) foreign(op driver.Operation) driver.Operation {
	stands := o.current
	if o.update.Release != "" {
		stands = o.update
	}
	op = failedWith(op, driver.Problem{Code: "FOREIGN", Message: fmt.Sprintf("somebody else gave the deployment manifest %s", stands.Manifest)})
	name := op.Call.Changes[0].Target.Name
	result := op.Results[name]
	result.Release, result.After = driver.Release{ID: stands.Release, Platform: stands.Manifest}, stands.json()
	op.Results[name] = result
	return op
}
