package apigateway

import (
	"net/http"
	"sync"

	"github.com/aws/smithy-go/middleware"

	"sluice/internal/awssend"
	"sluice/stages/driver"
)

// sender sends the requests of all of the SDK's clients, those of its
// credential chain too, through the environment's transport, as [awssend] does.
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

// install puts the sender in the place of the SDK's client.
func (s *sender) install(stack *middleware.Stack) error {
	return awssend.Sender{Client: func(string) *http.Client { return s.client }, Before: s.keep}.Install(stack)
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
