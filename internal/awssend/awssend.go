// Package awssend is how AWS's SDK is configured for every client of it ([Load]),
// and how it sends, its credential chain too: through clients of ours. That is a
// middleware instead of the SDK's HTTP client, because the SDK applies a certificate
// bundle (AWS_CA_BUNDLE, ca_bundle) to its own client alone, and refuses every
// other: [Trust] takes the bundle over.
package awssend

import (
	"context"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"sluice/internal/transport"
)

// Sender takes the place of the SDK's client.
type Sender struct {
	// Client sends the requests of an operation ("GetObject"; "" where the SDK
	// names none).
	Client func(operation string) *http.Client
	// Before is shown the headers of every request before it is sent.
	Before func(http.Header)
	// After is given every answer before the SDK reads it; nil changes nothing.
	After func(operation string, answer *smithyhttp.Response) error
}

// Install puts the sender in the place of the SDK's client: last of all, where
// nothing of the SDK comes between.
func (s Sender) Install(stack *middleware.Stack) error {
	return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("SluiceSend", s.send), middleware.After)
}

func (s Sender) send(ctx context.Context, in middleware.DeserializeInput, _ middleware.DeserializeHandler) (middleware.DeserializeOutput, middleware.Metadata, error) {
	operation := middleware.GetOperationName(ctx)
	if request, ok := in.Request.(*smithyhttp.Request); ok {
		s.Before(request.Header)
	}
	raw, metadata, err := smithyhttp.NewClientHandlerWithOptions(s.Client(operation)).Handle(ctx, in.Request)
	if answer, ok := raw.(*smithyhttp.Response); ok && err == nil && s.After != nil {
		err = s.After(operation, answer)
	}
	return middleware.DeserializeOutput{RawResponse: raw}, metadata, err
}

// Trust gives clients the certificates that the SDK has given to its own. It is
// called before their first request.
func Trust(cfg aws.Config, clients ...*http.Client) {
	own, ok := cfg.HTTPClient.(*awshttp.BuildableClient)
	if !ok {
		return
	}
	tls := own.GetTransport().TLSClientConfig
	if tls == nil || tls.RootCAs == nil {
		return
	}
	for _, client := range clients {
		client.Transport = transport.Configure(client.Transport, func(t *http.Transport) { t.TLSClientConfig = tls.Clone() })
	}
}
