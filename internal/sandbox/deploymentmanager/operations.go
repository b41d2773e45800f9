package deploymentmanager

import (
	"fmt"
	"strings"

	"sluice/internal/sandbox/deploymentmanager/wire"
	"sluice/internal/sandbox/googleapi"
	"sluice/internal/sandbox/kit"
)

// begin puts an operation on a deployment to work.
func (e *Emulator) begin(c *call, d *deployment, kind string, m *manifest) *wire.Operation {
	op := e.operationOn(d, kind, m)
	op.Preview, op.Work = c.Flag("preview"), kit.Begin(e.Now(), c.Fault())
	d.Working = nameOf(op.API.SelfLink)
	return op.API
}

// operationOn notes an operation on a deployment.
func (e *Emulator) operationOn(d *deployment, kind string, m *manifest) *operation {
	id := fmt.Sprintf("operation-%d-%s-%08x", e.Now().UnixMilli(), kind[:3], e.State.Next())
	on := nameOf(d.API.SelfLink)
	name := strings.TrimSuffix(on, "deployments/"+d.API.Name) + "operations/" + id
	op := &operation{Deployment: on, API: &wire.Operation{
		Kind: "deploymentmanager#operation", ID: e.id(id), Name: id, OperationType: kind, Status: "PENDING",
		TargetLink: d.API.SelfLink, TargetID: d.API.ID, User: "sandbox@example.com", InsertTime: e.stamp(), SelfLink: link(name),
	}}
	if m != nil {
		op.Manifest = m.Name
	}
	e.State.Operations[name], d.API.Operation = op, op.API
	e.touch(d)
	return op
}

// nameOf is the resource that a link leads to.
func nameOf(of string) string { return strings.TrimPrefix(of, link("")) }

func (e *Emulator) getOperation(c *call) (any, error) {
	if op := e.State.Operations[c.Name]; op != nil && !op.Gone {
		return op.API, nil
	}
	return nil, notFound("operation", c.Name)
}

func (e *Emulator) listOperations(c *call) (any, error) {
	known := kit.Those(googleapi.Under(e.State.Operations, c.Name, "operations"), func(op *operation) bool { return !op.Gone })
	return listed(c, "operations", kit.Shown(known, func(op *operation) any { return op.API }))
}

// settle lets the operations run on to the present.
func (e *Emulator) settle() {
	for _, op := range kit.Sorted(e.State.Operations) {
		if d := e.State.Deployments[op.Deployment]; op.API.Status != "DONE" && d != nil && !op.Stopping {
			e.run(op, d)
			d.API.Operation = op.API
		}
	}
}

// stop ends what is at work on a deployment.
//
// docs/platforms.md: "`stop` {fingerprint} ends what is at work on a deployment"
func (e *Emulator) stop(c *call, d *deployment, in *wire.FingerprintRequest) (any, error) {
	if in.Fingerprint != d.API.Fingerprint {
		return nil, staleFingerprint()
	}
	working := d.Working
	if working == "" || e.State.Operations[working].Stops != "" {
		return nil, googleapi.Invalid("Deployment '%s' has no operation that could be stopped", d.API.Name)
	}
	e.State.Operations[working].Stopping = true
	answer := e.begin(c, d, "stop", nil)
	e.State.Operations[d.Working].Stops = working
	return answer, nil
}

// endStop ends the operation that another one stopped, or lets it go on where that
// failed.
//
// docs/platforms.md: "the operation that it stops ends DONE with an error"
func (e *Emulator) endStop(op *operation, d *deployment) {
	stopped := e.State.Operations[op.Stops]
	stopped.Stopping = false
	if op.API.Error != nil {
		d.Working = op.Stops
		return
	}
	stopped.API.Status, stopped.API.Progress, stopped.API.EndTime = "DONE", 100, e.stamp()
	stopped.API.Error = &wire.OperationError{Errors: []*wire.OperationErrorErrors{{Code: "OPERATION_STOPPED", Message: "The operation was stopped by the user."}}}
	d.API.Update = nil
}

// run takes an operation as far as the time since it began.
//
// docs/platforms.md: "status PENDING, RUNNING, DONE"
func (e *Emulator) run(op *operation, d *deployment) {
	over := op.Run(e.Now(), e.Step)
	if op.Half(e.Now(), e.Step) && op.API.Status == "PENDING" {
		op.API.Status, op.API.StartTime, op.API.Progress = "RUNNING", e.stamp(), 50
	}
	if !over {
		return
	}
	op.API.Status, op.API.Progress, op.API.EndTime = "DONE", 100, e.stamp()
	d.Working = ""
	switch op.Fault {
	case FaultFail:
		op.API.Error = &wire.OperationError{Errors: []*wire.OperationErrorErrors{nestedObject(d.API.Name)}}
	case FaultFailMany:
		op.API.Error = &wire.OperationError{Errors: everyShape(d.API.Name)}
	case FaultWarn:
		op.API.Warnings = warnings()
	}
	e.end(op, d)
}

// end puts what an operation did into its deployment. A failure leaves what was
// deployed before.
//
// docs/platforms.md: "HTTP 200, DONE and progress 100 with a non-empty `error`
// is a failure."
func (e *Emulator) end(op *operation, d *deployment) {
	switch {
	case op.Stops != "":
		e.endStop(op, d)
	case op.API.OperationType == "cancelPreview" || op.API.Error != nil:
		d.API.Update = nil
	case !op.Preview:
		d.API.Manifest = d.manifest(op.Manifest).SelfLink
		if d.API.Update != nil {
			d.API.Description, d.API.Labels = d.API.Update.Description, d.API.Update.Labels
		}
		d.API.Update = nil
	}
}

// nestedObject is an error whose message is an object in a string, whose own
// message is an object again.
func nestedObject(name string) *wire.OperationErrorErrors {
	return &wire.OperationErrorErrors{
		Code: "RESOURCE_ERROR", Location: "/deployments/" + name + "/resources/vm",
		Message: `{"ResourceType":"compute.v1.instance","ResourceErrorCode":"404","ResourceErrorMessage":{"code":404,"errors":[{"domain":"global","message":"The resource 'projects/debian-cloud/global/images/gone' was not found","reason":"notFound"}],"message":"The resource 'projects/debian-cloud/global/images/gone' was not found","statusMessage":"Not Found","requestPath":"https://compute.googleapis.com/compute/v1/projects/shop/zones/z/instances","httpMethod":"POST"}}`,
	}
}

// everyShape are errors of the recorded shapes.
//
// docs/platforms.md: "there may be several, `location` may be missing,
// `message` may be plain text or JSON inside a string whose inner message is
// itself an object or a string."
func everyShape(name string) []*wire.OperationErrorErrors {
	return []*wire.OperationErrorErrors{
		nestedObject(name),
		{Code: "RESOURCE_ERROR", Location: "/deployments/" + name + "/resources/bucket", Message: `{"ResourceType":"storage.v1.bucket","ResourceErrorCode":"409","ResourceErrorMessage":"You already own this bucket."}`},
		{Code: "CONDITION_NOT_MET", Message: "Invalid value for field 'size': it must be a number"},
		{Message: "something else went wrong"},
	}
}

// warnings may lack a code.
//
// docs/platforms.md: "Warnings exist too and may lack a code."
func warnings() []*wire.OperationWarnings {
	return []*wire.OperationWarnings{
		{Code: "DEPRECATED_RESOURCE_USED", Message: "The image is deprecated.", Data: []*wire.Entry{{Key: "resource_name", Value: "vm"}}},
		{Message: "The disk is larger than the image."},
	}
}
