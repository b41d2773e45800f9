package s3

import (
	"context"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
)

// telling tells of credentials when the SDK gets them, from whatever source.
type telling struct {
	aws.CredentialsProvider
	secret func(string)
}

// Retrieve gets the credentials, and tells of them before they are used.
func (p telling) Retrieve(ctx context.Context) (aws.Credentials, error) {
	found, err := p.CredentialsProvider.Retrieve(ctx)
	if err == nil {
		tell(p.secret, found.SecretAccessKey, found.SessionToken)
	}
	return found, err
}

func tell(secret func(string), values ...string) {
	for _, value := range values {
		if value = strings.TrimSpace(value); value != "" {
			secret(value)
		}
	}
}

// tellProfile tells of the keys in the profile's files, those of the profiles
// that it assumes roles with too.
func (o Options) tellProfile(cfg aws.Config) {
	for _, source := range cfg.ConfigSources {
		profile, ok := source.(config.SharedConfig)
		if !ok {
			continue
		}
		for at := &profile; at != nil; at = at.Source {
			tell(o.Secret, at.Credentials.SecretAccessKey, at.Credentials.SessionToken)
		}
	}
}

// bearers are the headers in which the SDK sends what was given to it as it is:
// the tokens of SSO, of a container's and an instance's metadata.
func bearers() []string {
	return []string{"X-Amz-Sso_bearer_token", "X-Aws-Ec2-Metadata-Token", "X-Amz-Security-Token", "Authorization"}
}

// tell tells of the tokens in a request that is about to be sent.
func (s *sender) tell(header http.Header) {
	for _, name := range bearers() {
		value := header.Get(name)
		if strings.HasPrefix(value, "AWS4-") { // a signature is good for one request
			continue
		}
		tell(s.secret, strings.TrimPrefix(value, "Bearer "))
	}
}
