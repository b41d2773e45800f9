package clouddeploy

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"sluice/internal/sandbox/googleapi"
	"sluice/internal/sandbox/kit"
)

// remembered is how long a request id is known.
//
// docs/platforms.md: "requestId makes create idempotent for 60 min"
const remembered = 60 * time.Minute

// once is a method that is asked once for each request id: the second time it answers
// the operation of the first.
func once[In any](e *Emulator, serve func(moment, *call, *In) (any, error)) googleapi.Serve {
	return kit.Taking(func(c *call, in *In) (any, error) {
		m := e.present()
		if known, err := m.repeated(c.Param("requestId")); known != nil || err != nil {
			return known, err
		}
		return serve(m, c, in)
	})
}

// repeated is the operation of an earlier request with the same id, nil for none.
func (m moment) repeated(id string) (*googleapi.Operation, error) {
	if id == "" {
		return nil, nil
	}
	if parsed, err := uuid.Parse(id); err != nil || parsed == uuid.Nil {
		return nil, googleapi.Invalid("Invalid request ID %q: it must be a valid UUID and not zero", id)
	}
	earlier, ok := m.Requests[id]
	if !ok || m.now.Sub(earlier.Time) >= remembered {
		return nil, nil
	}
	return m.Operations[earlier.Operation], nil
}

// change is what a request does to a resource.
type change struct {
	name string
	verb string // "create", "update"
}

// keep keeps a resource that was made or changed, unless the request asks for a check
// alone, and answers with an operation that is still at work.
func keep[R any](m moment, c *call, of collection[R], did change, r *R) (any, error) {
	op, err := m.operation(did, of.kind, r)
	if err != nil || c.Flag("validateOnly") {
		return op, err
	}
	(*of.kept)[did.name] = r
	m.Operations[op.Name] = op
	if id := c.Param("requestId"); id != "" {
		m.Requests[id] = request{Operation: op.Name, Time: m.now}
	}
	working := *op
	working.Done, working.Response = false, nil
	return &working, nil
}

// operation is the finished work on a resource.
func (m moment) operation(did change, kind string, resource any) (*googleapi.Operation, error) {
	fields, ok := kit.Fields(resource).(map[string]any)
	if !ok {
		return nil, fmt.Errorf("a %s is no JSON object", kind)
	}
	const types = "type.googleapis.com/google.cloud.deploy.v1."
	fields["@type"] = types + kind
	response, err := json.Marshal(fields)
	return &googleapi.Operation{
		Name: fmt.Sprintf("%s/operations/operation-%d", locationOf(did.name), m.Next()), Done: true, Response: response,
		Metadata: &googleapi.OperationMetadata{
			Type: types + "OperationMetadata", APIVersion: "v1", CreateTime: m.stamp(), EndTime: m.stamp(), Target: did.name, Verb: did.verb,
		},
	}, err
}
