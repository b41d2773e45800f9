package deploymentmanager

import (
	"fmt"

	"sluice/stages/driver"
	"sluice/stages/google"
)

// stopping is the type of the operation that stops another.
const stopping = "stop"

// stops reports whether the operation stops another one.
func (o operation) stops() bool { return o.OperationType == stopping }

// stopped reports whether the last that happened on the deployment is that its
// operation was stopped.
func (o observed) stopped() bool {
	return o.newest != nil && o.newest.stops() && o.newest.done() && !o.newest.failed()
}

// isNewer reports whether a manifest was not made before the one that the deployment
// runs: something was to bring it, and did not.
func (o observed) isNewer(m *manifest) bool {
	return o.manifest == nil || !google.Clock(m.InsertTime).Before(google.Clock(o.manifest.InsertTime))
}

// wasStopped is why an operation that somebody stopped brought nothing.
func wasStopped() driver.Problem {
	return driver.Problem{
		Code:    "STOPPED",
		Message: "the operation was stopped: what it had done to resources stays, and the deployment does not run the release",
	}
}

// prepareStop checks that an operation is at work on the deployment for the release.
// What was done to resources stays, and nothing goes back: that is a rollback's.
func (p *draft) prepareStop() (driver.Prepared, error) {
	o := p.seen
	switch id := p.change.Release.ID; {
	case !o.working():
		p.refuse("no operation is at work on the deployment: there is nothing to stop", "")
	case o.newest.stops():
		p.refuse(fmt.Sprintf("operation %s stops what is at work on the deployment already", o.newest.Name), "")
	case id != "" && o.update.Release != id:
		p.refuse(fmt.Sprintf("operation %s (%s) is at work on the deployment, and does not bring %s: somebody else began it", o.newest.Name, o.newest.OperationType, id),
			driver.Shell("gcloud", "deployment-manager", "deployments", "stop", p.at.Deployment, "--project="+p.at.Project)+" stops it all the same")
	}
	if p.refused() {
		return p.stopped(), nil
	}
	f := frozen{Release: o.update.Release, Fingerprint: o.deployment.Fingerprint, Before: o.current}
	return p.freeze(f, fmt.Sprintf("POST %s/stop {fingerprint: %s}", p.at.deployment(), f.Fingerprint))
}

// judgeStop says what became of the request to stop an operation.
func (o observed) judgeStop(op driver.Operation, f frozen) driver.Operation {
	switch {
	case o.current.Release == f.Release && o.update.Release == "":
		return failedWith(op, driver.Problem{Code: "DONE", Message: "the operation was over before it could be stopped: the deployment runs the release"})
	case o.working():
		return op
	default:
		return o.succeed(op)
	}
}

// lookupStop finds the request to stop an operation in what is at work, or came last.
func (o observed) lookupStop(op driver.Operation, f frozen) (driver.Verdict, driver.Operation, error) {
	if o.newest == nil || !o.newest.stops() {
		return driver.Absent, driver.Operation{}, nil
	}
	if o.newest.failed() {
		return driver.Found, o.newest.end(op), nil
	}
	return driver.Found, o.judgeStop(op, f), nil
}
