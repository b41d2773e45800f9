package ecs_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"sluice/stages/driver"
)

// startsNothing has an update sent with the task definition that runs already, which ECS
// answers and begins no deployment for, and answers as if it had been the one asked for.
type startsNothing struct{ runs, asked string }

// RoundTrip implements [http.RoundTripper].
func (s startsNothing) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".UpdateService") {
		return http.DefaultTransport.RoundTrip(r)
	}
	sent, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	sent = bytes.ReplaceAll(sent, []byte(s.asked), []byte(s.runs))
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(sent)), int64(len(sent))
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	answer = bytes.ReplaceAll(answer, []byte(s.runs), []byte(s.asked))
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(answer)), int64(len(answer))
	resp.Header.Del("Content-Length")
	return resp, nil
}

// An update that is answered and begins no deployment is waited for as long as one may be
// late, and failed then: the service runs what it ran.
func TestNotStarted(t *testing.T) {
	b := newBench(t)
	b.driver = b.open(t, startsNothing{runs: "app:1", asked: "app:2"})
	op := b.begin(t, driver.Deploy, b.change())
	if op.ID != "" {
		t.Fatalf("it names a deployment: %+v", op)
	}
	began := b.clock.Now()
	r := b.follow(t, op).Results["prod"]
	if r.Outcome != driver.Failed || len(r.Errors) != 1 || r.Errors[0].Code != "NOT_STARTED" || !strings.HasSuffix(r.Errors[0].Message, "the service runs app:1") {
		t.Errorf("%+v", r)
	}
	if waited := b.clock.Now().Sub(began); waited < time.Second {
		t.Errorf("said after %s, when the deployment might still show", waited)
	}
}
