package clouddeploy

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"sluice/internal/sandbox/clouddeploy/wire"
	"sluice/internal/sandbox/googleapi"
)

// remembered is how long a request id is known.
//
// docs/platforms.md: "requestId makes create idempotent for 60 min"
const remembered = 60 * time.Minute

// creation is a resource that a request wants to make.
type creation struct {
	name     string
	kind     string // Google's name of the type: "Rollout"
	verb     string // "create", "update"
	resource any
	store    func() // makes it
}

// create makes a resource, once for each request id, and answers with an
// operation that is still at work.
func (e *Emulator) create(c *call, made creation) (any, error) {
	known, err := e.repeated(c)
	if known != nil || err != nil {
		return known, err
	}
	if c.Flag("validateOnly") {
		return e.operation(made)
	}
	made.store()
	op, err := e.operation(made)
	if err != nil {
		return nil, err
	}
	e.State.Operations[op.Name] = op
	if key := c.Param("requestId"); key != "" {
		e.State.Requests[key] = request{Operation: op.Name, Time: e.Now()}
	}
	working := *op
	working.Done, working.Response = false, nil
	return &working, nil
}

// repeated is the operation of an earlier request with the same id.
func (e *Emulator) repeated(c *call) (*wire.Operation, error) {
	key := c.Param("requestId")
	if key == "" {
		return nil, nil
	}
	if parsed, err := uuid.Parse(key); err != nil || parsed == uuid.Nil {
		return nil, googleapi.Invalid("Invalid request ID %q: it must be a valid UUID and not zero", key)
	}
	earlier, ok := e.State.Requests[key]
	if !ok || e.Now().Sub(earlier.Time) >= remembered {
		return nil, nil
	}
	return e.State.Operations[earlier.Operation], nil
}

// operation is the finished work of making a resource.
func (e *Emulator) operation(made creation) (*wire.Operation, error) {
	response, err := typed(made.kind, made.resource)
	if err != nil {
		return nil, err
	}
	meta, err := typed("OperationMetadata", &wire.OperationMetadata{
		APIVersion: "v1", CreateTime: stamp(e.Now()), EndTime: stamp(e.Now()), Target: made.name, Verb: made.verb,
	})
	if err != nil {
		return nil, err
	}
	return &wire.Operation{
		Name: fmt.Sprintf("%s/operations/operation-%d", locationOf(made.name), e.State.Next()),
		Done: true, Metadata: meta, Response: response,
	}, nil
}

// typed is a resource as an operation carries it.
func typed(kind string, resource any) ([]byte, error) {
	fields, ok := googleapi.FieldsOf(resource).(map[string]any)
	if !ok {
		return nil, fmt.Errorf("a %s is no JSON object", kind)
	}
	fields["@type"] = "type.googleapis.com/google.cloud.deploy.v1." + kind
	return json.Marshal(fields)
}
