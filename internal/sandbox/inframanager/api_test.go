package inframanager_test

import (
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	api "google.golang.org/api/config/v1"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/inframanager"
	"sluice/internal/sandbox/sandboxtest"
	"sluice/pipeline"
)

// bench is an emulator behind its server, and a client that takes nothing that
// Google's own types do not have.
type bench struct {
	sandboxtest.Google
	clock    *sandboxtest.Clock
	emulator *inframanager.Emulator
	server   *sandbox.Server
}

const location = "projects/shop-1234/locations/europe-west1"

func seeded(tb testing.TB) *pipeline.Pipeline {
	config := func(name string) any {
		return map[string]string{"project": "shop-1234", "location": "europe-west1", "deployment": name}
	}
	return sandboxtest.Pipeline(tb, "inframanager",
		[]sandboxtest.Target{{Name: "net-staging", Component: "net", Config: config("staging")}},
		[]sandboxtest.Target{{Name: "net", Component: "net", Config: config("prod")}},
	)
}

func newBench(t *testing.T, faults ...string) *bench {
	t.Helper()
	return benchOf(t, func(*inframanager.Emulator) {}, faults...)
}

// benchOf is a bench whose emulator is set up before it serves anything.
func benchOf(t *testing.T, setUp func(*inframanager.Emulator), faults ...string) *bench {
	t.Helper()
	clock := sandboxtest.NewClock(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
	e := inframanager.New(clock.Now)
	setUp(e)
	server := sandboxtest.Start(t, sandbox.Options{Emulators: []sandbox.Emulator{e}, Pipelines: []*pipeline.Pipeline{seeded(t)}, Faults: sandboxtest.Faults(t, faults...)})
	return &bench{Google: sandboxtest.Google{T: t, Base: server.Env()["CLOUDSDK_API_ENDPOINT_OVERRIDES_CONFIG"] + "v1/" + location + "/"}, clock: clock, emulator: e, server: server}
}

func TestConformance(t *testing.T) {
	clock := sandboxtest.NewClock(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
	sandboxtest.RunConformance(t, func() sandbox.Emulator { return inframanager.New(clock.Now) }, seeded(t))
}

func (b *bench) deployment(id string) *api.Deployment {
	b.Helper()
	d := &api.Deployment{}
	b.Must("GET", "deployments/"+id, nil, d)
	return d
}

func (b *bench) revisions(id string) []*api.Revision {
	b.Helper()
	var all api.ListRevisionsResponse
	b.Must("GET", "deployments/"+id+"/revisions", nil, &all)
	return all.Revisions
}

// operation is how an operation is now.
func (b *bench) operation(op *api.Operation) *api.Operation {
	b.Helper()
	now := &api.Operation{}
	b.Must("GET", strings.TrimPrefix(op.Name, location+"/"), nil, now)
	return now
}

func blueprint(source string) *api.Deployment {
	return &api.Deployment{TerraformBlueprint: &api.TerraformBlueprint{GcsSource: source}}
}

const masked = "deployments/prod?updateMask=terraformBlueprint"

func TestUpdateRunsByTheClock(t *testing.T) {
	b := newBench(t)
	var op api.Operation
	b.Must("PATCH", masked, blueprint("gs://blueprints/new.zip#1"), &op)
	if op.Done || !strings.HasPrefix(op.Name, location+"/operations/") {
		t.Errorf("%+v", op)
	}
	if d := b.deployment("prod"); d.State != "UPDATING" || !strings.HasSuffix(d.LatestRevision, "/r-0") {
		t.Errorf("%+v", d)
	}
	if r := b.revisions("prod"); len(r) != 2 || r[0].State != "APPLYING" || !strings.HasSuffix(r[0].Name, "/revisions/r-1") {
		t.Errorf("%+v", r[0])
	}
	b.Refused("409 ABORTED", "PATCH", masked, blueprint("gs://blueprints/other.zip#1"))
	b.clock.Move(2 * time.Second)
	var metadata api.OperationMetadata
	now := b.operation(&op)
	if err := json.Unmarshal(now.Metadata, &metadata); err != nil || !now.Done || now.Error != nil || now.Response == nil || metadata.Target != location+"/deployments/prod" || metadata.Verb != "update" {
		t.Errorf("%+v, %+v, %v", now, metadata, err)
	}
	d := b.deployment("prod")
	if d.State != "ACTIVE" || !strings.HasSuffix(d.LatestRevision, "/r-1") || d.ServiceAccount == "" || d.TerraformBlueprint.InputValues != nil {
		t.Errorf("%+v", d)
	}
	if r := b.revisions("prod")[0]; r.State != "APPLIED" || r.Action != "UPDATE" || r.TerraformBlueprint.GcsSource != "gs://blueprints/new.zip#1" {
		t.Errorf("%+v", r)
	}
}

// docs/platforms.md: "A `requestId` that was there makes it "ignore the second request""
func TestRequestIDs(t *testing.T) {
	b := newBench(t)
	var first, second api.Operation
	b.Must("PATCH", masked+"&requestId=6f1c3a0e-0000-4000-8000-000000000001", blueprint("gs://blueprints/new.zip#1"), &first)
	b.clock.Move(time.Minute)
	b.Must("PATCH", masked+"&requestId=6f1c3a0e-0000-4000-8000-000000000001", blueprint("gs://blueprints/new.zip#1"), &second)
	if first.Name != second.Name || len(b.revisions("prod")) != 2 {
		t.Errorf("%s, %s, %d revisions", first.Name, second.Name, len(b.revisions("prod")))
	}
}

// docs/platforms.md: "after an operation that is `done` without `error` the deployment may be FAILED"
func TestFaults(t *testing.T) {
	for fault, check := range map[string]func(*api.Operation, *api.Deployment, *api.Revision) bool{
		"fail": func(op *api.Operation, d *api.Deployment, r *api.Revision) bool {
			return op.Done && op.Error == nil && d.State == "FAILED" && r.State == "FAILED" && len(r.TfErrors) == 2
		},
		"abort": func(op *api.Operation, d *api.Deployment, _ *api.Revision) bool {
			return op.Done && op.Error != nil && d.State == "FAILED"
		},
		"hang": func(op *api.Operation, d *api.Deployment, _ *api.Revision) bool {
			return !op.Done && d.State == "UPDATING"
		},
	} {
		t.Run(fault, func(t *testing.T) {
			b := newBench(t, "net:deploy:"+fault)
			var op api.Operation
			b.Must("PATCH", masked, blueprint("gs://blueprints/new.zip#1"), &op)
			b.clock.Move(time.Hour)
			now, d, r := b.operation(&op), b.deployment("prod"), b.revisions("prod")[0]
			if !check(now, d, r) || !strings.HasSuffix(d.LatestRevision, "/r-0") {
				t.Errorf("%+v %+v %+v", now, d, r)
			}
		})
	}
	b := newBench(t, "net:deploy:vanish")
	var op api.Operation
	b.Must("PATCH", masked, blueprint("gs://blueprints/new.zip#1"), &op)
	b.clock.Move(time.Hour)
	b.Refused("404 NOT_FOUND", "GET", strings.TrimPrefix(op.Name, location+"/"), nil)
	if d := b.deployment("prod"); d.State != "ACTIVE" || !strings.HasSuffix(d.LatestRevision, "/r-1") {
		t.Errorf("%+v", d)
	}
}

// docs/platforms.md: "A preview can become stale if a revision has been applied after this preview was created"
func TestPreviews(t *testing.T) {
	b := newBench(t)
	want := &api.Preview{Deployment: location + "/deployments/prod", TerraformBlueprint: &api.TerraformBlueprint{GcsSource: "gs://blueprints/new.zip#1"}}
	preview := func() (p api.Preview) {
		b.Must("GET", "previews/one", nil, &p)
		return p
	}
	b.Must("POST", "previews?previewId=one", want, &api.Operation{})
	b.Refused("409 ALREADY_EXISTS", "POST", "previews?previewId=one", want)
	if p := preview(); p.State != "CREATING" || p.ServiceAccount == "" || p.PreviewMode != "DEFAULT" {
		t.Errorf("%+v", p)
	}
	b.clock.Move(time.Minute)
	var changes api.ListResourceChangesResponse
	b.Must("GET", "previews/one/resourceChanges", nil, &changes)
	if p := preview(); p.State != "SUCCEEDED" || len(changes.ResourceChanges) != 2 || changes.ResourceChanges[1].Intent != "RECREATE" {
		t.Errorf("%+v %+v", p, changes)
	}
	if err := b.emulator.Intrude("net"); err != nil {
		t.Fatal(err)
	}
	if p := preview(); p.State != "STALE" {
		t.Errorf("%+v", p)
	}
	b.Must("PATCH", masked, blueprint("gs://blueprints/new.zip#1"), &api.Operation{})
	b.Refused("404 NOT_FOUND", "GET", "previews/one", nil)
	b.clock.Move(time.Minute)
	b.Must("POST", "previews?previewId=two", want, &api.Operation{})
	var all api.ListPreviewsResponse
	if b.Must("GET", "previews", nil, &all); len(all.Previews) != 1 {
		t.Errorf("%+v", all.Previews)
	}
	b.Must("DELETE", "previews/two", nil, &api.Operation{})
	b.Refused("404 NOT_FOUND", "DELETE", "previews/two", nil)
}

// docs/platforms.md: "`:lock` guards the state file for a person"
func TestLocks(t *testing.T) {
	b := newBench(t)
	b.Must("POST", "deployments/prod:lock", &api.LockDeploymentRequest{}, &api.Operation{})
	var lock api.LockInfo
	b.Must("GET", "deployments/prod:exportLock", nil, &lock)
	if d := b.deployment("prod"); d.LockState != "LOCKED" || lock.LockId == 0 || lock.Who == "" {
		t.Errorf("%+v %+v", d, lock)
	}
	b.Refused("400 FAILED_PRECONDITION: deployment", "PATCH", masked, blueprint("gs://blueprints/new.zip#1"))
	b.Refused("does not match", "POST", "deployments/prod:unlock", &api.UnlockDeploymentRequest{LockId: 7})
	b.Must("POST", "deployments/prod:unlock", &api.UnlockDeploymentRequest{LockId: lock.LockId}, &api.Operation{})
	b.Must("PATCH", masked, blueprint("gs://blueprints/new.zip#1"), &api.Operation{})
}

func TestCreate(t *testing.T) {
	b := newBench(t)
	in := blueprint("gs://blueprints/new.zip#1")
	b.Refused("service_account is required", "POST", "deployments?deploymentId=fresh", in)
	in.ServiceAccount = "projects/shop-1234/serviceAccounts/t@x"
	b.Must("POST", "deployments?deploymentId=fresh", in, &api.Operation{})
	b.clock.Move(time.Minute)
	if d := b.deployment("fresh"); d.State != "ACTIVE" || b.revisions("fresh")[0].Action != "CREATE" {
		t.Errorf("%+v", d)
	}
	b.Refused("409 ALREADY_EXISTS", "POST", "deployments?deploymentId=fresh", in)
	var all api.ListDeploymentsResponse
	if b.Must("GET", "deployments?pageSize=2", nil, &all); len(all.Deployments) != 2 || all.NextPageToken == "" {
		t.Errorf("%+v", all)
	}
}

// What the official clients would never send is refused.
func TestRefusesWhatTheAPIDoesNotHave(t *testing.T) {
	b := newBench(t)
	b.Refused("Unknown name", "GET", "deployments/prod?color=blue", nil)
	b.Refused("400 INVALID_ARGUMENT", "PATCH", masked, map[string]any{"color": "blue"})
	b.Refused("Invalid field in update_mask", "PATCH", "deployments/prod?updateMask=color", blueprint("gs://b/o"))
	b.Refused("a source is required", "PATCH", masked, &api.Deployment{TerraformBlueprint: &api.TerraformBlueprint{}})
	b.Refused("404 NOT_FOUND", "PATCH", "deployments/gone?updateMask=terraformBlueprint", blueprint("gs://b/o"))
	b.Refused("does not serve", "POST", "deployments/prod:burn", nil)
}

// FuzzRequest: no request breaks the emulator, and what it refuses changes nothing.
func FuzzRequest(f *testing.F) {
	f.Add("GET", "deployments", "pageSize=1&pageToken=1", "")
	f.Add("PATCH", "deployments/prod", "", `{"terraformBlueprint":{"gitSource":{"repo":"x"}}}`)
	f.Add("POST", "previews", "previewId=x", `{"deployment":"`+location+`/deployments/prod","terraformBlueprint":null}`)
	f.Add("GET", "deployments/prod/revisions/x:y/z", "", "")
	f.Add("POST", "deployments/prod:unlock", "", `{"lockId":"x"}`)
	f.Fuzz(func(t *testing.T, method, path, query, body string) {
		e := inframanager.New(func() time.Time { return time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC) })
		if err := e.Seed(seeded(t)); err != nil {
			t.Fatal(err)
		}
		before, err := e.Save()
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/", strings.NewReader(body))
		r.Method, r.URL = method, &url.URL{Path: "/v1/" + location + "/" + path, RawQuery: query}
		e.Classify(r, []byte(body))
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		after, err := e.Save()
		if err != nil {
			t.Fatal(err)
		}
		if w.Code >= 400 && string(before) != string(after) {
			t.Errorf("a refused request (%d) changed %s", w.Code, after)
		}
	})
}
