package apigateway_test

import (
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/apigateway"

	"sluice/stages"
	"sluice/stages/apigateway"
	"sluice/stages/driver"
)

// live asks what runs on stages, through a transport that counts.
func (r *rig) live(through http.RoundTripper, names ...string) (live []driver.Live, errs []error, requests int64) {
	r.Helper()
	var sent atomic.Int64
	counted := roundTrip(func(req *http.Request) (*http.Response, error) {
		sent.Add(1)
		return through.RoundTrip(req)
	})
	s := stages.New(
		driver.Env{Getenv: func(name string) string { return r.Env[name] }, Now: r.Now, Transport: counted},
		stages.Platform{Facts: apigateway.Facts(), Open: apigateway.Open},
	)
	targets := make([]driver.Target, len(names))
	for i, name := range names {
		targets[i] = target(name)
	}
	live, errs = s.Live(r.Context(), targets)
	return live, errs, sent.Load()
}

func TestStagesOfOneAPIAreReadAtOnce(t *testing.T) {
	r := newRig(t)
	r.byHand("/canarySettings/deploymentId", r.new, "/canarySettings/percentTraffic", "10.5")
	live, errs, requests := r.live(http.DefaultTransport, "prod", "staging", "prod")
	for i, err := range errs {
		if err != nil {
			t.Errorf("target %d: %v", i, err)
		}
	}
	if requests != 1 || live[0].Release.ID != r.old || live[1].Release.ID != r.new || live[2].Release.ID != r.old {
		t.Errorf("%+v after %d requests", live, requests)
	}
	want := []driver.Share{{Release: driver.Release{ID: r.old}, Percent: "89.5"}, {Release: driver.Release{ID: r.new}, Percent: "10.5"}}
	if !slices.Equal(live[0].Shares, want) || len(live[1].Shares) != 1 || live[1].Shares[0].Percent != "100" {
		t.Errorf("shares %+v and %+v", live[0].Shares, live[1].Shares)
	}
	if !live[0].Since.IsZero() || live[0].Pending != nil {
		t.Errorf("%+v: since when is not told, and nothing is on its way", live[0])
	}
}

// That a stage is not there only GetStage says.
func TestAStageThatTheListLacks(t *testing.T) {
	r := newRig(t)
	live, errs, requests := r.live(http.DefaultTransport, "prod", "gone", "staging")
	if errs[0] != nil || errs[2] != nil || live[0].Release.ID != r.old || live[2].Release.ID != r.new || requests != 2 {
		t.Errorf("%+v, %v after %d requests", live, errs, requests)
	}
	if stages.CodeOf(errs[1]) != driver.NotFound || !strings.HasPrefix(errs[1].Error(), "gone/gone (apigateway): read what runs: GetStage: NotFoundException") {
		t.Errorf("%v", errs[1])
	}
}

// A role that may read its own stages alone is enough.
func TestStagesThatMayNotBeListed(t *testing.T) {
	r := newRig(t)
	own := roundTrip(func(req *http.Request) (*http.Response, error) {
		if strings.HasSuffix(req.URL.Path, "/stages") {
			return answer(403, "AccessDeniedException", `{"message": "not authorized"}`)(req)
		}
		return http.DefaultTransport.RoundTrip(req)
	})
	live, errs, requests := r.live(own, "prod", "staging")
	if errs[0] != nil || errs[1] != nil || live[0].Release.ID != r.old || live[1].Release.ID != r.new || requests != 3 {
		t.Errorf("%+v, %v after %d requests", live, errs, requests)
	}
}

// A list that fails otherwise is not asked for stage by stage, and one that lacks
// what a stage must show is not believed.
func TestStagesThatAreNotTold(t *testing.T) {
	r := newRig(t)
	for body, code := range map[string]driver.Code{
		`{"item": [{"stageName": "prod"}, {"stageName": "staging"}]}`: driver.Lost,
		`{`: driver.Lost,
	} {
		lists := roundTrip(func(req *http.Request) (*http.Response, error) { return answer(200, "", body)(req) })
		_, errs, requests := r.live(lists, "prod", "staging")
		if stages.CodeOf(errs[0]) != code || stages.CodeOf(errs[1]) != code || requests != 1 {
			t.Errorf("%s: %v after %d requests", body, errs, requests)
		}
	}
	_, errs, requests := r.live(roundTrip(func(req *http.Request) (*http.Response, error) {
		return answer(429, "TooManyRequestsException", `{}`, "Retry-After", "7")(req)
	}), "prod", "staging")
	if stages.CodeOf(errs[0]) != driver.Retryable || requests != 1 {
		t.Errorf("%v after %d requests", errs, requests)
	}
}

// describe makes a deployment that people call by its description.
func (r *rig) describe(said string) string {
	r.Helper()
	out, err := r.aws.CreateDeployment(r.Context(), &sdk.CreateDeploymentInput{RestApiId: aws.String("a1b2c3d4e5"), Description: &said})
	r.must(err)
	return aws.ToString(out.Id)
}

func TestResolveByWhatPeopleCallIt(t *testing.T) {
	r := newRig(t)
	one, two, three := r.describe("v1"), r.describe("v2"), r.describe("v2")
	for called, want := range map[string]string{one: one, "v1": one} {
		got, err := r.prod.Resolve(t.Context(), called)
		if err != nil || got.ID != want || got.Name != "v1" || got.CreateTime.IsZero() {
			t.Errorf("%s: %+v, %v", called, got, err)
		}
	}
	_, err := r.prod.Resolve(t.Context(), "v2")
	if stages.CodeOf(err) != driver.Invalid || !strings.Contains(err.Error(), two) || !strings.Contains(err.Error(), three) || !strings.Contains(err.Error(), "name one by its id") {
		t.Errorf("two of the name: %v", err)
	}
	if _, err := r.prod.Resolve(t.Context(), "v3"); stages.CodeOf(err) != driver.NotFound {
		t.Errorf("none of the name: %v", err)
	}
}
