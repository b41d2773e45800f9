package lambda_test

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"

	"sluice/stages"
	"sluice/stages/driver"
	"sluice/stages/lambda"
	"sluice/stages/stagetest"
)

// rig is Lambda with the harness's aliases, through the driver and through the bare
// SDK.
type rig struct {
	*testing.T
	stagetest.Harness
	aws *sdk.Client
}

func newRig(t *testing.T, faults ...string) *rig {
	t.Helper()
	h := newHarness(t, faults...)
	return &rig{T: t, Harness: h, aws: sdk.New(sdk.Options{
		Region: "eu-west-1", BaseEndpoint: aws.String(h.Env["AWS_ENDPOINT_URL_LAMBDA"]),
		Credentials: credentials.NewStaticCredentialsProvider("SOMEBODY", "ELSE", ""), RetryMaxAttempts: 1,
	})}
}

func (r *rig) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

// at is a target through a new driver, as another process has it.
func (r *rig) at(t driver.Target, through http.RoundTripper) *stages.Target {
	r.Helper()
	env := maps.Clone(r.Env)
	s := stages.New(
		driver.Env{Getenv: func(name string) string { return env[name] }, Now: r.Now, Transport: through},
		stages.Platform{Facts: lambda.Facts(), Open: lambda.Open},
	)
	p, err := s.Target(t)
	r.must(err)
	return p
}

func (r *rig) current(t driver.Target) driver.Release {
	r.Helper()
	now, err := r.at(t, nil).Current(r.Context())
	r.must(err)
	return now
}

func (r *rig) prepare(kind driver.Kind, c driver.Change) driver.Prepared {
	r.Helper()
	p, err := r.at(c.Target, nil).Prepare(r.Context(), driver.Call{Key: "k", Kind: kind, Changes: []driver.Change{c}})
	r.must(err)
	return p
}

// refused ends the test unless the call is, in these words.
func (r *rig) refused(p driver.Prepared, words string) {
	r.Helper()
	if len(p.Findings) != 1 || p.Findings[0].Severity != driver.Refuse || !strings.Contains(p.Findings[0].Message, words) || p.Findings[0].Remedy == "" {
		r.Fatalf("findings %+v, want it refused: %s", p.Findings, words)
	}
}

// follow polls until the end.
func (r *rig) follow(call driver.Call, op driver.Operation) driver.Result {
	r.Helper()
	for range 1000 {
		if op.Finished() {
			return op.Results[call.Changes[0].Target.Name]
		}
		r.Advance(time.Second)
		op.Call = call
		next, _, err := r.at(call.Changes[0].Target, nil).Poll(r.Context(), op)
		r.must(err)
		op = next
	}
	r.Fatal("it never ends")
	return driver.Result{}
}

// warm gives prod provisioned concurrency.
func (r *rig) warm() {
	r.Helper()
	_, err := r.aws.PutProvisionedConcurrencyConfig(r.Context(), &sdk.PutProvisionedConcurrencyConfigInput{
		FunctionName: aws.String("orders"), Qualifier: aws.String("prod"), ProvisionedConcurrentExecutions: aws.Int32(2),
	})
	r.must(err)
}

func (r *rig) alias(function, name string) *sdk.GetAliasOutput {
	r.Helper()
	out, err := r.aws.GetAlias(r.Context(), &sdk.GetAliasInput{FunctionName: &function, Name: &name})
	r.must(err)
	return out
}

func to(t driver.Target, release driver.Release) driver.Change {
	return driver.Change{Target: t, Release: release, Percent: "10"}
}

// Between functions the code travels: the version of the target's own function that
// has it is found, and named with where it came from.
func TestAnotherFunction(t *testing.T) {
	r := newRig(t)
	from, live := r.current(target("staging")), targetOf("orders-eu", "live")
	if !from.CreateTime.IsZero() {
		t.Errorf("%+v tells when it was made: nobody would ask what the other function calls it", from)
	}
	there, err := r.at(live, nil).Resolve(t.Context(), from.ID)
	r.must(err)
	if !strings.HasPrefix(there.ID, "orders-eu:2@") || there.Origin != from.ID || there.CreateTime.IsZero() {
		t.Fatalf("%s is called %+v there", from.ID, there)
	}
	p := r.prepare(driver.Deploy, to(live, there))
	op, err := r.at(live, nil).Begin(t.Context(), p.Call)
	r.must(err)
	if got := r.follow(p.Call, op); got.Outcome != driver.Succeeded || !got.Release.Is(from.ID) || *r.alias("orders-eu", "live").FunctionVersion != "2" {
		t.Errorf("%+v", got)
	}
	r.refused(r.prepare(driver.Deploy, to(live, from)), "no version of the target's function orders-eu")
}

func TestNoSuchCodeThere(t *testing.T) {
	r := newRig(t)
	_, err := r.aws.UpdateFunctionCode(t.Context(), &sdk.UpdateFunctionCodeInput{FunctionName: aws.String("orders"), ZipFile: []byte("new"), Publish: true})
	r.must(err)
	newest, err := r.at(target("prod"), nil).Resolve(t.Context(), driver.Latest)
	r.must(err)
	_, err = r.at(targetOf("orders-eu", "live"), nil).Resolve(t.Context(), newest.ID)
	if stages.CodeOf(err) != driver.NotFound || !strings.Contains(err.Error(), "no published version of orders-eu has the code of orders:3@") || !strings.Contains(err.Error(), "--publish") {
		t.Errorf("%v (%s)", err, stages.CodeOf(err))
	}
}

// People name versions by number, description or code.
func TestResolveByName(t *testing.T) {
	r := newRig(t)
	prod := r.at(target("prod"), nil)
	one, err := prod.Resolve(t.Context(), "1")
	r.must(err)
	for _, called := range []string{one.ID, "seeded, 2 days old", one.ID[strings.Index(one.ID, "@")+1:]} {
		if got, err := prod.Resolve(t.Context(), called); err != nil || got != one {
			t.Errorf("%q is %+v, %v; want %+v", called, got, err, one)
		}
	}
	for called, code := range map[string]driver.Code{"9": driver.NotFound, "nobody": driver.NotFound, "$LATEST": driver.Invalid, "orders:$LATEST@" + one.ID[len(one.ID)-12:]: driver.Invalid} {
		if got, err := prod.Resolve(t.Context(), called); stages.CodeOf(err) != code {
			t.Errorf("%q is %+v, %v (%s); want %s", called, got, err, stages.CodeOf(err), code)
		}
	}
}

// What is not published is no release: it changes with every upload.
func TestLatestIsRefused(t *testing.T) {
	r := newRig(t)
	_, err := r.aws.UpdateAlias(t.Context(), &sdk.UpdateAliasInput{FunctionName: aws.String("orders"), Name: aws.String("prod"), FunctionVersion: aws.String("$LATEST")})
	r.must(err)
	r.refused(r.prepare(driver.Deploy, to(target("prod"), r.current(target("staging")))), "$LATEST is no release")
	_, err = r.at(target("staging"), nil).Resolve(t.Context(), r.current(target("prod")).ID)
	if stages.CodeOf(err) != driver.Invalid || !strings.Contains(err.Error(), "publish a version") {
		t.Errorf("as a source: %v (%s)", err, stages.CodeOf(err))
	}
}

// With provisioned concurrency there are no weights, and a promotion is over when
// Lambda has taken its own away.
func TestProvisionedConcurrency(t *testing.T) {
	r := newRig(t)
	r.warm()
	release, before := r.current(target("staging")), r.current(target("prod"))
	r.refused(r.prepare(driver.Weight, to(target("prod"), release)), "provisioned concurrency")
	p := r.prepare(driver.Deploy, to(target("prod"), release))
	op, err := r.at(target("prod"), nil).Begin(t.Context(), p.Call)
	r.must(err)
	if op.Finished() {
		t.Fatal("it is over before the version is warm")
	}
	live, errs := r.stages().Live(t.Context(), []driver.Target{target("prod")})
	r.must(errs[0])
	if live[0].Release.ID != before.ID || live[0].Pending == nil || live[0].Pending.ID != release.ID {
		t.Errorf("meanwhile it runs %+v", live[0])
	}
	if verdict, found, err := r.at(target("prod"), nil).Lookup(t.Context(), p.Call); err != nil || verdict != driver.Found || found.Finished() {
		t.Errorf("looked up: %s %+v %v", verdict, found, err)
	}
	if got := r.follow(p.Call, op); got.Outcome != driver.Succeeded || r.current(target("prod")).ID != release.ID {
		t.Errorf("%+v", got)
	}
}

// A version that cannot start keeps its zero share, and going back takes Lambda's
// weights away together with it.
func TestNeverWarm(t *testing.T) {
	r := newRig(t, "prod:deploy:cold")
	r.warm()
	before := r.current(target("prod"))
	p := r.prepare(driver.Deploy, to(target("prod"), r.current(target("staging"))))
	op, err := r.at(target("prod"), nil).Begin(t.Context(), p.Call)
	r.must(err)
	got := r.follow(p.Call, op)
	if got.Outcome != driver.Failed || !strings.Contains(got.Errors[0].Message, "FUNCTION_ERROR_INIT_FAILURE") || got.Release.ID != before.ID {
		t.Fatalf("%+v", got)
	}
	back := to(target("prod"), before)
	back.Baseline, back.Expected = p.Before["prod"], got.After
	p = r.prepare(driver.Rollback, back)
	op, err = r.at(target("prod"), nil).Begin(t.Context(), p.Call)
	r.must(err)
	if got := r.follow(p.Call, op); got.Outcome != driver.Succeeded {
		t.Errorf("going back: %+v", got)
	}
	if a := r.alias("orders", "prod"); a.RoutingConfig != nil || *a.FunctionVersion != "1" {
		t.Errorf("it is left with %s and %+v", *a.FunctionVersion, a.RoutingConfig)
	}
}

func (r *rig) stages() *stages.Stages {
	return stages.New(
		driver.Env{Getenv: func(name string) string { return r.Env[name] }, Now: r.Now},
		stages.Platform{Facts: lambda.Facts(), Open: lambda.Open},
	)
}

// The revision is the compare-and-swap: whoever came in between is not overwritten.
func TestStaleRevision(t *testing.T) {
	r := newRig(t)
	p := r.prepare(driver.Deploy, to(target("prod"), r.current(target("staging"))))
	_, err := r.aws.UpdateAlias(t.Context(), &sdk.UpdateAliasInput{FunctionName: aws.String("orders"), Name: aws.String("prod"), Description: aws.String("by hand")})
	r.must(err)
	_, err = r.at(target("prod"), nil).Begin(t.Context(), p.Call)
	e, ok := errors.AsType[*stages.Error](err)
	if !ok || e.Code != driver.Retryable || !e.Stale || !strings.Contains(err.Error(), "does not match the latest Revision Id") {
		t.Errorf("%+v", err)
	}
}

// Weights are those of the additional version, and the decimal's own digits.
func TestWeights(t *testing.T) {
	r := newRig(t)
	c := to(target("prod"), r.current(target("staging")))
	c.Percent = "33.3"
	p := r.prepare(driver.Weight, c)
	_, err := r.at(target("prod"), nil).Begin(t.Context(), p.Call)
	r.must(err)
	if a := r.alias("orders", "prod"); *a.FunctionVersion != "1" || len(a.RoutingConfig.AdditionalVersionWeights) != 1 || a.RoutingConfig.AdditionalVersionWeights["2"] != 0.333 {
		t.Errorf("%s, %+v", *a.FunctionVersion, a.RoutingConfig)
	}
}

// A canary shares its role with what runs: Lambda splits traffic between no others.
func TestAnotherRole(t *testing.T) {
	r := newRig(t)
	other := edited{"/configuration", "Qualifier=2", `"Role":"arn:aws:iam::000000000000:role/orders"`, `"Role":"arn:aws:iam::000000000000:role/other"`}
	change := to(target("prod"), r.current(target("staging")))
	for kind, refused := range map[driver.Kind]bool{driver.Weight: true, driver.Deploy: false} {
		p, err := r.at(target("prod"), other).Prepare(t.Context(), driver.Call{Key: "k", Kind: kind, Changes: []driver.Change{change}})
		r.must(err)
		if got := len(p.Findings) == 1 && strings.Contains(p.Findings[0].Message, "another execution role"); got != refused {
			t.Errorf("%s: %+v", kind, p.Findings)
		}
	}
}

// edited changes a text in the answers to some requests.
type edited struct{ path, query, old, by string }

func (e edited) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil || !strings.HasSuffix(r.URL.Path, e.path) || !strings.Contains(r.URL.RawQuery, e.query) {
		return res, err
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	text := strings.ReplaceAll(string(body), e.old, e.by)
	res.Body, res.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
	res.Header.Del("Content-Length")
	return res, nil
}

// Versions come by pages, and a page that is the one before is none.
func TestPages(t *testing.T) {
	r := newRig(t)
	for i := range 60 {
		_, err := r.aws.UpdateFunctionCode(t.Context(), &sdk.UpdateFunctionCodeInput{
			FunctionName: aws.String("orders"), ZipFile: []byte(base64.StdEncoding.EncodeToString([]byte{byte(i)})), Publish: true,
		})
		r.must(err)
	}
	if newest, err := r.at(target("prod"), nil).Resolve(t.Context(), driver.Latest); err != nil || newest.Name != "62" {
		t.Errorf("%+v, %v", newest, err)
	}
	again := edited{"/versions", "Marker=", `"NextMarker":null`, `"NextMarker":"50"`}
	if _, err := r.at(target("prod"), again).Resolve(t.Context(), driver.Latest); stages.CodeOf(err) != driver.Lost || !strings.Contains(err.Error(), "a page that follows the one before") {
		t.Errorf("%v (%s)", err, stages.CodeOf(err))
	}
}

// Somebody else is at work on the function: later.
func TestBusy(t *testing.T) {
	r := newRig(t)
	p := r.prepare(driver.Deploy, to(target("prod"), r.current(target("staging"))))
	busy := answering{http.StatusConflict, "ResourceConflictException", `{"Type":"User","message":"The operation cannot be performed at this time. An update is in progress for resource: arn:aws:lambda:eu-west-1:000000000000:function:orders"}`}
	_, err := r.at(target("prod"), busy).Begin(context.WithoutCancel(t.Context()), p.Call)
	if e, ok := errors.AsType[*stages.Error](err); !ok || e.Code != driver.Retryable || !e.Busy {
		t.Errorf("%+v", err)
	}
}

// answering gives every change the same answer.
type answering struct {
	status     int
	name, body string
}

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodGet {
		return http.DefaultTransport.RoundTrip(r)
	}
	return &http.Response{
		StatusCode: a.status, Header: http.Header{"X-Amzn-Errortype": {a.name}, "Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(a.body)), Request: r,
	}, nil
}
