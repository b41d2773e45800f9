package apigateway_test

import (
	"fmt"
	"regexp"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/apigateway"
	"sluice/internal/sandbox/sandboxtest"
	"sluice/pipeline"
)

func target(name, api, stage string) sandboxtest.Target {
	return sandboxtest.Target{Name: name, Config: map[string]string{"restApi": api, "stage": stage, "region": "eu-west-1"}}
}

func TestConformance(t *testing.T) {
	sandboxtest.RunConformance(t, func() sandbox.Emulator { return apigateway.New(sandboxtest.NewClock(start).Now) }, two(t))
}

// seeded lists what runs on the stages of an API, oldest deployments last.
func seeded(t *testing.T, c *sdk.Client, api string) (stages map[string]types.Stage, age map[string]time.Duration) {
	t.Helper()
	stages, age = map[string]types.Stage{}, map[string]time.Duration{}
	list, err := c.GetStages(t.Context(), &sdk.GetStagesInput{RestApiId: &api})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range list.Item {
		stages[*s.StageName] = s
		d, err := c.GetDeployment(t.Context(), &sdk.GetDeploymentInput{RestApiId: &api, DeploymentId: s.DeploymentId})
		if err != nil {
			t.Fatal(err)
		}
		age[*s.StageName] = start.Sub(*d.CreatedDate)
	}
	return stages, age
}

func TestSeed(t *testing.T) {
	p := sandboxtest.Pipeline(t, "apigateway",
		[]sandboxtest.Target{target("dev", "a1b2c3d4e5", "dev")},
		[]sandboxtest.Target{target("eu", "a1b2c3d4e5", "eu"), target("us", "a1b2c3d4e5", "us"), target("other", "zzzzzzzzzz", "live")},
		[]sandboxtest.Target{target("prod", "a1b2c3d4e5", "prod")},
	)
	p.Stages[2].Targets[0].Canary = &pipeline.Canary{Phases: []*pipeline.Phase{{Variables: map[string]string{"color": "green"}}}}
	dir := t.TempDir()
	s := serve(t, sandbox.Options{Dir: dir, Pipelines: []*pipeline.Pipeline{p}})
	if got := s.Env()["AWS_REGION"]; got != "eu-west-1" {
		t.Errorf("region %q, want the pipeline's", got)
	}
	c := connect(s)
	stages, age := seeded(t, c, "a1b2c3d4e5")
	if !(age["dev"] < age["eu"] && age["eu"] == age["us"] && age["us"] < age["prod"]) {
		t.Errorf("deployments' ages: %v, want each stage older than the one before", age)
	}
	shape := regexp.MustCompile(`^[a-z][a-z0-9]{5}$`)
	for name, stage := range stages {
		if !shape.MatchString(*stage.DeploymentId) {
			t.Errorf("%s runs %q, no id like AWS's", name, *stage.DeploymentId)
		}
	}
	if got := stages["prod"].Variables; got["color"] != "before" || got["environment"] != "s3" {
		t.Errorf("variables of prod: %v", got)
	}
	if _, age := seeded(t, c, "zzzzzzzzzz"); age["live"] != 24*time.Hour {
		t.Errorf("an API of its own starts with the newest deployment, not one of %v", age)
	}

	again, _ := seeded(t, connect(serve(t, sandbox.Options{Pipelines: []*pipeline.Pipeline{p}})), "a1b2c3d4e5")
	for name, stage := range again {
		if *stage.DeploymentId != *stages[name].DeploymentId {
			t.Errorf("%s runs %s in one sandbox and %s in another", name, *stages[name].DeploymentId, *stage.DeploymentId)
		}
	}
}

func TestSeedKeepsWhatIsThere(t *testing.T) {
	dir := t.TempDir()
	c := connect(serve(t, sandbox.Options{Dir: dir, Pipelines: []*pipeline.Pipeline{two(t)}}))
	if _, err := c.UpdateStage(t.Context(), &sdk.UpdateStageInput{
		RestApiId: aws.String("a1b2c3d4e5"), StageName: aws.String("prod"),
		PatchOperations: []types.PatchOperation{replace("/description", "changed")},
	}); err != nil {
		t.Fatal(err)
	}
	longer := sandboxtest.Pipeline(t, "apigateway",
		[]sandboxtest.Target{target("dev", "a1b2c3d4e5", "dev")},
		[]sandboxtest.Target{target("prod", "a1b2c3d4e5", "prod")},
		[]sandboxtest.Target{target("dr", "a1b2c3d4e5", "dr")},
	)
	stages, age := seeded(t, connect(serve(t, sandbox.Options{Dir: dir, Pipelines: []*pipeline.Pipeline{longer}})), "a1b2c3d4e5")
	if got := *stages["prod"].Description; got != "changed" {
		t.Errorf("seeding again made prod %q", got)
	}
	if age["dr"] <= age["prod"] {
		t.Errorf("the added stage's deployment is no older: %v", age)
	}
}

func TestSeedRefusesNonsense(t *testing.T) {
	p := sandboxtest.Pipeline(t, "apigateway", []sandboxtest.Target{{Name: "api", Config: []string{"no mapping"}}})
	_, err := sandbox.Start(t.Context(), sandbox.Options{
		Emulators: []sandbox.Emulator{apigateway.New(sandboxtest.NewClock(start).Now)}, Pipelines: []*pipeline.Pipeline{p},
	})
	if err == nil {
		t.Fatal("started")
	}
}

// Regions are worlds of their own.
func TestWrongRegion(t *testing.T) {
	s := serve(t, sandbox.Options{Pipelines: []*pipeline.Pipeline{two(t)}})
	c := connect(s, func(o *sdk.Options) { o.Region = "us-west-2" })
	_, err := c.GetStage(t.Context(), &sdk.GetStageInput{RestApiId: aws.String("a1b2c3d4e5"), StageName: aws.String("prod")})
	wantError(t, err, 404, "NotFoundException", "Invalid API identifier specified")
}

// Every effect of a driver is recognised, by what is sent and what stands.
func TestEffects(t *testing.T) {
	s := serve(t, sandbox.Options{Pipelines: []*pipeline.Pipeline{two(t)}})
	c := connect(s)
	stages, _ := seeded(t, c, "a1b2c3d4e5")
	dev, prod := *stages["dev"].DeploymentId, *stages["prod"].DeploymentId
	steps := []struct {
		want string
		ops  []types.PatchOperation
	}{
		{"weight", []types.PatchOperation{replace("/canarySettings/deploymentId", dev), replace("/canarySettings/percentTraffic", "10.5")}},
		{"weight", []types.PatchOperation{replace("/canarySettings/stageVariableOverrides/a", "1")}},
		{"rollback", []types.PatchOperation{replace("/canarySettings/percentTraffic", "0")}},
		{"weight", []types.PatchOperation{replace("/canarySettings/percentTraffic", "50")}},
		{"rollback", []types.PatchOperation{remove("/canarySettings")}},
		{"weight", []types.PatchOperation{replace("/canarySettings/deploymentId", dev), replace("/canarySettings/percentTraffic", "10.5")}},
		{"stable", promotion()},
		{"disable", []types.PatchOperation{remove("/canarySettings")}},
		{"rollback", []types.PatchOperation{replace("/deploymentId", prod)}},
		{"deploy", []types.PatchOperation{replace("/deploymentId", dev)}},
		{"rollback", []types.PatchOperation{replace("/deploymentId", prod), replace("/variables/environment", "x")}},
		{"rollback", []types.PatchOperation{replace("/variables/environment", "s2")}},
		{"other", []types.PatchOperation{replace("/description", "x")}},
		{"other", nil},
	}
	var want []string
	for _, step := range steps {
		_, err := c.UpdateStage(t.Context(), &sdk.UpdateStageInput{RestApiId: aws.String("a1b2c3d4e5"), StageName: aws.String("prod"), PatchOperations: step.ops})
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, step.want+" [api]")
	}
	for stage, canary := range map[string]*types.DeploymentCanarySettings{"prod": {PercentTraffic: 5}} {
		_, err := c.CreateDeployment(t.Context(), &sdk.CreateDeploymentInput{RestApiId: aws.String("a1b2c3d4e5"), StageName: &stage, CanarySettings: canary})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, stage := range []string{"dev", "unnamed"} {
		_, err := c.CreateDeployment(t.Context(), &sdk.CreateDeploymentInput{RestApiId: aws.String("a1b2c3d4e5"), StageName: &stage})
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.CreateDeployment(t.Context(), &sdk.CreateDeploymentInput{RestApiId: aws.String("a1b2c3d4e5")}); err != nil {
		t.Fatal(err)
	}
	want = append(want, "weight [api]", "deploy [api-dev]", "deploy [apigateway]", "other [apigateway]")

	var got []string
	for _, e := range s.Effects() {
		got = append(got, fmt.Sprint(e.Kind, " ", e.Targets))
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("effects\n%v\nwant\n%v", got, want)
	}
}
