package amazon_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"sluice/stages/amazon"
	"sluice/stages/driver"
)

// A refusal whose words could not be read is none: a proxy's 404 looks the same. What it
// says by its status alone is that nothing was done yet.
func TestRefusalUnread(t *testing.T) {
	answered := func(status int, err error) error {
		response := &smithyhttp.Response{Response: &http.Response{StatusCode: status, Header: http.Header{}}}
		return &smithy.OperationError{ServiceID: "Lambda", OperationName: "GetAlias", Err: &awshttp.ResponseError{
			RequestID: "r-1", ResponseError: &smithyhttp.ResponseError{Response: response, Err: err},
		}}
	}
	unread := &smithy.DeserializationError{Err: errors.New("failed to copy error response body")}
	read := &smithy.GenericAPIError{Code: "ResourceNotFoundException", Message: "Function not found"}
	for _, want := range []struct {
		status int
		err    error
		code   driver.Code
	}{
		{404, unread, driver.Lost},
		{409, unread, driver.Lost},
		{403, unread, driver.Lost},
		{400, unread, driver.Lost},
		{500, unread, driver.Lost},
		{429, unread, driver.Retryable},
		{404, read, driver.NotFound},
	} {
		x := amazon.Explain(answered(want.status, want.err), amazon.Remedies{}, func(*driver.Explanation, string, string) {})
		if x.Code != want.code || x.RequestID != "r-1" {
			t.Errorf("%d, %v: %+v, want %s", want.status, want.err, x, want.code)
		}
	}
	moved := amazon.Explain(answered(307, unread), amazon.Remedies{}, func(*driver.Explanation, string, string) {})
	if moved.Code != driver.Lost || !strings.Contains(moved.Remedy, "redirects") {
		t.Errorf("a redirect: %+v", moved)
	}
}
