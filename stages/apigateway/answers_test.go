package apigateway_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sluice/stages"
	"sluice/stages/driver"
)

// first gives the first read of a stage the body, and lets everything after it
// through.
type first struct {
	body string
	gone atomic.Bool
}

func (f *first) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodGet && f.gone.CompareAndSwap(false, true) {
		return answer(200, "", f.body)(r)
	}
	return http.DefaultTransport.RoundTrip(r)
}

// An answer that says nothing was taken for a stage where nothing runs: the
// canary was skipped, and the release went to all traffic.
func TestNothingRunsIsNeverConcluded(t *testing.T) {
	for _, body := range []string{"", "{}", "null", `{"stageName": "prod"}`, `{"stageName": "prod", "createdDate": 1}`} {
		r := newRig(t)
		c := change(r.new)
		c.Percent = "10"
		p := place(t, r.Harness, nil, &first{body: body}, target("prod"))
		prepared, err := p.Prepare(t.Context(), call(driver.Weight, c))
		if stages.CodeOf(err) != driver.Lost || len(prepared.First) > 0 {
			t.Errorf("%q: first %v, %v (%s): want no answer", body, prepared.First, err, stages.CodeOf(err))
		}
		if err == nil || !strings.Contains(err.Error(), "it lacks") || !strings.Contains(err.Error(), "request-1") {
			t.Errorf("%q: %v does not say what is missing", body, err)
		}
		if prepared, err = p.Prepare(t.Context(), call(driver.Weight, c)); err != nil || len(prepared.First) > 0 {
			t.Errorf("%q: asked again: first %v, %v", body, prepared.First, err)
		}
	}
}

func TestBelieved(t *testing.T) {
	const whole = `{"stageName": "prod", "deploymentId": "d1"}`
	tests := map[string]struct {
		body, lacks string // "" is believed
	}{
		"whole":                       {whole, ""},
		"another stage":               {`{"stageName": "dev", "deploymentId": "d1"}`, "the stageName prod"},
		"no deployment":               {`{"stageName": "prod", "deploymentId": ""}`, "a deploymentId"},
		"nothing":                     {`{}`, "the stageName prod and a deploymentId"},
		"a canary of no deployment":   {`{"stageName": "prod", "deploymentId": "d1", "canarySettings": {"percentTraffic": 10}}`, "the canary's deploymentId"},
		"a canary with a deployment":  {`{"stageName": "prod", "deploymentId": "d1", "canarySettings": {"deploymentId": "d2", "percentTraffic": 10}}`, ""},
		"no canary, said with a null": {`{"stageName": "prod", "deploymentId": "d1", "canarySettings": null}`, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t)
			got, err := place(t, h, nil, &first{body: tt.body}, target("prod")).Current(t.Context())
			if tt.lacks == "" && (err != nil || got.ID != "d1") {
				t.Errorf("%+v, %v: want it believed", got, err)
			}
			if tt.lacks != "" && (stages.CodeOf(err) != driver.Lost || !strings.HasPrefix(err.Error(), "prod/prod (apigateway): read what runs: the answer to GetStage is not believed: it lacks "+tt.lacks+" (request id")) {
				t.Errorf("%v (%s), want it to lack %s", err, stages.CodeOf(err), tt.lacks)
			}
		})
	}
}

// {} for a deployment pinned release "".
func TestReleaseIsBelieved(t *testing.T) {
	for body, lacks := range map[string]string{
		"{}":                              "the id d1 and a createdDate",
		`{"id": "d2", "createdDate": 1}`:  "the id d1",
		`{"id": "d1"}`:                    "a createdDate",
		`{"id": "d1", "createdDate": 86}`: "",
	} {
		h := newHarness(t)
		got, err := place(t, h, nil, &first{body: body}, target("prod")).Resolve(t.Context(), "d1")
		if lacks == "" && (err != nil || got.ID != "d1" || got.CreateTime.Unix() != 86) {
			t.Errorf("%s: %+v, %v", body, got, err)
		}
		if lacks != "" && (stages.CodeOf(err) != driver.Lost || !strings.Contains(err.Error(), "it lacks "+lacks+" (")) {
			t.Errorf("%s: %v (%s), want it to lack %s", body, err, stages.CodeOf(err), lacks)
		}
	}
}

// hanging never comes to the end of an answer.
type hanging struct{ asked atomic.Int64 }

func (h *hanging) RoundTrip(r *http.Request) (*http.Response, error) {
	h.asked.Add(1)
	body, w := io.Pipe()
	context.AfterFunc(r.Context(), func() { w.CloseWithError(r.Context().Err()) }) //nolint:errcheck // it never fails
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: body}, nil
}

// A read takes one request's time, not that of all the SDK's attempts.
func TestDripIsNotRepeatedByTheSDK(t *testing.T) {
	h := newHarness(t)
	synctest.Test(t, func(t *testing.T) {
		drip, began := &hanging{}, time.Now()
		_, err := place(t, h, nil, drip, target("prod")).Current(t.Context())
		if took := time.Since(began); took != 30*time.Second || drip.asked.Load() != 1 || stages.CodeOf(err) != driver.Lost {
			t.Errorf("%v (%s) after %s and %d requests, want one of 30s", err, stages.CodeOf(err), took, drip.asked.Load())
		}
	})
}
