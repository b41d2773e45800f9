package ecs

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/awsapi"
)

const (
	targetPrefix = "AmazonEC2ContainerServiceV20141113."
	contentType  = "application/x-amz-json-1.1"
)

// operationOf is the operation that a request names.
func operationOf(r *http.Request) string {
	return strings.TrimPrefix(r.Header.Get("X-Amz-Target"), targetPrefix)
}

func isRead(op string) bool {
	return strings.HasPrefix(op, "Describe") || strings.HasPrefix(op, "List")
}

// call is one call of the API.
type call struct {
	region string
	fault  sandbox.FaultKind
}

// operation is one of the API, with the body that it reads.
type operation func(c *call, body []byte) (any, error)

// taking is an operation that reads a body of its own type.
func taking[In any](serve func(*call, *In) (any, error)) operation {
	return func(c *call, body []byte) (any, error) {
		in := new(In)
		if err := json.Unmarshal(body, in); err != nil {
			return nil, awsapi.Errorf(http.StatusBadRequest, "SerializationException", "%v", err)
		}
		return serve(c, in)
	}
}

// operations are those that are served, by their names.
func (e *Emulator) operations() map[string]operation {
	return map[string]operation{
		"DescribeServices":           taking(e.describeServices),
		"UpdateService":              taking(e.updateService),
		"ListServices":               taking(e.listServices),
		"ListServiceDeployments":     taking(e.listDeployments),
		"DescribeServiceDeployments": taking(e.describeDeployments),
		"DescribeServiceRevisions":   taking(e.describeRevisions),
		"ContinueServiceDeployment":  taking(e.continueDeployment),
		"StopServiceDeployment":      taking(e.stopDeployment),
		"DescribeTaskDefinition":     taking(e.describeDefinition),
		"RegisterTaskDefinition":     taking(e.register),
		"DeregisterTaskDefinition":   taking(e.deregister),
	}
}

// ServeHTTP implements http.Handler.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer, err := e.answer(r)
	if err != nil {
		writeError(w, err)
		return
	}
	awsapi.Write(w, http.StatusOK, contentType, answer)
}

func (e *Emulator) answer(r *http.Request) (any, error) {
	region, err := awsapi.Region(r)
	if err != nil {
		refused := awsapi.Of(err)
		refused.Status = http.StatusBadRequest
		return nil, refused
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	op := e.operations()[operationOf(r)]
	if op == nil {
		return nil, awsapi.Errorf(http.StatusBadRequest, "UnknownOperationException", "the sandbox does not serve %s", r.Header.Get("X-Amz-Target"))
	}
	e.settle()
	return op(&call{region: region, fault: sandbox.FaultOf(r)}, body)
}

// writeError answers with err as the JSON 1.1 protocol does.
func writeError(w http.ResponseWriter, err error) {
	refused := awsapi.Of(err)
	awsapi.Write(w, refused.Status, contentType, map[string]string{"__type": refused.Name, "message": refused.Message})
}

func client(format string, args ...any) error {
	return awsapi.Errorf(http.StatusBadRequest, "ClientException", format, args...)
}

func invalid(format string, args ...any) error {
	return awsapi.Errorf(http.StatusBadRequest, "InvalidParameterException", format, args...)
}

// stamp is a time as the JSON 1.1 protocol has it; nil for none.
func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return float64(t.UnixMilli()) / 1000
}

// object is an answer's object, without what is nil or "".
func object(pairs map[string]any) map[string]any {
	for name, value := range pairs {
		if value == nil || value == "" {
			delete(pairs, name)
		}
	}
	return pairs
}

// failure is what a batch says of something that is not there.
//
// docs/platforms.md: "unknown ones: `failures[]`, 200"
func failure(arn string) map[string]string { return map[string]string{"arn": arn, "reason": "MISSING"} }

// newID is a name that was never given before.
func (e *Emulator) newID() string {
	return strings.ReplaceAll(uuid.NewSHA1(uuid.NameSpaceOID, fmt.Appendf(nil, "ecs %d", e.State.Next())).String(), "-", "")[:21]
}
