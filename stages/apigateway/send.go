package apigateway

import (
	"context"
	"net/http"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"sluice/stages/driver"
)

// sender sends the requests of all of the SDK's clients, those of its
// credential chain too, through the environment's transport. It is a middleware
// instead of the SDK's HTTP client, because the SDK applies a certificate bundle
// (AWS_CA_BUNDLE, ca_bundle) to its own client alone, and refuses every other.
type sender struct {
	client *http.Client
	env    driver.Env
	kept   sync.Map // headers' values that were told
}

func newSender(env driver.Env) *sender {
	transport := env.Transport
	if transport == nil {
		transport = http.DefaultTransport
	}
	return &sender{env: env, client: &http.Client{
		Transport: transport,
		Timeout:   requestTimeout,
		// A redirect is never followed: it would carry credentials and effects elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// configurable is the environment's transport where it stands on an
// http.Transport, of which it can make a changed copy.
type configurable interface {
	Configure(change func(*http.Transport)) http.RoundTripper
}

// trust takes over the certificates that the SDK has given to its own client.
// It is called before the first request.
func (s *sender) trust(cfg aws.Config) {
	own, ok := cfg.HTTPClient.(*awshttp.BuildableClient)
	if !ok {
		return
	}
	tls := own.GetTransport().TLSClientConfig
	if tls == nil || tls.RootCAs == nil {
		return
	}
	change := func(t *http.Transport) {
		t.TLSClientConfig = tls.Clone()
	}
	switch t := s.client.Transport.(type) {
	case configurable:
		s.client.Transport = t.Configure(change)
	case *http.Transport:
		t = t.Clone()
		change(t)
		s.client.Transport = t
	}
}

// instead puts the sender in the place of the SDK's client: last of all, where
// nothing of the SDK comes between.
func (s *sender) instead(stack *middleware.Stack) error {
	send := func(ctx context.Context, in middleware.DeserializeInput, _ middleware.DeserializeHandler) (middleware.DeserializeOutput, middleware.Metadata, error) {
		if r, ok := in.Request.(*smithyhttp.Request); ok {
			s.keep(r.Header)
		}
		raw, metadata, err := smithyhttp.NewClientHandlerWithOptions(s.client).Handle(ctx, in.Request)
		return middleware.DeserializeOutput{RawResponse: raw}, metadata, err
	}
	return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("SluiceSend", send), middleware.After)
}

// tokenHeaders carry tokens of the credential chain itself: SSO's, the
// instance's. Signed requests carry none.
var tokenHeaders = []string{"X-Amz-Sso_bearer_token", "X-Aws-Ec2-Metadata-Token"}

// keep tells the environment of the tokens with which the chain asks for
// credentials.
func (s *sender) keep(header http.Header) {
	for _, name := range tokenHeaders {
		value := header.Get(name)
		if _, told := s.kept.LoadOrStore(value, true); !told {
			s.env.Keep(value)
		}
	}
}
