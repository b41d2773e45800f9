package clouddeploy_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	api "google.golang.org/api/clouddeploy/v1"
	"google.golang.org/api/option"
)

// The official clients check what they send by the discovery document; what they
// would never send is refused here.
func TestRefusesWhatTheAPIDoesNotHave(t *testing.T) {
	b := newBench(t)
	b.Refused("Unknown name", "GET", shop+"?color=blue", nil)
	b.Refused("INVALID_ARGUMENT", "POST", newest+"/rollouts?rolloutId=r1", map[string]any{"targetId": "prod", "color": "blue"})
	b.Refused("INVALID_ARGUMENT", "POST", newest+"/rollouts?rolloutId=R1", &api.Rollout{TargetId: "prod"})
	b.Refused("INVALID_ARGUMENT", "POST", newest+"/rollouts", &api.Rollout{TargetId: "prod"})
	b.Refused("not in the delivery pipeline", "POST", newest+"/rollouts?rolloutId=r1", &api.Rollout{TargetId: "elsewhere"})
	b.Refused("255 characters", "POST", newest+"/rollouts?rolloutId=r1", &api.Rollout{TargetId: "prod", Description: strings.Repeat("ü", 256)})
	b.Refused("at most 128 bytes", "POST", newest+"/rollouts?rolloutId=r1", &api.Rollout{TargetId: "prod", Labels: map[string]string{"k": strings.Repeat("v", 129)}})
	b.Refused("starting phase", "POST", newest+"/rollouts?rolloutId=r1&startingPhaseId=nothing", &api.Rollout{TargetId: "prod"})
	b.Refused("NOT_FOUND", "GET", shop+"/releases/gone", nil)
	b.Refused("NOT_FOUND", "GET", shop+"/nothing", nil)
	b.Refused("NOT_FOUND", "DELETE", shop, nil)
	if n := len(b.server.Effects()); n != 0 {
		t.Errorf("%d of these had an effect: %+v", n, b.server.Effects())
	}
}

func TestCreateRefusals(t *testing.T) {
	b := newBench(t)
	name := b.create(newest, "r1", "prod")
	b.Refused("already in progress", "POST", newest+"/rollouts?rolloutId=r2", &api.Rollout{TargetId: "prod"})
	b.Refused("ALREADY_EXISTS", "POST", newest+"/rollouts?rolloutId=r1", &api.Rollout{TargetId: "prod"})
	b.clock.Move(time.Minute)
	b.want(name, "SUCCEEDED")
	b.Must("PATCH", shop+"?updateMask=suspended", &api.DeliveryPipeline{Suspended: true}, &api.Operation{})
	b.Refused("is suspended", "POST", newest+"/rollouts?rolloutId=r2", &api.Rollout{TargetId: "prod"})
	b.Must("PATCH", shop+"?updateMask=suspended", &api.DeliveryPipeline{}, &api.Operation{})
	b.Must("POST", newest+":abandon", &api.AbandonReleaseRequest{}, &api.AbandonReleaseResponse{})
	b.Refused("is abandoned", "POST", newest+"/rollouts?rolloutId=r2", &api.Rollout{TargetId: "prod"})
}

func TestReleaseRendering(t *testing.T) {
	b := newBench(t, "web:other:fail")
	b.Must("POST", shop+"/releases?releaseId=broken", &api.Release{}, &api.Operation{})
	r := &api.Release{}
	b.Must("GET", shop+"/releases/broken", nil, r)
	if r.RenderState != "FAILED" || r.TargetRenders["prod"].FailureMessage == "" {
		t.Errorf("%s, %+v", r.RenderState, r.TargetRenders)
	}
	b.Refused("failed to render", "POST", shop+"/releases/broken/rollouts?rolloutId=r1", &api.Rollout{TargetId: "prod"})
}

// docs/platforms.md: "requestId makes create idempotent for 60 min"
func TestRequestID(t *testing.T) {
	b := newBench(t)
	const key = "&requestId=6ba7b810-9dad-41d1-80b4-00c04fd430c8"
	var first, again api.Operation
	b.Must("POST", newest+"/rollouts?rolloutId=r1"+key, &api.Rollout{TargetId: "prod"}, &first)
	b.clock.Move(59 * time.Minute)
	b.Must("POST", newest+"/rollouts?rolloutId=r1"+key, &api.Rollout{TargetId: "prod"}, &again)
	if first.Name != again.Name || !again.Done {
		t.Errorf("%s, then %s", first.Name, again.Name)
	}
	b.Must("GET", first.Name, nil, &again)
	b.clock.Move(2 * time.Minute)
	b.Refused("ALREADY_EXISTS", "POST", newest+"/rollouts?rolloutId=r1"+key, &api.Rollout{TargetId: "prod"})
	for _, bad := range []string{"nothing", "00000000-0000-0000-0000-000000000000"} {
		b.Refused("request ID", "POST", newest+"/rollouts?rolloutId=r2&requestId="+bad, &api.Rollout{TargetId: "prod"})
	}
}

func TestEtag(t *testing.T) {
	b := newBench(t)
	p := &api.DeliveryPipeline{}
	b.Must("GET", shop, nil, p)
	b.Must("PATCH", shop+"?updateMask=description", &api.DeliveryPipeline{Description: "one", Etag: p.Etag}, &api.Operation{})
	b.Refused("ABORTED", "PATCH", shop+"?updateMask=description", &api.DeliveryPipeline{Description: "two", Etag: p.Etag})
	name := b.create(newest, "r1", "prod")
	before := b.rollout(name).Etag
	if again := b.rollout(name).Etag; before == "" || again != before {
		t.Errorf("etag %q, then %q without a change", before, again)
	}
	b.clock.Move(time.Minute)
	if after := b.rollout(name).Etag; after == before {
		t.Error("the etag stays while the rollout changes")
	}
}

func TestListsPageFilterAndOrder(t *testing.T) {
	b := newBench(t)
	b.emulator.Pages.Most = 2
	for i := range 5 {
		b.create(newest, fmt.Sprintf("r%d", i), "prod")
		b.clock.Move(time.Minute)
	}
	service, err := api.NewService(t.Context(), option.WithoutAuthentication(), option.WithEndpoint(strings.TrimSuffix(b.Base, "v1/")))
	if err != nil {
		t.Fatal(err)
	}
	names := func(filter, order string) string {
		var ids []string
		list := service.Projects.Locations.DeliveryPipelines.Releases.Rollouts.List(shop + "/releases/-").Filter(filter).OrderBy(order)
		err := list.Pages(t.Context(), func(page *api.ListRolloutsResponse) error {
			for _, r := range page.Rollouts {
				ids = append(ids, r.Name[strings.LastIndex(r.Name, "/")+1:])
			}
			return nil
		})
		if err != nil {
			return err.Error()
		}
		return strings.Join(ids, " ")
	}
	const all = "r4 r3 r2 r1 r0 release-001-to-prod-0001"
	for _, c := range []struct{ filter, order, want string }{
		{`targetId="prod"`, "CreateTime desc", all},
		{`(approvalState!="REJECTED" AND approvalState!="NEEDS_APPROVAL") AND state="SUCCEEDED" AND targetId="prod"`, "DeployEndTime desc", all},
		{`targetId="staging"`, "", "release-002-to-staging-0001"},
		{`state="FAILED" OR state="CANCELLED"`, "", ""},
		{`NOT targetId="prod" AND state:"SUCCEEDED"`, "createTime asc", "release-002-to-staging-0001"},
	} {
		if got := names(c.filter, c.order); got != c.want {
			t.Errorf("%s by %q: %s, want %s", c.filter, c.order, got, c.want)
		}
	}
	for _, c := range []struct{ filter, order string }{{`state=`, ""}, {`(state="x"`, ""}, {`state~"x"`, ""}, {"", "createTime sideways"}} {
		if got := names(c.filter, c.order); !strings.Contains(got, "Invalid") {
			t.Errorf("%s by %q: %s", c.filter, c.order, got)
		}
	}
	var page api.ListRolloutsResponse
	b.Must("GET", newest+"/rollouts?pageSize=1", nil, &page)
	b.Refused("page token", "GET", newest+"/rollouts?pageSize=1&orderBy=name&pageToken="+url.QueryEscape(page.NextPageToken), nil)
	b.Refused("page size", "GET", newest+"/rollouts?pageSize=-1", nil)
	b.Refused("NOT_FOUND", "GET", shop+"x/releases/-/rollouts", nil)
}

func TestOtherResourcesAreStrictToo(t *testing.T) {
	b := newBench(t)
	b.Must("GET", location+"/deliveryPipelines", nil, &api.ListDeliveryPipelinesResponse{})
	b.Must("GET", location+"/targets", nil, &api.ListTargetsResponse{})
	b.Must("GET", location+"/targets/prod", nil, &api.Target{})
	b.Must("GET", location+"/deployPolicies", nil, &api.ListDeployPoliciesResponse{})
	b.Must("GET", shop+"/releases", nil, &api.ListReleasesResponse{})
	b.Refused("ALREADY_EXISTS", "POST", location+"/targets?targetId=prod", &api.Target{})
	b.Refused("ALREADY_EXISTS", "POST", location+"/deliveryPipelines?deliveryPipelineId=shop", &api.DeliveryPipeline{})
	b.Must("POST", location+"/deliveryPipelines?deliveryPipelineId=other&validateOnly=true", &api.DeliveryPipeline{}, &api.Operation{})
	b.Refused("NOT_FOUND", "GET", location+"/deliveryPipelines/other", nil)
	b.Must("POST", location+"/deliveryPipelines?deliveryPipelineId=other", &api.DeliveryPipeline{}, &api.Operation{})
	b.Must("GET", location+"/deliveryPipelines/other", nil, &api.DeliveryPipeline{})
}

// What gcloud applies is made where it is missing, and as a whole where it is there.
func TestApply(t *testing.T) {
	b := newBench(t)
	const target = location + "/targets/more"
	apply := func(want *api.Target) *api.Target {
		t.Helper()
		b.Must("PATCH", target+"?updateMask=*,labels&allowMissing=True", want, &api.Operation{})
		var got api.Target
		b.Must("GET", target, nil, &got)
		return &got
	}
	b.Refused("NOT_FOUND", "PATCH", target+"?updateMask=*", &api.Target{})
	made := apply(&api.Target{Description: "one", RequireApproval: true, Run: &api.CloudRunLocation{Location: "here"}})
	next := apply(&api.Target{Description: "two", Labels: map[string]string{"team": "shop"}, Run: &api.CloudRunLocation{Location: "here"}})
	if next.Description != "two" || next.RequireApproval || next.Labels["team"] != "shop" || next.Run == nil || next.Uid != made.Uid || next.Etag == made.Etag {
		t.Errorf("applied %+v, then %+v", made, next)
	}
	b.Must("PATCH", target+"?updateMask=require_approval", &api.Target{RequireApproval: true, Description: "ignored"}, &api.Operation{})
	var got api.Target
	b.Must("GET", target, nil, &got)
	if !got.RequireApproval || got.Description != "two" {
		t.Errorf("patched %+v", got)
	}
	b.Refused("INVALID_ARGUMENT", "PATCH", target+"?updateMask=uid", &api.Target{Uid: "mine"})
	b.Refused("ABORTED", "PATCH", target+"?updateMask=description", &api.Target{Etag: made.Etag})
}
