package deploymentmanager_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	api "google.golang.org/api/deploymentmanager/v2"
)

func TestUpdateRunsByTheClock(t *testing.T) {
	b := newBench(t)
	var op api.Operation
	b.Must("PUT", "deployments/prod", b.update("resources: []\n"), &op)
	if op.Status != "PENDING" || op.OperationType != "update" || op.Id == 0 || !strings.HasSuffix(op.InsertTime, "-07:00") {
		t.Errorf("%+v", op)
	}
	d := b.deployment("prod")
	if d.Update == nil || d.Operation.Name != op.Name || b.manifest("prod").Config.Content == "resources: []\n" {
		t.Errorf("%+v", d)
	}
	b.Refused("409 resourceInUse", "PUT", "deployments/prod", b.update("resources: [two]\n"))
	b.clock.Move(2 * time.Second)
	if now := b.operation(&op); now.Status != "RUNNING" || now.Progress != 50 || now.StartTime == "" {
		t.Errorf("%+v", now)
	}
	b.clock.Move(2 * time.Second)
	if now := b.operation(&op); now.Status != "DONE" || now.Progress != 100 || now.EndTime == "" || now.Error != nil {
		t.Errorf("%+v", now)
	}
	if d := b.deployment("prod"); d.Update != nil || d.Operation.Status != "DONE" || b.manifest("prod").Config.Content != "resources: []\n" {
		t.Errorf("%+v", d)
	}
	var all api.ManifestsListResponse
	b.Must("GET", "deployments/prod/manifests", nil, &all)
	if len(all.Manifests) != 2 || all.Manifests[0].Config.Content != "resources: []\n" {
		t.Errorf("%+v", all.Manifests)
	}
}

// docs/platforms.md: "update wants the deployment's `fingerprint` (412 when stale)"
func TestFingerprint(t *testing.T) {
	b := newBench(t)
	first := b.update("resources: []\n")
	b.Must("PUT", "deployments/prod", first, &api.Operation{})
	b.clock.Move(time.Minute)
	b.Refused("412 conditionNotMet", "PUT", "deployments/prod", first)
	first.Fingerprint = ""
	b.Refused("412 conditionNotMet", "PUT", "deployments/prod", first)
	b.Refused("412 conditionNotMet", "POST", "deployments/prod/cancelPreview", &api.DeploymentsCancelPreviewRequest{})
}

// docs/platforms.md: "`stop` {fingerprint} ends what is at work on a deployment"
func TestStop(t *testing.T) {
	b := newBench(t)
	stop := func() *api.DeploymentsStopRequest {
		return &api.DeploymentsStopRequest{Fingerprint: b.deployment("prod").Fingerprint}
	}
	before := b.manifest("prod").Config.Content
	b.Refused("400 invalid", "POST", "deployments/prod/stop", stop())
	var op, stopping api.Operation
	b.Must("PUT", "deployments/prod", b.update("resources: []\n"), &op)
	b.Refused("412 conditionNotMet", "POST", "deployments/prod/stop", &api.DeploymentsStopRequest{})
	b.Must("POST", "deployments/prod/stop", stop(), &stopping)
	if stopping.OperationType != "stop" || b.deployment("prod").Operation.Name != stopping.Name {
		t.Errorf("%+v", stopping)
	}
	b.Refused("400 invalid", "POST", "deployments/prod/stop", stop())
	b.Refused("409 resourceInUse", "PUT", "deployments/prod", b.update("resources: [two]\n"))
	b.clock.Move(4 * time.Second)
	if now := b.operation(&op); now.Status != "DONE" || now.Error == nil || now.EndTime == "" {
		t.Errorf("what was stopped: %+v", now)
	}
	if now := b.operation(&stopping); now.Status != "DONE" || now.Error != nil {
		t.Errorf("what stopped it: %+v", now)
	}
	if d := b.deployment("prod"); d.Update != nil || b.manifest("prod").Config.Content != before || d.Operation.Name != stopping.Name {
		t.Errorf("it runs %q: %+v", b.manifest("prod").Config.Content, d)
	}
	b.Must("PUT", "deployments/prod", b.update("resources: [two]\n"), &op)
}

// A stop that fails lets what it was to stop go on.
func TestStopFails(t *testing.T) {
	b := newBench(t, "web:terminate:fail")
	var op, stopping api.Operation
	b.Must("PUT", "deployments/prod", b.update("resources: []\n"), &op)
	b.Must("POST", "deployments/prod/stop", &api.DeploymentsStopRequest{Fingerprint: b.deployment("prod").Fingerprint}, &stopping)
	b.clock.Move(4 * time.Second)
	if now := b.operation(&stopping); now.Error == nil {
		t.Errorf("%+v", now)
	}
	b.clock.Move(4 * time.Second)
	if now := b.operation(&op); now.Status != "DONE" || now.Error != nil || b.manifest("prod").Config.Content != "resources: []\n" {
		t.Errorf("%+v, and it runs %q", now, b.manifest("prod").Config.Content)
	}
}

func TestInsert(t *testing.T) {
	b := newBench(t)
	in := &api.Deployment{Name: "fresh", Description: "new", Labels: []*api.DeploymentLabelEntry{{Key: "team", Value: "shop"}}, Target: &api.TargetConfiguration{
		Config:  &api.ConfigFile{Content: `name: {{ env["deployment"] }} in {{ env["project"] }}`},
		Imports: []*api.ImportFile{{Name: "x.jinja", Content: "y"}},
	}}
	b.Must("POST", "deployments", in, &api.Operation{})
	if d := b.deployment("fresh"); d.Manifest != "" || d.Update == nil {
		t.Errorf("%+v", d)
	}
	b.clock.Move(time.Minute)
	if d := b.deployment("fresh"); d.Description != "new" || len(d.Labels) != 1 || d.Update != nil {
		t.Errorf("%+v", d)
	}
	if m := b.manifest("fresh"); m.ExpandedConfig != "name: fresh in shop-1234" || len(m.Imports) != 1 {
		t.Errorf("%+v", m)
	}
	b.Refused("409 alreadyExists", "POST", "deployments", in)
}

// Discovery document: "After previewing a deployment, you can deploy your
// resources by making a request with the update() or you can cancelPreview()".
func TestPreview(t *testing.T) {
	b := newBench(t)
	preview := func() string {
		b.Must("PUT", "deployments/prod?preview=true", b.update("resources: [p]\n"), &api.Operation{})
		b.clock.Move(time.Minute)
		d := b.deployment("prod")
		if d.Update == nil || b.manifest("prod").Config.Content == "resources: [p]\n" {
			t.Fatalf("%+v", d)
		}
		return d.Fingerprint
	}
	b.Must("POST", "deployments/prod/cancelPreview", &api.DeploymentsCancelPreviewRequest{Fingerprint: preview()}, &api.Operation{})
	b.clock.Move(time.Minute)
	if d := b.deployment("prod"); d.Update != nil {
		t.Errorf("%+v", d)
	}
	now := b.deployment("prod").Fingerprint
	b.Refused("no preview to cancel", "POST", "deployments/prod/cancelPreview", &api.DeploymentsCancelPreviewRequest{Fingerprint: now})
	b.Refused("no preview to deploy", "PUT", "deployments/prod", &api.Deployment{Name: "prod", Fingerprint: now})
	b.Must("PUT", "deployments/prod", &api.Deployment{Name: "prod", Fingerprint: preview()}, &api.Operation{})
	b.clock.Move(time.Minute)
	if d := b.deployment("prod"); d.Update != nil || b.manifest("prod").Config.Content != "resources: [p]\n" {
		t.Errorf("%+v", d)
	}
}

func TestFaults(t *testing.T) {
	for fault, check := range map[string]func(*api.Operation) bool{
		"fail":      func(op *api.Operation) bool { return len(op.Error.Errors) == 1 && op.Status == "DONE" },
		"fail-many": func(op *api.Operation) bool { return len(op.Error.Errors) == 4 && op.Error.Errors[2].Location == "" },
		"warn":      func(op *api.Operation) bool { return len(op.Warnings) == 2 && op.Error == nil },
		"hang":      func(op *api.Operation) bool { return op.Status == "RUNNING" },
	} {
		t.Run(fault, func(t *testing.T) {
			b := newBench(t, "web:deploy:"+fault)
			var op api.Operation
			b.Must("PUT", "deployments/prod", b.update("resources: []\n"), &op)
			b.clock.Move(time.Hour)
			if now := b.operation(&op); !check(now) {
				t.Errorf("%+v", now)
			}
			changed := b.manifest("prod").Config.Content == "resources: []\n"
			if changed != (fault == "warn") {
				t.Errorf("changed: %t", changed)
			}
		})
	}
}

// An operation that the platform has forgotten had its effect.
func TestVanish(t *testing.T) {
	b := newBench(t, "web:deploy:vanish")
	var op api.Operation
	b.Must("PUT", "deployments/prod", b.update("resources: []\n"), &op)
	b.clock.Move(time.Hour)
	b.Refused("404 notFound", "GET", "operations/"+op.Name, nil)
	if b.manifest("prod").Config.Content != "resources: []\n" {
		t.Error("it had no effect")
	}
}

// What the official clients would never send is refused.
func TestRefusesWhatTheAPIDoesNotHave(t *testing.T) {
	b := newBench(t)
	b.Refused("Unknown name", "GET", "deployments/prod?color=blue", nil)
	b.Refused("400 invalid", "PUT", "deployments/prod", map[string]any{"color": "blue"})
	b.Refused("400 invalid", "POST", "deployments", &api.Deployment{Name: "Fresh"})
	b.Refused("A configuration is required", "POST", "deployments", &api.Deployment{Name: "fresh"})
	b.Refused("invalid YAML", "PUT", "deployments/prod", b.update("\tx"))
	b.Refused("A configuration is required", "PUT", "deployments/prod?preview=true", &api.Deployment{Name: "prod", Fingerprint: b.deployment("prod").Fingerprint})
	b.Refused("404 notFound", "GET", "deployments/gone", nil)
	b.Refused("404 notFound", "GET", "deployments/gone/manifests", nil)
	b.Refused("404 notFound", "GET", "deployments/prod/manifests/gone", nil)
	b.Refused("404 notFound", "DELETE", "deployments/prod", nil)
	b.Refused("maxResults", "GET", "deployments?maxResults=501", nil)
	b.Refused("pageToken", "GET", "deployments?pageToken=x", nil)
	b.Base = strings.Replace(b.Base, "shop-1234", "other-1234", 1)
	b.Refused("The resource 'projects/other-1234' was not found", "GET", "deployments", nil)
	if n := len(b.server.Effects()); n != 0 {
		t.Errorf("%d of these had an effect", n)
	}
}

func TestListsArePaged(t *testing.T) {
	b := newBench(t)
	var first, second api.DeploymentsListResponse
	b.Must("GET", "deployments?maxResults=1", nil, &first)
	b.Must("GET", "deployments?maxResults=1&pageToken="+first.NextPageToken, nil, &second)
	if len(first.Deployments) != 1 || first.Deployments[0].Name != "prod" || second.Deployments[0].Name != "staging" || second.NextPageToken != "" {
		t.Errorf("%+v, then %+v", first, second)
	}
	b.Must("PUT", "deployments/prod", b.update("resources: []\n"), &api.Operation{})
	var operations api.OperationsListResponse
	b.Must("GET", "operations", nil, &operations)
	b.Must("GET", "deployments/prod/resources", nil, &api.ResourcesListResponse{})
	if len(operations.Operations) != 3 { // the two that made what is there, and this one
		t.Errorf("%+v", operations)
	}
}

// The journal calls requests what the driver calls its effects.
func TestEffects(t *testing.T) {
	b := newBench(t)
	before := b.manifest("prod")
	put := func(query string, d *api.Deployment) {
		b.Must("PUT", "deployments/prod"+query, d, &api.Operation{})
		b.clock.Move(time.Minute)
	}
	put("", b.update("resources: []\n"))
	back := b.update(before.Config.Content)
	back.Target.Imports = before.Imports
	put("", back)
	put("?preview=true", b.update("resources: [p]\n"))
	put("", &api.Deployment{Name: "prod", Fingerprint: b.deployment("prod").Fingerprint})
	put("?preview=true", b.update("resources: [q]\n"))
	b.Must("POST", "deployments/prod/cancelPreview", &api.DeploymentsCancelPreviewRequest{Fingerprint: b.deployment("prod").Fingerprint}, &api.Operation{})
	var kinds []string
	for _, e := range b.server.Effects() {
		if len(e.Targets) != 1 || e.Targets[0] != "web" {
			t.Errorf("%+v", e)
		}
		kinds = append(kinds, e.Kind)
	}
	if want := []string{"deploy", "rollback", "deploy", "approve", "deploy", "reject"}; !slices.Equal(kinds, want) {
		t.Errorf("%v, want %v", kinds, want)
	}
}

func TestIntrude(t *testing.T) {
	b := newBench(t)
	before := b.deployment("prod")
	if err := b.emulator.Intrude("web"); err != nil {
		t.Fatal(err)
	}
	if after := b.deployment("prod"); after.Manifest == before.Manifest || after.Fingerprint == before.Fingerprint {
		t.Errorf("%+v", after)
	}
	if err := b.emulator.Intrude("nobody"); err == nil || !strings.Contains(err.Error(), "web, web-staging") {
		t.Error(err)
	}
}
