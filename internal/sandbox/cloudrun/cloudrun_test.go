package cloudrun_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/api/googleapi"
	"google.golang.org/api/option"
	api "google.golang.org/api/run/v2"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/cloudrun"
	"sluice/internal/sandbox/sandboxtest"
	"sluice/pipeline"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const (
	parent     = "projects/shop-1234/locations/europe-west1/services/"
	byRevision = "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION"
	byLatest   = "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST"
)

func two(t *testing.T) *pipeline.Pipeline {
	keys := func(service string) map[string]string {
		return map[string]string{"project": "shop-1234", "location": "europe-west1", "service": service}
	}
	return sandboxtest.Pipeline(t, "cloudrun",
		[]sandboxtest.Target{{Name: "web-staging", Config: keys("web-staging")}},
		[]sandboxtest.Target{{Name: "web", Config: keys("web")}},
	)
}

// bench is two services, through Google's own client.
type bench struct {
	*testing.T
	clock  *sandboxtest.Clock
	server *sandbox.Server
	api    *api.ProjectsLocationsServicesService
	all    *api.Service
}

func newBench(t *testing.T, faults ...string) *bench {
	t.Helper()
	clock := sandboxtest.NewClock(start)
	s := sandboxtest.Start(t, sandbox.Options{
		Emulators: []sandbox.Emulator{cloudrun.New(clock.Now)}, Pipelines: []*pipeline.Pipeline{two(t)}, Faults: sandboxtest.Faults(t, faults...),
	})
	client, err := api.NewService(t.Context(), option.WithEndpoint(s.Env()["CLOUDSDK_API_ENDPOINT_OVERRIDES_RUN"]), option.WithoutAuthentication())
	if err != nil {
		t.Fatal(err)
	}
	return &bench{t, clock, s, client.Projects.Locations.Services, client}
}

func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bench) web() *api.GoogleCloudRunV2Service {
	b.Helper()
	s, err := b.api.Get(parent + "web").Do()
	b.must(err)
	return s
}

func (b *bench) patch(mask string, s *api.GoogleCloudRunV2Service) (*api.GoogleLongrunningOperation, error) {
	return b.api.Patch(parent+"web", s).UpdateMask(mask).Do()
}

// deploy makes a revision without traffic.
func (b *bench) deploy(name, image string) error {
	template := b.web().Template
	template.Revision, template.Containers[0].Image = name, image
	_, err := b.patch("template", &api.GoogleCloudRunV2Service{Template: template})
	b.clock.Move(time.Minute)
	return err
}

func split(parts ...any) []*api.GoogleCloudRunV2TrafficTarget {
	var all []*api.GoogleCloudRunV2TrafficTarget
	for i := 0; i < len(parts); i += 2 {
		all = append(all, &api.GoogleCloudRunV2TrafficTarget{Type: byRevision, Revision: parts[i].(string), Percent: int64(parts[i+1].(int))})
	}
	return all
}

func (b *bench) wants(err error, code int, words string) {
	b.Helper()
	answer, ok := errors.AsType[*googleapi.Error](err)
	if !ok || answer.Code != code || !strings.Contains(answer.Message, words) {
		b.Errorf("%v, want %d %q", err, code, words)
	}
}

func TestConformance(t *testing.T) {
	sandboxtest.RunConformance(t, func() sandbox.Emulator { return cloudrun.New(sandboxtest.NewClock(start).Now) }, two(t))
}

// LATEST follows what is deployed; traffic by name stays.
func TestLatest(t *testing.T) {
	b := newBench(t)
	b.must(b.deploy("web-00002-two", "image-2"))
	if s := b.web(); s.TrafficStatuses[0].Revision != "web-00002-two" || s.TrafficStatuses[0].Type != byLatest {
		t.Errorf("LATEST serves %+v", s.TrafficStatuses[0])
	}
	_, err := b.patch("traffic", &api.GoogleCloudRunV2Service{Traffic: split("web-00001-sbx", 100)})
	b.must(err)
	b.must(b.deploy("web-00003-tri", "image-3"))
	if s := b.web(); s.TrafficStatuses[0].Revision != "web-00001-sbx" || !strings.HasSuffix(s.LatestReadyRevision, "web-00003-tri") {
		t.Errorf("by name it serves %+v", s.TrafficStatuses[0])
	}
	list, err := b.api.Revisions.List(parent + "web").PageSize(2).Do()
	b.must(err)
	if len(list.Revisions) != 2 || list.NextPageToken == "" || !strings.HasSuffix(list.Revisions[0].Name, "tri") {
		t.Errorf("%d revisions, the first %s", len(list.Revisions), list.Revisions[0].Name)
	}
}

// Done is not served: the service reconciles meanwhile.
func TestReconciles(t *testing.T) {
	b := newBench(t)
	b.must(b.deploy("web-00002-two", "image-2"))
	op, err := b.patch("traffic", &api.GoogleCloudRunV2Service{Traffic: split("web-00001-sbx", 90, "web-00002-two", 10)})
	b.must(err)
	if s := b.web(); op.Done || !s.Reconciling || s.Generation == s.ObservedGeneration || s.TrafficStatuses[0].Percent != 100 {
		t.Errorf("at once: %+v, %+v", op, s)
	}
	b.clock.Move(time.Minute)
	op, err = b.all.Projects.Locations.Operations.Get(op.Name).Do()
	b.must(err)
	if s := b.web(); !op.Done || op.Response == nil || s.Reconciling || s.TerminalCondition.State != "CONDITION_SUCCEEDED" || len(s.TrafficStatuses) != 2 {
		t.Errorf("then: %+v, %+v", op, s)
	}
}

func TestRefusals(t *testing.T) {
	b := newBench(t, "web:deploy:throttle", "web:deploy#2:deny", "web:deploy#3:error")
	b.must(b.deploy("web-00002-two", "image-2"))
	b.must(b.deploy("web-00003-tri", "image-3"))
	all := &api.GoogleCloudRunV2Service{Traffic: split("web-00002-two", 100)}
	_, err := b.patch("traffic", &api.GoogleCloudRunV2Service{Traffic: split("web-00001-sbx", 100)})
	b.must(err)
	for _, want := range []struct {
		code  int
		words string
	}{{429, "Quota exceeded"}, {403, "'run.services.update' denied on resource 'projects/shop-1234"}, {500, "Internal error"}} {
		_, err := b.patch("traffic", all)
		b.wants(err, want.code, want.words)
	}
	_, err = b.patch("traffic", &api.GoogleCloudRunV2Service{Traffic: split("web-00001-sbx", 60, "web-00002-two", 30)})
	b.wants(err, 400, "Traffic targets sum to 90, want 100")
	_, err = b.patch("traffic", &api.GoogleCloudRunV2Service{Traffic: split("web-nobody", 100)})
	b.wants(err, 404, "web-nobody")
	_, err = b.patch("traffic", &api.GoogleCloudRunV2Service{Etag: `"old"`, Traffic: split("web-00001-sbx", 100)})
	b.wants(err, 409, `Conflict for resource 'web': version '"old"' was specified but current version is '`)
	b.wants(b.deploy("web-00002-two", "another"), 409, "Revision named 'web-00002-two' with different configuration already exists")
	_, err = b.api.Get(parent + "nobody").Do()
	b.wants(err, 404, "Resource 'nobody' of kind 'SERVICE' in region 'europe-west1' in project 'shop-1234' does not exist.")
}

// Every effect of a driver is recognised, by what is asked for and what stands.
func TestEffects(t *testing.T) {
	b := newBench(t)
	b.must(b.deploy("web-00002-two", "image-2"))
	for _, parts := range [][]any{
		{"web-00001-sbx", 100}, {"web-00001-sbx", 90, "web-00002-two", 10}, {"web-00001-sbx", 100}, {"web-00001-sbx", 50, "web-00002-two", 50},
		{"web-00002-two", 100}, {"web-00001-sbx", 100}, {"web-00002-two", 100},
	} {
		b.web() // what came before is served by now
		_, err := b.patch("traffic", &api.GoogleCloudRunV2Service{Traffic: split(parts...)})
		b.must(err)
	}
	var got []string
	for _, e := range b.server.Effects() {
		got = append(got, e.Kind)
	}
	if want := "[other rollback weight rollback weight stable rollback deploy]"; fmt.Sprint(got) != want {
		t.Errorf("effects %v, want %s", got, want)
	}
}
