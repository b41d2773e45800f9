package apigateway_test

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"sluice/canary"
	"sluice/stages"
	"sluice/stages/apigateway"
	"sluice/stages/apigateway/patch"
	"sluice/stages/driver"
	"sluice/stages/stagetest"
)

// rig is API Gateway with two stages, and three ways to it: the driver's
// target, the bare SDK, and what was counted.
type rig struct {
	*testing.T
	stagetest.Harness
	prod *stages.Target
	aws  *sdk.Client
	old  string // the deployment that prod runs
	new  string // the deployment that staging runs
}

func newRig(t *testing.T, faults ...string) *rig {
	t.Helper()
	h := newHarness(t, faults...)
	r := &rig{T: t, Harness: h, prod: place(t, h, nil, nil, target("prod")), aws: sdk.New(sdk.Options{
		Region: "eu-west-1", BaseEndpoint: aws.String(h.Env["AWS_ENDPOINT_URL_API_GATEWAY"]),
		Credentials: credentials.NewStaticCredentialsProvider("SOMEBODY", "ELSE", ""),
	})}
	r.old, r.new = r.stands("prod").DeploymentID, r.stands("staging").DeploymentID
	return r
}

// place is a target through a driver with variables laid over the harness's.
func place(t *testing.T, h stagetest.Harness, over map[string]string, transport http.RoundTripper, at driver.Target) *stages.Target {
	t.Helper()
	env := maps.Clone(h.Env)
	maps.Copy(env, over)
	s := stages.New(
		driver.Env{Getenv: func(name string) string { return env[name] }, Now: h.Now, Transport: transport},
		stages.Platform{Facts: apigateway.Facts(), Open: apigateway.Open},
	)
	p, err := s.Target(at)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (r *rig) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

// deployment is a new one of the API; it runs nowhere.
func (r *rig) deployment() string {
	r.Helper()
	out, err := r.aws.CreateDeployment(r.Context(), &sdk.CreateDeploymentInput{RestApiId: aws.String("a1b2c3d4e5")})
	r.must(err)
	return aws.ToString(out.Id)
}

// by hand, somebody changes prod: pairs of a path and its new value.
func (r *rig) byHand(pairs ...string) {
	r.Helper()
	in := &sdk.UpdateStageInput{RestApiId: aws.String("a1b2c3d4e5"), StageName: aws.String("prod"), PatchOperations: replacing(pairs...)}
	_, err := r.aws.UpdateStage(r.Context(), in)
	r.must(err)
}

// replacing are pairs of a path and its new value as operations.
func replacing(pairs ...string) []types.PatchOperation {
	var ops []types.PatchOperation
	for i := 0; i < len(pairs); i += 2 {
		ops = append(ops, types.PatchOperation{Op: types.OpReplace, Path: &pairs[i], Value: &pairs[i+1]})
	}
	return ops
}

// stands is a stage as AWS has it.
func (r *rig) stands(stage string) patch.Stage {
	r.Helper()
	out, err := r.aws.GetStage(r.Context(), &sdk.GetStageInput{RestApiId: aws.String("a1b2c3d4e5"), StageName: &stage})
	r.must(err)
	s := patch.Stage{DeploymentID: aws.ToString(out.DeploymentId), Variables: out.Variables}
	if c := out.CanarySettings; c != nil {
		s.Canary = &patch.Canary{
			DeploymentID: aws.ToString(c.DeploymentId), Percent: canary.PercentOf(c.PercentTraffic),
			Overrides: c.StageVariableOverrides, UseStageCache: c.UseStageCache,
		}
	}
	return s
}

func (r *rig) same(want patch.Stage) {
	r.Helper()
	if d := patch.Diff(r.stands("prod"), want); d != "" {
		r.Errorf("the stage is not as wanted: %s", d)
	}
}

// change moves a deployment from staging to prod.
func change(release string) driver.Change {
	from := target("staging")
	return driver.Change{Target: target("prod"), Source: &from, Release: driver.Release{ID: release}}
}

func call(kind driver.Kind, c driver.Change) driver.Call {
	return driver.Call{Key: "k", Kind: kind, Changes: []driver.Change{c}}
}

func (r *rig) prepare(kind driver.Kind, c driver.Change) driver.Prepared {
	r.Helper()
	p, err := r.prod.Prepare(r.Context(), call(kind, c))
	r.must(err)
	return p
}

// do prepares and begins what nothing speaks against.
func (r *rig) do(kind driver.Kind, c driver.Change) (driver.Prepared, driver.Result) {
	r.Helper()
	p := r.prepare(kind, c)
	against := slices.ContainsFunc(p.Findings, func(f driver.Finding) bool { return f.Severity != driver.Note })
	if against || len(p.Unchanged) > 0 {
		r.Fatalf("%s: findings %v, unchanged %v", kind, p.Findings, p.Unchanged)
	}
	op, err := r.prod.Begin(r.Context(), p.Call)
	r.must(err)
	return p, op.Results["prod"]
}

// counted is how many requests f sent, and how many of them took effect.
func (r *rig) counted(f func(context.Context)) (effects int) {
	before := r.Effects()
	f(r.Context())
	return r.Effects() - before
}

func raw(t *testing.T, s patch.Stage) json.RawMessage {
	t.Helper()
	data, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
