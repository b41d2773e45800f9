package deploymentmanager

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"sluice/internal/sandbox/deploymentmanager/wire"
)

// begin puts an operation on a deployment to work.
func (e *Emulator) begin(c *call, d *deployment, kind string, m *manifest) *wire.Operation {
	n := e.state.next()
	name := fmt.Sprintf("operation-%d-%s-%08x", e.now().UnixMilli(), kind[:3], n)
	op := &operation{
		API: &wire.Operation{
			Kind: "deploymentmanager#operation", ID: e.id(name), Name: name, OperationType: kind, Status: "PENDING",
			TargetLink: d.API.SelfLink, TargetID: d.API.ID, User: "sandbox@example.com", InsertTime: e.stamp(), SelfLink: c.link("operations/" + name),
		},
		Deployment: c.key(), Preview: c.preview(), Fault: string(c.fault), Began: e.now(),
	}
	if m != nil {
		op.Manifest = m.Name
	}
	key := c.project + "/" + name
	e.state.Operations[key] = op
	d.Working, d.API.Operation = key, op.API
	e.touch(d)
	return op.API
}

func (e *Emulator) getOperation(c *call) (any, error) {
	op, ok := e.state.Operations[c.key()]
	if !ok || op.Gone {
		return nil, notFound("operation", "projects/"+c.project+"/global/operations/"+c.name)
	}
	return op.API, nil
}

func (e *Emulator) listOperations(c *call) (any, error) {
	var all []*wire.Operation
	for _, key := range slices.Sorted(maps.Keys(e.state.Operations)) {
		if op := e.state.Operations[key]; strings.HasPrefix(key, c.project+"/") && !op.Gone {
			all = append(all, op.API)
		}
	}
	items, next, err := page(c, all)
	return &wire.OperationsListResponse{Operations: items, NextPageToken: next}, err
}

// settle lets the operations run on to the present.
func (e *Emulator) settle() {
	for _, key := range slices.Sorted(maps.Keys(e.state.Operations)) {
		op := e.state.Operations[key]
		d := e.state.Deployments[op.Deployment]
		if op.API.Status == "DONE" || d == nil {
			continue
		}
		e.run(op, d)
		d.API.Operation = op.API
	}
}

// run takes an operation as far as the time since it began.
//
// docs/platforms.md: "status PENDING, RUNNING, DONE"
func (e *Emulator) run(op *operation, d *deployment) {
	passed := e.now().Sub(op.Began)
	op.Gone = op.Fault == string(FaultVanish) && passed > 0
	if passed < e.Step/2 {
		return
	}
	if op.API.Status == "PENDING" {
		op.API.Status, op.API.StartTime, op.API.Progress = "RUNNING", e.stamp(), 50
	}
	if passed < e.Step || op.Fault == string(FaultHang) {
		return
	}
	op.API.Status, op.API.Progress, op.API.EndTime = "DONE", 100, e.stamp()
	d.Working = ""
	switch op.Fault {
	case string(FaultFail):
		op.API.Error = &wire.OperationError{Errors: []*wire.OperationErrorErrors{nestedObject(d.API.Name)}}
	case string(FaultFailMany):
		op.API.Error = &wire.OperationError{Errors: everyShape(d.API.Name)}
	case string(FaultWarn):
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
	case op.API.OperationType == "cancelPreview" || op.API.Error != nil:
		d.API.Update = nil
	case !op.Preview:
		d.API.Manifest = d.manifest(op.Manifest).SelfLink
		if d.API.Update != nil {
			d.API.Description = d.API.Update.Description
			d.API.Labels = nil
			for _, l := range d.API.Update.Labels {
				d.API.Labels = append(d.API.Labels, &wire.DeploymentLabelEntry{Key: l.Key, Value: l.Value})
			}
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
		{Code: "DEPRECATED_RESOURCE_USED", Message: "The image is deprecated.", Data: []*wire.OperationWarningsData{{Key: "resource_name", Value: "vm"}}},
		{Message: "The disk is larger than the image."},
	}
}
