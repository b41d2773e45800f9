package googleapi_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"

	deploy "google.golang.org/api/clouddeploy/v1"
	infra "google.golang.org/api/config/v1"

	"sluice/internal/sandbox/googleapi"
)

// What the emulators tell of an operation, Google's own clients read.
func TestOperations(t *testing.T) {
	one := googleapi.Operation{
		Name: "n", Done: true, Error: &googleapi.Status{Code: 13, Message: "m", Details: []byte(`[]`)}, Response: []byte(`{}`),
		Metadata: &googleapi.OperationMetadata{
			Type: "t", APIVersion: "v1", CreateTime: "c", EndTime: "e", RequestedCancellation: true, StatusMessage: "s", Target: "t", Verb: "v",
		},
	}
	for _, theirs := range []any{new(deploy.Operation), new(infra.Operation)} {
		read(t, one, theirs)
	}
	for _, theirs := range []any{
		&struct {
			Type string `json:"@type"`
			deploy.OperationMetadata
		}{},
		&struct {
			Type string `json:"@type"`
			infra.OperationMetadata
		}{},
	} {
		read(t, one.Metadata, theirs)
	}
}

// read reads a document into a type that must have all of its fields.
func read(t *testing.T, document, into any) {
	t.Helper()
	text, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil || reflect.ValueOf(into).Elem().IsZero() {
		t.Errorf("%T reads %s: %v", into, text, err)
	}
}
