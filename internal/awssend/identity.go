package awssend

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"

	"sluice/internal/idtoken"
)

// Identity is who requests are made as, in the place of whom the environment has.
type Identity struct {
	// Role is the ARN of a role that is assumed: in a job of GitHub Actions by the
	// job's own token, without a secret, elsewhere by the credentials of Profile or of
	// the environment.
	Role string `json:"role"`
	// Profile is one of the machine's own configuration.
	Profile string `json:"profile"`
}

func (i Identity) key() string { return "aws\x00" + i.Role + "\x00" + i.Profile }

const (
	// audience is whom GitHub's token is for (docs.aws.amazon.com, "Create a role for
	// OpenID Connect federation").
	audience = "sts.amazonaws.com"
	// renewed is how long before its end a session is replaced: a request that is
	// signed then still gets there.
	renewed = 5 * time.Minute
	// stsEndpoint is the name of the service in AWS_ENDPOINT_URL_….
	stsEndpoint = "AWS_ENDPOINT_URL_STS"
)

// assumed gives the credentials of a role. The SDK's own providers read the token from
// a file, or without the context of who asks.
type assumed struct {
	Identity
	client *sts.Client
	job    idtoken.Job
	getenv func(string) string
}

// assume has cfg's requests made as o's role. Whoever else of the process asks as the
// same shares the session.
func (o Options) assume(cfg aws.Config, k *keeper) (aws.CredentialsProvider, error) {
	name, endpoint := Endpoint(o.Getenv, stsEndpoint, "AWS_ENDPOINT_URL")
	if endpoint != "" && o.Check != nil {
		if err := o.Check(name, endpoint); err != nil {
			return nil, err
		}
	}
	cfg.Region = cmp.Or(cfg.Region, homeOf(o.Identity.Role))
	client := sts.NewFromConfig(cfg, func(s *sts.Options) {
		if endpoint != "" {
			s.BaseEndpoint = &endpoint
		}
	})
	job := idtoken.Job{Getenv: o.Getenv, Client: o.Client, Keep: func(value string) { k.tell(value) }}
	session := o.Sessions.Once(o.Identity.key(), func() any {
		return aws.NewCredentialsCache(&assumed{Identity: o.Identity, client: client, job: job, getenv: o.Getenv}, func(c *aws.CredentialsCacheOptions) {
			c.ExpiryWindow = renewed
		})
	})
	provider, ok := session.(aws.CredentialsProvider)
	if !ok {
		return nil, errors.New("the session of " + o.Identity.Role + " is none: this is a mistake in sluice, please report it")
	}
	return provider, nil
}

// homeOf is a region of the role's partition, for a token service where no region is
// known.
func homeOf(role string) string {
	switch strings.Split(role+":", ":")[1] {
	case "aws-cn":
		return "cn-north-1"
	case "aws-us-gov":
		return "us-gov-west-1"
	default:
		return "us-east-1"
	}
}

// Retrieve assumes the role. The error is a [*CredentialsError].
func (a *assumed) Retrieve(ctx context.Context) (aws.Credentials, error) {
	switch {
	case a.Profile == "" && a.job.Offered():
		return a.byToken(ctx)
	case a.Profile == "" && a.job.Inside() && a.getenv("AWS_ACCESS_KEY_ID") == "":
		return aws.Credentials{}, &CredentialsError{
			err:    fmt.Errorf("role %s: %w", a.Role, &idtoken.MissingError{Inside: true}),
			Remedy: idtoken.Remedy,
		}
	}
	out, err := a.client.AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: &a.Role, RoleSessionName: aws.String(a.session())})
	if err != nil {
		return aws.Credentials{}, a.refused(err, "", "AssumeRole")
	}
	return a.credentials(out.Credentials)
}

// byToken shows AWS the token of the job.
func (a *assumed) byToken(ctx context.Context) (aws.Credentials, error) {
	token, err := a.job.Token(ctx, audience)
	if err != nil {
		_, later := errors.AsType[*url.Error](err)
		return aws.Credentials{}, &CredentialsError{err: fmt.Errorf("role %s: %w", a.Role, err), Later: later}
	}
	out, err := a.client.AssumeRoleWithWebIdentity(ctx, &sts.AssumeRoleWithWebIdentityInput{
		RoleArn: &a.Role, RoleSessionName: aws.String(a.session()), WebIdentityToken: &token,
	})
	if err != nil {
		return aws.Credentials{}, a.refused(err, idtoken.Subject(token), "AssumeRoleWithWebIdentity")
	}
	return a.credentials(out.Credentials)
}

func (a *assumed) credentials(c *types.Credentials) (aws.Credentials, error) {
	if c == nil || aws.ToString(c.AccessKeyId) == "" || aws.ToString(c.SecretAccessKey) == "" || aws.ToString(c.SessionToken) == "" || c.Expiration == nil {
		return aws.Credentials{}, &CredentialsError{err: fmt.Errorf("role %s: AWS answered without credentials", a.Role), Later: true}
	}
	return aws.Credentials{
		AccessKeyID: *c.AccessKeyId, SecretAccessKey: *c.SecretAccessKey, SessionToken: *c.SessionToken,
		CanExpire: true, Expires: *c.Expiration, Source: "identity",
	}, nil
}

// plain is a text as a session's name may hold it.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("_+=,.@-", r)) {
			return r
		}
		return '-'
	}, text)
}

// session is what CloudTrail calls the session: which run it was of.
func (a *assumed) session() string {
	name := "sluice"
	if run := a.getenv("GITHUB_RUN_ID"); run != "" {
		name += "-" + plain(a.getenv("GITHUB_REPOSITORY")) + "-" + plain(run)
	}
	return name[:min(len(name), 64)]
}

// refused is what the token service says, with what can be done about it. What does
// not come from the service itself may end otherwise the next time.
func (a *assumed) refused(err error, subject, operation string) error {
	told := &CredentialsError{err: fmt.Errorf("role %s: %w", a.Role, err)}
	if inner, ok := errors.AsType[*CredentialsError](err); ok { // those that the role is assumed with
		told.Later, told.Remedy = inner.Later, cmp.Or(inner.Remedy, "the role is assumed with the machine's own credentials: log in, or name a profile that is (identity: {aws: {role, profile}})")
		return told
	}
	api, answered := errors.AsType[smithy.APIError](err)
	response, _ := errors.AsType[*awshttp.ResponseError](err)
	if !answered || response != nil && response.HTTPStatusCode() >= 500 || strings.HasPrefix(api.ErrorCode(), "Throttl") || api.ErrorCode() == "IDPCommunicationError" {
		told.Later = true
		return told
	}
	switch code := api.ErrorCode(); {
	case strings.HasPrefix(code, "AccessDenied") && subject != "":
		told.Remedy = fmt.Sprintf("let the trust policy of %s allow sts:%s where token.actions.githubusercontent.com:sub is %q and :aud is %q", a.Role, operation, subject, audience)
	case strings.HasPrefix(code, "AccessDenied"):
		told.Remedy = "let the trust policy of " + a.Role + " name who assumes it, and allow them sts:AssumeRole"
	case code == "InvalidIdentityToken":
		told.Remedy = "add the identity provider https://token.actions.githubusercontent.com to the role's account, with the audience " + audience
	}
	return told
}
