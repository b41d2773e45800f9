package inframanager

import (
	"fmt"

	"sluice/internal/sandbox/googleapi"
	"sluice/internal/sandbox/kit"
)

// begin puts an operation on a resource to work.
func (e *Emulator) begin(c *call, on, verb string) *operation {
	name := fmt.Sprintf("%s/operations/operation-%d-%06x", locationOf(c.Name), e.Now().UnixMilli(), e.State.Next())
	op := &operation{
		API: googleapi.Operation{Name: name, Metadata: &googleapi.OperationMetadata{
			Type: "type.googleapis.com/google.cloud.config.v1.OperationMetadata", CreateTime: e.stamp(), Target: on, Verb: verb, APIVersion: "v1",
		}},
		Work: kit.Begin(e.Now(), c.Fault()),
	}
	e.State.Operations[name] = op
	if id := c.Param("requestId"); id != "" {
		e.State.Requests[id] = name
	}
	return op
}

// done is an operation that was over at once.
func (e *Emulator) done(c *call, on, verb string, response any) googleapi.Operation {
	op := e.begin(c, on, verb)
	op.API.Done, op.API.Response = true, answer(response)
	return op.API
}

// once serves a request that was not there before: one with the same id is answered with
// the operation that the first one began.
//
// docs/platforms.md: "A `requestId` that was there makes it "ignore the second request", for 60 minutes at least."
func (e *Emulator) once(serve googleapi.Serve) googleapi.Serve {
	return func(c *call) (any, error) {
		if op := e.State.Operations[e.State.Requests[c.Param("requestId")]]; op != nil {
			return op.API, nil
		}
		return serve(c)
	}
}

func (e *Emulator) getOperation(c *call) (any, error) {
	op, err := googleapi.Find(e.State.Operations, c.Name)
	if err != nil || op.Gone {
		return nil, googleapi.NotFound(c.Name)
	}
	return op.API, nil
}

func (op *operation) shown() any { return op.API }

func (e *Emulator) listOperations(sizes *googleapi.Sizes) googleapi.Serve {
	return func(c *call) (any, error) {
		known := kit.Those(googleapi.Under(e.State.Operations, c.Name, "operations"), func(op *operation) bool { return !op.Gone })
		return googleapi.Listed(c, "operations", sizes, kit.Shown(known, (*operation).shown))
	}
}

// settle lets the operations run on to the present.
func (e *Emulator) settle() {
	for _, op := range kit.Sorted(e.State.Operations) {
		if !op.API.Done {
			e.run(op)
		}
	}
	for _, p := range e.State.Previews {
		// docs/platforms.md: "A preview can become stale if a revision has been applied after this preview was created"
		if d := e.State.Deployments[p.Deployment]; d != nil && p.State == succeeded && p.On != kit.Newest(d.Revisions).Name {
			p.State = stale
		}
	}
}

// run ends an operation whose time is over.
func (e *Emulator) run(op *operation) {
	if !op.Run(e.Now(), e.Step) {
		return
	}
	op.API.Done, op.API.Metadata.EndTime = true, e.stamp()
	on := op.API.Metadata.Target
	switch d, p := e.State.Deployments[on], e.State.Previews[on]; {
	case d != nil && d.Working == op.API.Name:
		e.applied(op, d)
	case p != nil:
		e.previewed(op, p)
	default:
		op.API.Response = []byte(`{}`)
	}
}
