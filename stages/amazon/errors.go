package amazon

import (
	"strings"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"
)

// InvalidError is a mistake of ours or in the configuration: nothing was sent.
type InvalidError struct{ Text, Remedy string }

// Error is the mistake.
func (e *InvalidError) Error() string { return e.Text }

// NotFoundError means that there is no such thing, where AWS did not refuse the
// request for it. RequestID is of the request that was answered so; "" for none.
type NotFoundError struct{ Text, Remedy, RequestID string }

// Error says what is not there.
func (e *NotFoundError) Error() string { return e.Text }

// Missing is a [*NotFoundError] about an answer.
func Missing(text, remedy string, metadata middleware.Metadata) error {
	id, _ := awsmiddleware.GetRequestIDMetadata(metadata)
	return &NotFoundError{Text: text, Remedy: remedy, RequestID: id}
}

// UnsupportedError says that the platform cannot do this at all.
type UnsupportedError struct{ Text, Remedy string }

// Error is what it cannot do.
func (e *UnsupportedError) Error() string { return e.Text }

// UnexpectedError is an effect that AWS accepted with a result that was not
// predicted.
type UnexpectedError struct{ Text, RequestID string }

// Error says what differs.
func (e *UnexpectedError) Error() string { return e.Text }

// Unexpected is an [*UnexpectedError] about an answer.
func Unexpected(text string, metadata middleware.Metadata) error {
	id, _ := awsmiddleware.GetRequestIDMetadata(metadata)
	return &UnexpectedError{Text: text, RequestID: id}
}

// UnbelievableError is an answer without what tells what it is about. The SDK
// turns an empty body, {} and null into an output without any fields, which would
// mean that nothing is there. It is no answer: nothing follows from it.
type UnbelievableError struct {
	operation, requestID string
	lacks                []string
}

// Error says what the answer lacks.
func (e *UnbelievableError) Error() string {
	return "the answer to " + e.operation + " is not believed: it lacks " + strings.Join(e.lacks, " and ")
}

// Lacking is an [*UnbelievableError] about an answer to an operation, or nil where
// nothing is missing.
func Lacking(operation string, metadata middleware.Metadata, lacks ...string) error {
	if len(lacks) == 0 {
		return nil
	}
	id, _ := awsmiddleware.GetRequestIDMetadata(metadata)
	return &UnbelievableError{operation: operation, requestID: id, lacks: lacks}
}
