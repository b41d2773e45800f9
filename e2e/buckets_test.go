package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"sluice/internal/store"
	sluices3 "sluice/internal/store/s3"
	"sluice/internal/store/storetest"
)

const (
	accessKey = "sluice-e2e"
	secretKey = "sluice-e2e-secret"
	bucket    = "sluice-state"
)

// TestStateInMinIO: the store keeps its contract on MinIO, which compares before it
// writes, and not before it deletes.
func TestStateInMinIO(t *testing.T) {
	t.Parallel()
	needProgram(t, "minio")
	host := freeHost(t)
	serve(t, "http://"+host+"/minio/health/live", []string{"MINIO_ROOT_USER=" + accessKey, "MINIO_ROOT_PASSWORD=" + secretKey, "MINIO_BROWSER=off"},
		"minio", "server", "--quiet", "--address", host, filepath.Join(t.TempDir(), "data"))
	conforms(t, host, false)
}

// TestStateInVersityGateway: the store keeps its contract on versitygw, which keeps
// objects as files, but for writers at the same instant: of 64, version 1.8.0 lets
// several win, because it compares before it opens the file that takes the place.
func TestStateInVersityGateway(t *testing.T) {
	t.Parallel()
	needProgram(t, "versitygw")
	host, dir := freeHost(t), t.TempDir()
	serve(t, "http://"+host+"/health", []string{"ROOT_ACCESS_KEY_ID=" + accessKey, "ROOT_SECRET_ACCESS_KEY=" + secretKey},
		"versitygw", "--port", host, "--health", "/health", "--quiet", "posix", "--sidecar", t.TempDir(), dir)
	conforms(t, host, true)
}

// conforms runs the suite of all stores against an S3 on host, each case under a
// prefix of its own.
func conforms(t *testing.T, host string, loose bool) {
	t.Helper()
	raw := client(t, "http://"+host)
	if _, err := raw.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(bucket)}); err != nil {
		t.Fatal(err)
	}
	cases := atomic.Int64{}
	storetest.Run(t, func(*testing.T) storetest.Harness {
		p := &prefix{raw: raw, name: fmt.Sprintf("case-%d", cases.Add(1)), endpoint: "http://" + host, secret: secretKey}
		return storetest.Harness{Open: p.open, Corrupt: p.corrupt, Writes: p.count, Loose: loose, Breaks: map[string]func(*testing.T) func(){
			"wrong secret": func(*testing.T) func() { return p.set(&p.secret, "another") },
			"nobody there": func(t *testing.T) func() { return p.set(&p.endpoint, "http://"+freeHost(t)) },
			"no bucket":    func(*testing.T) func() { return p.set(&p.bucket, "nowhere-") },
		}}
	})
}

// client is AWS's own, which writes without conditions.
func client(t *testing.T, endpoint string) *s3.Client {
	t.Helper()
	loaded, err := config.LoadDefaultConfig(t.Context(), config.WithRegion("us-east-1"),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(accessKey, secretKey, "")))
	if err != nil {
		t.Fatal(err)
	}
	return s3.NewFromConfig(loaded, func(o *s3.Options) { o.BaseEndpoint, o.UsePathStyle = &endpoint, true })
}

// prefix is one case's place in the bucket.
type prefix struct {
	raw                            *s3.Client
	name, endpoint, secret, bucket string
	writes                         atomic.Int64
}

func (p *prefix) open(t *testing.T) store.Store {
	t.Helper()
	env := map[string]string{"AWS_ACCESS_KEY_ID": accessKey, "AWS_SECRET_ACCESS_KEY": p.secret, "AWS_REGION": "us-east-1"}
	s, err := sluices3.Open(sluices3.Options{
		Location: "s3://" + p.bucket + bucket + "/" + p.name, Endpoint: p.endpoint, By: "run 7",
		Getenv: func(name string) string { return env[name] }, Transport: p, Backoff: 10 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// RoundTrip counts the writes that the server took.
func (p *prefix) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err == nil && resp.StatusCode < 300 && r.Method != http.MethodGet && !strings.HasSuffix(r.URL.Path, ".never") {
		p.writes.Add(1)
	}
	return resp, err
}

func (p *prefix) count() int { return int(p.writes.Load()) }

// set changes how handles are opened until it is repaired.
func (p *prefix) set(what *string, value string) (repair func()) {
	was := *what
	*what = value
	return func() { *what = was }
}

func (p *prefix) corrupt(t *testing.T, k store.Key, edit func([]byte) []byte) {
	t.Helper()
	object := p.name + "/" + k.Pipeline + "/" + k.Target + ".json"
	if err := p.rewrite(t.Context(), object, edit); err != nil {
		t.Fatal(err)
	}
}

func (p *prefix) rewrite(ctx context.Context, object string, edit func([]byte) []byte) error {
	answer, err := p.raw.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(bucket), Key: &object})
	if err != nil {
		return err
	}
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if err := answer.Body.Close(); err != nil {
		return err
	}
	_, err = p.raw.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(bucket), Key: &object, Body: bytes.NewReader(edit(text))})
	return err
}
