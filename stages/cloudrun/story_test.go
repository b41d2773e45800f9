package cloudrun_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	api "google.golang.org/api/run/v2"

	"google.golang.org/api/option"

	"sluice/stages"
	"sluice/stages/cloudrun"
	"sluice/stages/driver"
	"sluice/stages/stagetest"
)

// rig is Cloud Run with the harness's services, through the driver and through
// Google's own client.
type rig struct {
	*testing.T
	stagetest.Harness
	google *api.Service
}

func newRig(t *testing.T, faults ...string) *rig {
	t.Helper()
	h := newHarness(t, faults...)
	client, err := api.NewService(t.Context(), option.WithEndpoint(h.Env[override]), option.WithoutAuthentication())
	if err != nil {
		t.Fatal(err)
	}
	return &rig{t, h, client}
}

func (r *rig) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

// at is a target through a new driver, as another process has it.
func (r *rig) at(service string, through http.RoundTripper) *stages.Target {
	r.Helper()
	s := stages.New(
		driver.Env{Getenv: func(name string) string { return r.Env[name] }, Now: r.Now, Transport: through},
		stages.Platform{Facts: cloudrun.Facts(), Open: cloudrun.Open},
	)
	p, err := s.Target(target(service))
	r.must(err)
	return p
}

const parent = "projects/shop-1234/locations/europe-west1/services/"

// web is the service as Google's client has it.
func (r *rig) web() *api.GoogleCloudRunV2Service {
	r.Helper()
	s, err := r.google.Projects.Locations.Services.Get(parent + "web").Do()
	r.must(err)
	return s
}

// byHand changes the service web past the driver, and lets it be served.
func (r *rig) byHand(mask string, s *api.GoogleCloudRunV2Service) {
	r.Helper()
	_, err := r.google.Projects.Locations.Services.Patch(parent+"web", s).UpdateMask(mask).Do()
	r.must(err)
	r.Advance(time.Minute)
}

// pinned is what web-staging runs, as web knows it.
func (r *rig) pinned() driver.Release {
	r.Helper()
	from, err := r.at("web-staging", nil).Current(r.Context())
	r.must(err)
	known, err := r.at("web", nil).Resolve(r.Context(), from.ID)
	r.must(err)
	return known
}

func (r *rig) change(percent string) driver.Change {
	from := target("web-staging")
	return driver.Change{Target: target("web"), Source: &from, Release: r.pinned(), Percent: percent}
}

func (r *rig) prepare(kind driver.Kind, c driver.Change) driver.Prepared {
	r.Helper()
	p, err := r.at("web", nil).Prepare(r.Context(), driver.Call{Key: "k", Kind: kind, Changes: []driver.Change{c}})
	r.must(err)
	return p
}

// do takes a call through the protocol, and returns how it ended.
func (r *rig) do(kind driver.Kind, c driver.Change) (driver.Prepared, driver.Result) {
	r.Helper()
	p := r.prepare(kind, c)
	for _, f := range p.Findings {
		if f.Severity == driver.Refuse || f.Severity == driver.Foreign {
			r.Fatalf("%s: %+v", kind, f)
		}
	}
	op, err := r.at("web", nil).Begin(r.Context(), p.Call)
	r.must(err)
	for range 100 {
		if op.Finished() {
			return p, op.Results["web"]
		}
		r.Advance(time.Second)
		op.Call = p.Call
		op, _, err = r.at("web", nil).Poll(r.Context(), op)
		r.must(err)
	}
	r.Fatal("it never ends")
	return p, driver.Result{}
}

func says(p driver.Prepared, severity driver.Severity, words string) bool {
	for _, f := range p.Findings {
		if f.Severity == severity && strings.Contains(f.Message, words) {
			return true
		}
	}
	return false
}

// Between two services the image travels, by its digest: the target gets a revision of
// its own template with it.
func TestTheImageTravels(t *testing.T) {
	r := newRig(t)
	staging, err := r.google.Projects.Locations.Services.Get(parent + "web-staging").Do()
	r.must(err)
	own := r.web().Template
	own.Containers[0].Env = []*api.GoogleCloudRunV2EnvVar{{Name: "TIER", Value: "production"}}
	own.Revision = "web-00002-own"
	r.byHand("template", &api.GoogleCloudRunV2Service{Template: own})

	p, got := r.do(driver.Deploy, r.change(""))
	if got.Outcome != driver.Succeeded || !says(p, driver.Note, "of the service's own template") || !says(p, driver.Note, "follows LATEST now") {
		t.Errorf("%+v after %+v", got, p.Findings)
	}
	if data, _ := json.Marshal(p.Call); bytes.Contains(data, []byte("TIER")) {
		t.Error("the template is kept in state")
	}
	now := r.web().Template
	if now.Containers[0].Image != staging.Template.Containers[0].Image || now.Containers[0].Env[0].Value != "production" || len(r.web().Traffic) != 1 || r.web().Traffic[0].Revision != now.Revision {
		t.Errorf("it has %+v and %+v", now.Containers[0], r.web().Traffic[0])
	}
	if again := r.prepare(driver.Deploy, r.change("")); len(again.Unchanged) != 1 {
		t.Errorf("a second time: %+v", again)
	}
}

// Tags and their addresses stay, and LATEST comes back as LATEST where it still means
// what it did.
func TestTagsAndLatest(t *testing.T) {
	r := newRig(t)
	first := r.web()
	r.byHand("traffic", &api.GoogleCloudRunV2Service{Traffic: []*api.GoogleCloudRunV2TrafficTarget{
		{Type: "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST", Percent: 100},
		{Type: "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST", Tag: "next"},
		{Type: "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION", Revision: "web-00001-sbx", Tag: "good"},
	}})
	c := r.change("10")
	p, got := r.do(driver.Weight, c)
	if got.Outcome != driver.Succeeded || tags(r.web()) != "good next" {
		t.Fatalf("%+v: %s", got, tags(r.web()))
	}
	if live := r.web().Traffic[0]; live.Revision != "web-00001-sbx" || live.Percent != 90 {
		t.Errorf("what runs has %+v", live)
	}
	back := driver.Change{Target: target("web"), Baseline: p.Before["web"], Expected: got.After}
	p, got = r.do(driver.Rollback, back)
	if got.Outcome != driver.Succeeded || !says(p, driver.Note, "followed LATEST") || r.web().Traffic[0].Revision != "web-00001-sbx" || tags(r.web()) != "good next" {
		t.Errorf("LATEST means the new revision by now: %+v, %+v", p.Findings, r.web().Traffic[0])
	}
	if first.LatestReadyRevision == r.web().LatestReadyRevision {
		t.Error("the test needs another latest revision")
	}
}

// A revision that was there already makes LATEST no other: it comes back.
func TestLatestComesBack(t *testing.T) {
	r := newRig(t)
	r.byHand("template,traffic", &api.GoogleCloudRunV2Service{
		Template: func() *api.GoogleCloudRunV2RevisionTemplate {
			x := r.web().Template
			x.Revision = "web-00002-two"
			return x
		}(),
		Traffic: []*api.GoogleCloudRunV2TrafficTarget{{Type: "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST", Percent: 100}},
	})
	old, err := r.at("web", nil).Resolve(t.Context(), "web-00001-sbx")
	r.must(err)
	c := driver.Change{Target: target("web"), Release: old, Percent: "10"}
	p, got := r.do(driver.Weight, c)
	_, got = r.do(driver.Rollback, driver.Change{Target: target("web"), Baseline: p.Before["web"], Expected: got.After})
	if traffic := r.web().Traffic; got.Outcome != driver.Succeeded || len(traffic) != 1 || traffic[0].Type != "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST" {
		t.Errorf("%+v: %+v", got, traffic[0])
	}
}

func tags(s *api.GoogleCloudRunV2Service) string {
	var all []string
	for _, x := range s.Traffic {
		if x.Tag != "" {
			all = append([]string{x.Tag}, all...)
		}
	}
	return strings.Join(all, " ")
}

// A revision that does not start gets no traffic, and that is a failure whatever the
// operation says.
func TestNeverReady(t *testing.T) {
	r := newRig(t, "web:weight:fail")
	before := r.web().TrafficStatuses[0].Revision
	_, got := r.do(driver.Weight, r.change("10"))
	if got.Outcome != driver.Failed || !strings.Contains(got.Errors[0].Message, "is not ready and cannot serve traffic") || got.Release.Name != before {
		t.Errorf("%+v", got)
	}
	if s := r.web(); len(s.TrafficStatuses) != 1 || s.TrafficStatuses[0].Revision != before {
		t.Errorf("it serves %+v", s.TrafficStatuses[0])
	}
}

func TestRefused(t *testing.T) {
	r := newRig(t)
	foreign := r.change("10")
	foreign.Release.ID = foreign.Release.Origin
	half := r.change("10.5")
	gone := r.change("10")
	gone.Source = nil
	for words, c := range map[string]driver.Change{"is no revision of the target's service web": foreign, "whole percents": half, "has no revision web-s": gone} {
		if p := r.prepare(driver.Weight, c); !says(p, driver.Refuse, words) {
			t.Errorf("%q: %+v", words, p.Findings)
		}
	}
	third := r.web().Template
	for i, name := range []string{"web-00002-two", "web-00003-tri"} {
		third.Revision, third.Containers[0].Image = name, strings.Repeat(string(rune('a'+i)), 3)
		r.byHand("template", &api.GoogleCloudRunV2Service{Template: third})
	}
	part := func(name string, percent int64) *api.GoogleCloudRunV2TrafficTarget {
		return &api.GoogleCloudRunV2TrafficTarget{Type: "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION", Revision: name, Percent: percent}
	}
	r.byHand("traffic", &api.GoogleCloudRunV2Service{Traffic: []*api.GoogleCloudRunV2TrafficTarget{part("web-00001-sbx", 50), part("web-00002-two", 25), part("web-00003-tri", 25)}})
	if p := r.prepare(driver.Weight, r.change("10")); !says(p, driver.Refuse, "more than two revisions") {
		t.Errorf("%+v", p.Findings)
	}
}

// An image that is named by a tag may be another one by now: it does not travel.
func TestUnpinnedImage(t *testing.T) {
	r := newRig(t)
	s := r.web().Template
	s.Revision, s.Containers[0].Image = "web-00002-tag", "europe-docker.pkg.dev/shop/web:latest"
	r.byHand("template", &api.GoogleCloudRunV2Service{Template: s})
	now, err := r.at("web", nil).Current(t.Context())
	r.must(err)
	if now.ID != "web/web-00002-tag@unpinned" {
		t.Errorf("it runs %+v", now)
	}
	_, err = r.at("web-staging", nil).Resolve(t.Context(), now.ID)
	if stages.CodeOf(err) != driver.Invalid || !strings.Contains(err.Error(), "named by a tag") || !strings.Contains(err.Error(), "@sha256:") {
		t.Errorf("%v (%s)", err, stages.CodeOf(err))
	}
}

// The etag is the compare-and-swap: whoever came in between is not overwritten.
func TestStaleEtag(t *testing.T) {
	r := newRig(t)
	p := r.prepare(driver.Deploy, r.change(""))
	r.byHand("traffic", &api.GoogleCloudRunV2Service{Traffic: []*api.GoogleCloudRunV2TrafficTarget{{Type: "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST", Percent: 100}}})
	_, err := r.at("web", nil).Begin(t.Context(), p.Call)
	if e, ok := errors.AsType[*stages.Error](err); !ok || e.Code != driver.Retryable || !e.Stale || e.Busy {
		t.Errorf("%+v", err)
	}
}

// What is asked for is not yet what is served.
func TestPending(t *testing.T) {
	r := newRig(t)
	p := r.prepare(driver.Deploy, r.change(""))
	_, err := r.at("web", nil).Begin(t.Context(), p.Call)
	r.must(err)
	s := stages.New(driver.Env{Getenv: func(name string) string { return r.Env[name] }, Now: r.Now}, stages.Platform{Facts: cloudrun.Facts(), Open: cloudrun.Open})
	live, errs := s.Live(t.Context(), []driver.Target{target("web")})
	r.must(errs[0])
	if live[0].Release.Name != "web-00001-sbx" || live[0].Pending == nil || live[0].Pending.ID != p.Call.Changes[0].Release.ID {
		t.Errorf("%+v", live[0])
	}
}

// A service that never had a ready revision runs nothing; one that lacks what it
// serves has not answered.
func TestNothingRuns(t *testing.T) {
	r := newRig(t)
	empty := edited{`"latestReadyRevision"`, `"was"`, `"trafficStatuses"`, `"were"`}
	if now, err := r.at("web", empty).Current(t.Context()); err != nil || now.ID != "" {
		t.Errorf("%+v, %v", now, err)
	}
	lacking := edited{`"trafficStatuses"`, `"were"`}
	if now, err := r.at("web", lacking).Current(t.Context()); stages.CodeOf(err) != driver.Lost || !strings.Contains(err.Error(), "no trafficStatuses") {
		t.Errorf("%+v, %v", now, err)
	}
}

// edited changes texts in all answers: pairs of an old one and a new one.
type edited []string

func (e edited) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return res, err
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	text := strings.NewReplacer(e...).Replace(string(body))
	res.Body, res.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
	res.Header.Del("Content-Length")
	return res, nil
}
