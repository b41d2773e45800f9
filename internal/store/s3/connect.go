package s3

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"sluice/internal/actions/endpoint"
	"sluice/internal/awssend"
	"sluice/internal/store"
	"sluice/internal/work"
)

const (
	attempts   = 4
	maxBackoff = 2 * time.Second
)

// Options are what a store needs.
type Options struct {
	Location  string // "s3://bucket/prefix"
	Endpoint  string // of an S3-compatible server; "" means AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL or AWS itself
	By        string // this run, for the conflicts of others
	Getenv    func(string) string
	Transport http.RoundTripper // nil means AWS's own
	Clock     work.Clock        // the zero Clock is the machine's
	Backoff   time.Duration     // the longest wait between attempts; 0 means 2 s
	// Secret is told each credential when the client gets it, before its first
	// use, wherever it comes from. Nil drops them.
	Secret func(value string)
}

// Open returns the store. Credentials are looked for and connections made when
// it is first used.
func Open(options Options) (store.Store, error) {
	if options.Getenv == nil {
		options.Getenv = func(string) string { return "" }
	}
	if options.Secret == nil {
		options.Secret = func(string) {}
	}
	if options.Backoff == 0 {
		options.Backoff = maxBackoff
	}
	options.Backoff = options.Clock.InMachine(options.Backoff)
	for _, name := range []string{"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"} {
		if value := strings.TrimSpace(options.Getenv(name)); value != "" {
			options.Secret(value)
		}
	}
	where, err := parsePlace(options.Location)
	if err != nil {
		return nil, err
	}
	address, err := options.endpoint()
	if err != nil {
		return nil, err
	}
	return store.New(&bucket{
		place: where, wait: min(options.Clock.InMachine(firstWait), options.Backoff), foreign: address != "",
		connect: connector(options, address), removed: map[store.Key]string{},
	}, options.By), nil
}

// endpoint is the address of the server, "" for AWS's own.
func (o Options) endpoint() (string, error) {
	name, url := "state.endpoint", o.Endpoint
	if url == "" {
		name, url = awssend.Endpoint(o.Getenv, "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
	}
	if url == "" {
		return "", nil
	}
	_, err := endpoint.Check(name, url)
	return url, err
}

// connector makes the client at its first call. A failure is tried again,
// since it may be the context of that call.
func connector(o Options, address string) func(context.Context) (*s3.Client, error) {
	var mu sync.Mutex
	var client *s3.Client
	return func(ctx context.Context) (*s3.Client, error) {
		mu.Lock()
		defer mu.Unlock()
		if client != nil {
			return client, nil
		}
		loaded, err := awssend.Load(ctx, o.load(address))
		if err != nil {
			return nil, err
		}
		if loaded.Region == "" {
			return nil, errNoRegion
		}
		client = s3.NewFromConfig(loaded, func(s *s3.Options) { o.custom(s, address) })
		return client, nil
	}
}

var errNoRegion = errors.New("no AWS region is set")

// load says how S3 is reached.
func (o Options) load(address string) awssend.Options {
	all := awssend.Options{
		Getenv: o.Getenv, Keep: o.Secret, Attempts: attempts, MaxBackoff: o.Backoff,
		Client: o.client(maxAnswer), Alone: map[string]*http.Client{"GetObject": o.client(store.MaxStored + 1)}, After: measured,
	}
	if awssend.RegionOf(o.Getenv) == "" && address != "" {
		all.Region = "us-east-1" // a name that signatures need and other servers ignore
	}
	return all
}

// custom sets what the environment has no names for. S3-compatible servers get
// addresses without the bucket as a host, and no checksums that only AWS knows.
func (o Options) custom(s *s3.Options, address string) {
	if address == "" {
		return
	}
	s.BaseEndpoint, s.UsePathStyle = &address, true
	s.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
	s.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
}

// code is S3's word for an error, "" where it is not S3's.
func code(err error) string {
	if answer, ok := errors.AsType[smithy.APIError](err); ok {
		return answer.ErrorCode()
	}
	return ""
}

func status(err error) int {
	if answer, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		return answer.HTTPStatusCode()
	}
	return 0
}

// isLostRace reports whether a conditional write was refused for its
// condition: 412, 409 while another is under way, and 404 where the object was
// deleted.
func isLostRace(err error) bool {
	switch code(err) {
	case "PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey":
		return true
	}
	return status(err) == http.StatusPreconditionFailed || status(err) == http.StatusConflict
}

func (s *bucket) unreadable(k store.Key, op string, err error) error {
	return &store.UnreadableError{Key: k, Op: op, Err: fmt.Errorf("%s: %w", s.place, err), Remedy: s.remedy(err)}
}

func (s *bucket) remedy(err error) string {
	switch {
	case errors.Is(err, errNoRegion):
		return "set AWS_REGION to the bucket's region"
	case code(err) == "NoSuchBucket":
		return "create the bucket " + s.place.bucket + ", or correct state.store"
	case status(err) == http.StatusMovedPermanently, status(err) == http.StatusTemporaryRedirect, code(err) == "AuthorizationHeaderMalformed":
		return "set AWS_REGION to the bucket's region"
	case status(err) == http.StatusForbidden, status(err) == http.StatusUnauthorized:
		return "check the AWS credentials; they need s3:GetObject, s3:PutObject and, to tell a missing object from a forbidden one, s3:ListBucket on " + s.place.String()
	case status(err) >= http.StatusInternalServerError:
		return "S3 is failing: run again later"
	case status(err) == 0:
		return "check the AWS credentials (aws-actions/configure-aws-credentials sets them), the network and the endpoint"
	}
	return "check state.store and state.endpoint; the server did not answer as S3 does"
}
