package awssend

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/smithy-go/logging"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// metadataTimeout is what the instance's metadata service is given: outside EC2
// nobody answers there, and a job without credentials should hear so at once.
const metadataTimeout = time.Second

// Options say how AWS's APIs are reached.
type Options struct {
	// Getenv reads the environment by AWS's own names. It is needed.
	Getenv func(string) string
	// Client sends everything, those requests too with which the credential chain
	// asks. It is needed.
	Client *http.Client
	// Alone sends the requests of some operations instead; nil for none.
	Alone map[string]*http.Client
	// After is given every answer before the SDK reads it; nil changes nothing.
	After func(operation string, answer *smithyhttp.Response) error
	// Keep is told each credential once, before its first use, wherever it comes
	// from: a variable, a profile, SSO, OIDC, a container, an instance. Nil drops it.
	Keep func(string)
	// Region is where requests go; "" is the environment's, else the profile's.
	Region string
	// Attempts is how often a request is sent; 0 leaves it to the SDK.
	Attempts int
	// MaxBackoff is the longest wait between two attempts.
	MaxBackoff time.Duration
	// Identity is who requests are made as; none is whom the environment has.
	Identity Identity
	// Sessions are shared by all that ask as the same; nil shares nothing.
	Sessions Sessions
	// Check refuses an endpoint, by the variable that set it; nil takes all.
	Check func(name, url string) error
}

// Sessions keep one session of each identity.
type Sessions interface {
	// Once is what fresh made for the key, the first time.
	Once(key string, fresh func() any) any
}

// Load is AWS's own configuration: its default credential chain, regions and
// profiles, sending as o says. It sends nothing itself. Errors of the credential
// chain are a [*CredentialsError].
func Load(ctx context.Context, o Options) (aws.Config, error) {
	k := &keeper{keep: o.Keep}
	cfg, err := config.LoadDefaultConfig(ctx, o.load(k)...)
	if err != nil {
		return cfg, err
	}
	Trust(cfg, o.Client)
	for _, client := range o.Alone {
		Trust(cfg, client)
	}
	k.profiles(cfg)
	cfg.Credentials = &kept{chain: cfg.Credentials, keeper: k}
	if o.Identity.Role == "" {
		return cfg, nil
	}
	session, err := o.assume(cfg, k)
	cfg.Credentials = &kept{chain: session, keeper: k}
	return cfg, err
}

// Endpoint is the first of the variables that names a server, and what it says;
// "" for AWS itself.
func Endpoint(getenv func(string) string, names ...string) (name, url string) {
	for _, name := range names {
		if url := getenv(name); url != "" {
			return name, url
		}
	}
	return "", ""
}

// RegionOf is the region that the environment names, "" for none.
func RegionOf(getenv func(string) string) string {
	return cmp.Or(getenv("AWS_REGION"), getenv("AWS_DEFAULT_REGION"))
}

func (o Options) load(k *keeper) []func(*config.LoadOptions) error {
	send := Sender{Client: o.client, Before: k.headers, After: o.After}
	all := []func(*config.LoadOptions) error{
		config.WithHTTPClient(awshttp.NewBuildableClient()), // which sends nothing
		config.WithLogger(logging.Nop{}),                    // the SDK's own writes to standard error, past every redaction
		config.WithAPIOptions([]func(*middleware.Stack) error{send.Install}),
		config.WithEC2RoleCredentialOptions(func(c *ec2rolecreds.Options) { c.Client = o.metadata(k) }),
	}
	if o.Attempts > 0 {
		all = append(all, config.WithRetryer(func() aws.Retryer {
			return retry.NewStandard(func(r *retry.StandardOptions) { r.MaxAttempts, r.MaxBackoff = o.Attempts, o.MaxBackoff })
		}))
	}
	if region := cmp.Or(o.Region, RegionOf(o.Getenv)); region != "" {
		all = append(all, config.WithRegion(region))
	}
	if o.Identity.Profile != "" { // the environment's own keys are not it
		return append(all, config.WithSharedConfigProfile(o.Identity.Profile))
	}
	if id, secret := o.Getenv("AWS_ACCESS_KEY_ID"), o.Getenv("AWS_SECRET_ACCESS_KEY"); id != "" && secret != "" {
		static := credentials.NewStaticCredentialsProvider(id, secret, o.Getenv("AWS_SESSION_TOKEN"))
		all = append(all, config.WithCredentialsProvider(static))
	}
	return all
}

// client sends the requests of an operation.
func (o Options) client(operation string) *http.Client {
	if alone := o.Alone[operation]; alone != nil {
		return alone
	}
	return o.Client
}

// metadata asks EC2's metadata service once.
func (o Options) metadata(k *keeper) *imds.Client {
	quick := *o.Client
	quick.Timeout = metadataTimeout
	return imds.New(imds.Options{
		Retryer: aws.NopRetryer{}, Endpoint: o.Getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT"),
		HTTPClient: metadataClient{client: &quick, keeper: k},
	})
}

// metadataClient is the metadata service's, which the SDK gives no middleware.
type metadataClient struct {
	client *http.Client
	keeper *keeper
}

// Do tells of the instance's token before its first use.
func (c metadataClient) Do(r *http.Request) (*http.Response, error) {
	c.keeper.headers(r.Header)
	return c.client.Do(r)
}

// keeper tells of each credential once.
type keeper struct {
	keep func(string)
	told sync.Map
}

func (k *keeper) tell(values ...string) {
	for _, value := range values {
		value = strings.TrimSpace(value)
		if value == "" || k.keep == nil {
			continue
		}
		if _, had := k.told.LoadOrStore(value, true); !had {
			k.keep(value)
		}
	}
}

// profiles tells of the keys in the profile's files, those of the profiles that it
// assumes roles with too.
func (k *keeper) profiles(cfg aws.Config) {
	for _, source := range cfg.ConfigSources {
		profile, ok := source.(config.SharedConfig)
		if !ok {
			continue
		}
		for at := &profile; at != nil; at = at.Source {
			k.credentials(at.Credentials)
		}
	}
}

func (k *keeper) credentials(c aws.Credentials) {
	k.tell(c.SecretAccessKey, c.SessionToken, c.AccessKeyID)
}

// headers tells of the tokens in a request that is about to be sent as they are:
// those of SSO, of a container's and an instance's metadata.
func (k *keeper) headers(header http.Header) {
	for _, name := range []string{"X-Amz-Sso_bearer_token", "X-Aws-Ec2-Metadata-Token", "X-Amz-Security-Token", "Authorization"} {
		value := header.Get(name)
		if strings.HasPrefix(value, "AWS4-") { // a signature is good for one request
			continue
		}
		k.tell(strings.TrimPrefix(value, "Bearer "))
	}
}

// kept tells of the credentials that the chain hands out, before their first use.
// What the chain says instead it marks: such an error means that the request was
// never sent.
type kept struct {
	chain  aws.CredentialsProvider
	keeper *keeper
}

// Retrieve asks the chain.
func (c *kept) Retrieve(ctx context.Context) (aws.Credentials, error) {
	got, err := c.chain.Retrieve(ctx)
	if told, ok := errors.AsType[*CredentialsError](err); ok {
		return got, told
	}
	if err != nil {
		return got, &CredentialsError{err: err}
	}
	c.keeper.credentials(got)
	return got, nil
}

// CredentialsError means that the chain gave no credentials: the request was never
// sent.
type CredentialsError struct {
	err    error
	Remedy string // what can be done; "" where credentials are what is missing
	Later  bool   // another try may have some
}

// Error says so in front of the reason.
func (e *CredentialsError) Error() string { return "no AWS credentials: " + e.err.Error() }

// Unwrap gives the reason.
func (e *CredentialsError) Unwrap() error { return e.err }

// RetryableError tells the SDK that asking again changes nothing; the chain has its
// own retries.
func (e *CredentialsError) RetryableError() bool { return false }
