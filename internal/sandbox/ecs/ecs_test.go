package ecs_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/ecs"
	"sluice/internal/sandbox/sandboxtest"
	"sluice/pipeline"
)

func seeded(tb testing.TB) *pipeline.Pipeline {
	config := func(name string) any {
		return map[string]string{"cluster": "shop", "service": name, "region": "eu-west-1"}
	}
	return sandboxtest.Pipeline(tb, "ecs",
		[]sandboxtest.Target{{Name: "web-staging", Component: "web", Config: config("staging")}},
		[]sandboxtest.Target{{Name: "web", Component: "web", Config: config("prod")}},
	)
}

func TestConformance(t *testing.T) {
	clock := sandboxtest.NewClock(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
	sandboxtest.RunConformance(t, func() sandbox.Emulator { return ecs.New(clock.Now) }, seeded(t))
}

// TestCLI deploys, pauses, goes on and goes back with Amazon's own CLI.
func TestCLI(t *testing.T) {
	clock := sandboxtest.NewClock(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
	e := ecs.New(clock.Now)
	server := sandboxtest.Start(t, sandbox.Options{Emulators: []sandbox.Emulator{e}, Pipelines: []*pipeline.Pipeline{seeded(t)}})
	aws := func(into any, args ...string) string {
		t.Helper()
		return sandboxtest.AWS(t, server, "AWS_ENDPOINT_URL_ECS", into, append([]string{"ecs"}, args...)...)
	}
	var updated struct {
		Service struct {
			TaskDefinition           string
			CurrentServiceDeployment string
		}
	}
	if refused := aws(&updated, "update-service", "--cluster", "shop", "--service", "prod", "--task-definition", "web:1"); refused != "" || updated.Service.CurrentServiceDeployment != "" {
		t.Errorf("the same definition: %s %+v", refused, updated)
	}
	aws(&updated, "update-service", "--cluster", "shop", "--service", "prod", "--task-definition", "web:2",
		"--deployment-configuration", `{"strategy":"CANARY","canaryConfiguration":{"canaryPercent":10}}`)
	arn := updated.Service.CurrentServiceDeployment
	if !strings.Contains(arn, ":service-deployment/shop/prod/") || !strings.HasSuffix(updated.Service.TaskDefinition, "/web:2") {
		t.Fatalf("%+v", updated)
	}
	clock.Move(7 * time.Second)
	var described struct {
		ServiceDeployments []struct {
			Status, LifecycleStage string
			TargetServiceRevision  struct{ RequestedProductionTrafficWeight float64 }
			Rollback               struct{ Reason string }
		}
	}
	aws(&described, "describe-service-deployments", "--service-deployment-arns", arn)
	if d := described.ServiceDeployments[0]; d.Status != "IN_PROGRESS" || d.LifecycleStage != "PRODUCTION_TRAFFIC_SHIFT" {
		t.Errorf("%+v", d)
	}
	if refused := aws(nil, "stop-service-deployment", "--service-deployment-arn", arn, "--stop-type", "ROLLBACK"); refused != "" {
		t.Error(refused)
	}
	clock.Move(time.Minute)
	aws(&described, "describe-service-deployments", "--service-deployment-arns", arn)
	if d := described.ServiceDeployments[0]; d.Status != "ROLLBACK_SUCCESSFUL" || !strings.Contains(d.Rollback.Reason, "stop was requested") {
		t.Errorf("%+v", d)
	}
	if refused := aws(nil, "stop-service-deployment", "--service-deployment-arn", arn); !strings.Contains(refused, "ConflictException") {
		t.Errorf("stopped again: %q", refused)
	}
	if refused := aws(nil, "describe-services", "--cluster", "nobody", "--services", "prod"); !strings.Contains(refused, "ClusterNotFoundException") {
		t.Errorf("an unknown cluster: %q", refused)
	}
}

// FuzzRequest: no request breaks the emulator, and what it refuses changes nothing.
func FuzzRequest(f *testing.F) {
	f.Add("UpdateService", `{"cluster":"shop","service":"prod","taskDefinition":"web:2"}`)
	f.Add("UpdateService", `{"cluster":"shop","service":"prod","deploymentConfiguration":{"strategy":"X"}}`)
	f.Add("ListServiceDeployments", `{"cluster":"shop","service":"prod","createdAt":{"after":1.5},"maxResults":-1}`)
	f.Add("StopServiceDeployment", `{"serviceDeploymentArn":""}`)
	f.Add("DescribeTaskDefinition", `{"taskDefinition":"web"}`)
	f.Fuzz(func(t *testing.T, operation, body string) {
		e := ecs.New(func() time.Time { return time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC) })
		if err := e.Seed(seeded(t)); err != nil {
			t.Fatal(err)
		}
		before, err := e.Save()
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequestWithContext(t.Context(), "POST", "/", strings.NewReader(body))
		r.Header.Set("X-Amz-Target", "AmazonEC2ContainerServiceV20141113."+operation)
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=SANDBOXDUMMYKEY/20260302/eu-west-1/ecs/aws4_request, SignedHeaders=host, Signature=x")
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
