package s3

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"sluice/internal/store"
	"sluice/internal/transport"
)

// maxAnswer is the most that is read of an answer that holds no record: a page
// of a list names at most a thousand objects.
const maxAnswer = 2 << 20

// sender sends the requests of all of the SDK's clients, those of its
// credential chain too, under the rules of [transport]. It is a middleware
// instead of the SDK's HTTP client, because the SDK applies a certificate bundle
// (AWS_CA_BUNDLE, ca_bundle) to its own client alone, and refuses every other.
type sender struct {
	record, other *http.Client
	secret        func(string)
}

func newSender(o Options) *sender {
	client := func(limit int64) *http.Client {
		return &http.Client{
			Transport: transport.New(o.Transport, transport.Options{Limit: limit, Raw: true}),
			// A redirect is never followed: it would carry credentials and records elsewhere.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	return &sender{record: client(store.MaxStored + 1), other: client(maxAnswer), secret: o.Secret}
}

// trust takes over the certificates that the SDK has given to its own client.
// It is called before the first request.
func (s *sender) trust(cfg aws.Config) {
	own, ok := cfg.HTTPClient.(*awshttp.BuildableClient)
	if !ok || own.GetTransport().TLSClientConfig == nil || own.GetTransport().TLSClientConfig.RootCAs == nil {
		return
	}
	for _, client := range []*http.Client{s.record, s.other} {
		client.Transport = transport.Configure(client.Transport, func(t *http.Transport) {
			t.TLSClientConfig = own.GetTransport().TLSClientConfig.Clone()
		})
	}
}

// install is an option of the SDK's configuration.
func (s *sender) install(o *config.LoadOptions) error {
	o.APIOptions = append(o.APIOptions, s.instead)
	return nil
}

// instead puts the sender in the place of the SDK's client: last of all, where
// nothing of the SDK comes between.
func (s *sender) instead(stack *middleware.Stack) error {
	send := func(ctx context.Context, in middleware.DeserializeInput, _ middleware.DeserializeHandler) (middleware.DeserializeOutput, middleware.Metadata, error) {
		client := s.other
		if middleware.GetOperationName(ctx) == "GetObject" {
			client = s.record
		}
		if request, ok := in.Request.(*smithyhttp.Request); ok {
			s.tell(request.Header)
		}
		raw, metadata, err := smithyhttp.NewClientHandlerWithOptions(client).Handle(ctx, in.Request)
		if answer, ok := raw.(*smithyhttp.Response); ok && err == nil && middleware.GetOperationName(ctx) == "PutObject" {
			err = measure(answer)
		}
		return middleware.DeserializeOutput{RawResponse: raw}, metadata, err
	}
	return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("SluiceSend", send), middleware.After)
}

// measure finds the length of an answer that does not tell it.
func measure(answer *smithyhttp.Response) error {
	if answer.ContentLength >= 0 {
		return nil
	}
	text, err := io.ReadAll(answer.Body)
	if err := errors.Join(err, answer.Body.Close()); err != nil {
		return err
	}
	answer.ContentLength, answer.Body = int64(len(text)), io.NopCloser(bytes.NewReader(text))
	return nil
}
