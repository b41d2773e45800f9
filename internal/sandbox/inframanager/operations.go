package inframanager

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// begin puts an operation on a resource to work.
func (e *Emulator) begin(c *call, on, verb string) *operation {
	name := fmt.Sprintf("%s/operations/operation-%d-%06x", c.location, e.now().UnixMilli(), e.state.next())
	op := &operation{
		API: operationAPI{Name: name, Metadata: map[string]any{
			"@type": "type.googleapis.com/google.cloud.config.v1.OperationMetadata", "createTime": e.stamp(),
			"target": on, "verb": verb, "apiVersion": "v1",
		}},
		Began: e.now(), Fault: string(c.fault),
	}
	e.state.Operations[name] = op
	if id := c.query("requestId"); id != "" {
		e.state.Requests[id] = name
	}
	return op
}

// repeated is the operation that a request with the same id began, nil for none.
//
// docs/platforms.md: "A `requestId` that was there makes it "ignore the second request", for 60 minutes at least."
func (e *Emulator) repeated(c *call) *operation {
	id := c.query("requestId")
	if id == "" {
		return nil
	}
	return e.state.Operations[e.state.Requests[id]]
}

func (e *Emulator) getOperation(c *call) (any, error) {
	op, ok := e.state.Operations[c.name]
	if !ok || op.Gone {
		return nil, notFound(c.name)
	}
	return op.API, nil
}

func (e *Emulator) listOperations(c *call) (any, error) {
	var all []operationAPI
	for _, name := range slices.Sorted(maps.Keys(e.state.Operations)) {
		if op := e.state.Operations[name]; strings.HasPrefix(name, c.location+"/") && !op.Gone {
			all = append(all, op.API)
		}
	}
	return listed(c, "operations", all)
}

// settle lets the operations run on to the present.
func (e *Emulator) settle() {
	for _, name := range slices.Sorted(maps.Keys(e.state.Operations)) {
		op := e.state.Operations[name]
		if !op.API.Done {
			e.run(op)
		}
	}
	for _, p := range e.state.Previews {
		// docs/platforms.md: "A preview can become stale if a revision has been applied after this preview was created"
		if d := e.state.Deployments[p.Deployment]; d != nil && p.State == succeeded && p.On != d.newest().Name {
			p.State = stale
		}
	}
}

// run ends an operation whose time is over.
func (e *Emulator) run(op *operation) {
	passed := e.now().Sub(op.Began)
	op.Gone = op.Fault == string(FaultVanish) && passed > 0
	if passed < e.Step || op.Fault == string(FaultHang) {
		return
	}
	op.API.Done, op.API.Metadata["endTime"] = true, e.stamp()
	on, _ := op.API.Metadata["target"].(string)
	switch d, p := e.state.Deployments[on], e.state.Previews[on]; {
	case d != nil && d.Working == op.API.Name:
		e.applied(op, d)
	case p != nil:
		e.previewed(op, p)
	default:
		op.API.Response = []byte(`{}`)
	}
}
