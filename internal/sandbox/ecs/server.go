package ecs

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"sluice/internal/sandbox/awsapi"
	"sluice/internal/sandbox/kit"
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
	*http.Request
	region string
}

// Decode implements kit.Call.
func (c *call) Decode(into any) error {
	return awsapi.Decode(c.Request, into, "SerializationException", "%v")
}

// operations are those that are served, by their names.
func (e *Emulator) operations() map[string]func(*call) (any, error) {
	return map[string]func(*call) (any, error){
		"DescribeServices":           kit.Taking(e.describeServices),
		"UpdateService":              kit.Taking(e.updateService),
		"ListServices":               kit.Taking(e.listServices),
		"ListServiceDeployments":     kit.Taking(e.listDeployments),
		"DescribeServiceDeployments": kit.Taking(e.describeDeployments),
		"DescribeServiceRevisions":   kit.Taking(e.describeRevisions),
		"ContinueServiceDeployment":  kit.Taking(e.continueDeployment),
		"StopServiceDeployment":      kit.Taking(e.stopDeployment),
		"DescribeTaskDefinition":     kit.Taking(e.describeDefinition),
		"RegisterTaskDefinition":     kit.Taking(e.register),
		"DeregisterTaskDefinition":   kit.Taking(e.deregister),
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
	op := e.operations()[operationOf(r)]
	if op == nil {
		return nil, kit.Errorf(http.StatusBadRequest, "UnknownOperationException", "the sandbox does not serve %s", r.Header.Get("X-Amz-Target"))
	}
	e.settle()
	return op(&call{r, region})
}

// writeError answers with err as the JSON 1.1 protocol does.
func writeError(w http.ResponseWriter, err error) {
	refused := awsapi.Of(err)
	awsapi.Write(w, refused.Status, contentType, map[string]string{"__type": refused.Name, "message": refused.Message})
}

func client(format string, args ...any) error {
	return kit.Errorf(http.StatusBadRequest, "ClientException", format, args...)
}

func invalid(format string, args ...any) error {
	return kit.Errorf(http.StatusBadRequest, "InvalidParameterException", format, args...)
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
