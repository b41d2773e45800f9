package apigateway

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"sluice/canary"
	"sluice/internal/guard"
	"sluice/stages/driver"
)

// gateway is API Gateway's driver.
type gateway struct {
	client *apigateway.Client
	now    func() time.Time
	atOnce int
}

var _ driver.Driver = (*gateway)(nil)

// place is a target's configuration.
type place struct {
	RestAPI string `json:"restApi"`
	Stage   string `json:"stage"`
	Region  string `json:"region"`
}

// frozen is what Prepare hands to Begin and Lookup in Call.Data.
type frozen struct {
	Before     canary.Stage       `json:"before"`
	Operations []canary.Operation `json:"operations"`
	After      canary.Stage       `json:"after"`
}

// Live is what the stages run, each read by itself.
func (g *gateway) Live(ctx context.Context, targets []driver.Target) ([]driver.Live, []error) {
	live := make([]driver.Live, len(targets))
	return live, guard.Each("reading a stage", g.atOnce, len(targets), func(i int) error {
		at, err := g.place(targets[i])
		if err != nil {
			return err
		}
		stage, err := g.read(ctx, at)
		live[i] = driver.Whole(driver.Release{ID: stage.DeploymentID})
		return err
	})
}

// Resolve reads a deployment of the target's REST API.
func (g *gateway) Resolve(ctx context.Context, t driver.Target, id string) (driver.Release, error) {
	at, err := g.place(t)
	if err != nil {
		return driver.Release{}, err
	}
	in := &apigateway.GetDeploymentInput{RestApiId: &at.RestAPI, DeploymentId: &id}
	out, err := g.client.GetDeployment(ctx, in, at.region)
	if err != nil {
		return driver.Release{}, err
	}
	return believeDeployment(out, id)
}

// Begin sends the one UpdateStage and compares its answer with the prediction.
func (g *gateway) Begin(ctx context.Context, c driver.Call) (driver.Operation, error) {
	change, f, err := thaw(c)
	if err != nil {
		return driver.Operation{}, err
	}
	at, err := g.place(change.Target)
	if err != nil {
		return driver.Operation{}, err
	}
	in := &apigateway.UpdateStageInput{RestApiId: &at.RestAPI, StageName: &at.Stage, PatchOperations: patch(f.Operations)}
	out, err := g.client.UpdateStage(ctx, in, at.region, once)
	if err != nil {
		return driver.Operation{}, err
	}
	answer, err := believeStage("UpdateStage", (*apigateway.GetStageOutput)(out), at.Stage)
	if err != nil {
		return driver.Operation{}, err
	}
	if d := canary.Diff(answer, f.After); d != "" {
		id, _ := awsmiddleware.GetRequestIDMetadata(out.ResultMetadata)
		return driver.Operation{}, &unexpectedError{difference: d, requestID: id}
	}
	return succeeded(c.Kind, change, answer)
}

// Lookup compares the stage with what stood before the call and what it makes.
func (g *gateway) Lookup(ctx context.Context, c driver.Call) (driver.Verdict, driver.Operation, error) {
	change, f, err := thaw(c)
	if err != nil {
		return driver.Undecided, driver.Operation{}, err
	}
	at, err := g.place(change.Target)
	if err != nil {
		return driver.Undecided, driver.Operation{}, err
	}
	stands, err := g.read(ctx, at)
	if err != nil {
		return driver.Undecided, driver.Operation{}, err
	}
	switch {
	case canary.Equal(stands, f.After):
		op, err := succeeded(c.Kind, change, stands)
		return driver.Found, op, err
	case !canary.Equal(stands, f.Before):
		op, err := foreign(c.Kind, change, stands, f)
		return driver.ForeignChange, op, err
	case g.now().Before(c.Intended.Add(settle)):
		return driver.Undecided, driver.Operation{}, nil
	default:
		return driver.Absent, driver.Operation{}, nil
	}
}

// Poll has nothing to wait for after a Begin that answered; an operation that
// is not done is decided by the stage.
func (g *gateway) Poll(ctx context.Context, op driver.Operation) (driver.Operation, time.Duration, error) {
	if op.Status == driver.Done {
		return op, 0, nil
	}
	verdict, found, err := g.Lookup(ctx, op.Call)
	if err != nil {
		return op, 0, err
	}
	if verdict == driver.Found || verdict == driver.ForeignChange {
		found.Call = op.Call
		return found, 0, nil
	}
	return op, 0, nil
}

// read is the stage as it stands.
func (g *gateway) read(ctx context.Context, at place) (canary.Stage, error) {
	out, err := g.client.GetStage(ctx, &apigateway.GetStageInput{RestApiId: &at.RestAPI, StageName: &at.Stage}, at.region)
	if err != nil {
		return canary.Stage{}, err
	}
	return believeStage("GetStage", out, at.Stage)
}

func (g *gateway) place(t driver.Target) (place, error) {
	var at place
	if err := json.Unmarshal(t.Config, &at); err != nil {
		return at, &invalidError{text: fmt.Sprintf("the target's configuration: %v", err)}
	}
	if at.RestAPI == "" || at.Stage == "" {
		return at, &invalidError{text: "the target names no restApi or no stage"}
	}
	if at.Region == "" && g.client.Options().Region == "" {
		return at, &invalidError{text: "no AWS region is known", remedy: "give the target a region, or set AWS_REGION"}
	}
	return at, nil
}

// region is the option of a request that sends it to the place's own region.
func (at place) region(o *apigateway.Options) {
	if at.Region != "" {
		o.Region = at.Region
	}
}

// once is the option of a request that must not be repeated.
func once(o *apigateway.Options) { o.Retryer = aws.NopRetryer{} }

func patch(ops []canary.Operation) []types.PatchOperation {
	out := make([]types.PatchOperation, len(ops))
	for i, op := range ops {
		out[i] = types.PatchOperation{Op: types.Op(op.Op), Path: aws.String(op.Path)}
		switch op.Op {
		case "copy":
			out[i].From = aws.String(op.From)
		case "replace":
			out[i].Value = aws.String(op.Value)
		}
	}
	return out
}

// thaw reads what Prepare froze.
func thaw(c driver.Call) (driver.Change, frozen, error) {
	var f frozen
	if len(c.Changes) != 1 {
		return driver.Change{}, f, &invalidError{text: fmt.Sprintf("a call has one change, this one %d", len(c.Changes))}
	}
	if err := json.Unmarshal(c.Data, &f); err != nil {
		return driver.Change{}, f, &invalidError{text: fmt.Sprintf("the call was not prepared: %v", err)}
	}
	return c.Changes[0], f, nil
}

func succeeded(kind driver.Kind, change driver.Change, stands canary.Stage) (driver.Operation, error) {
	return done(kind, change, stands, driver.Result{Outcome: driver.Succeeded})
}

func foreign(kind driver.Kind, change driver.Change, stands canary.Stage, f frozen) (driver.Operation, error) {
	problem := driver.Problem{Message: "somebody else changed the stage; compared with what was to be made: " + canary.Diff(stands, f.After)}
	return done(kind, change, stands, driver.Result{Outcome: driver.Failed, Errors: []driver.Problem{problem}})
}

func done(kind driver.Kind, change driver.Change, stands canary.Stage, r driver.Result) (driver.Operation, error) {
	after, err := json.Marshal(stands)
	r.After, r.Release = after, seen(kind, change, stands)
	return driver.Operation{
		Kind: string(kind), Status: driver.Done, Progress: 100,
		Results: map[string]driver.Result{change.Target.Name: r},
	}, err
}

// seen is the release as read back: the canary's while it has a share, the
// stage's own otherwise.
func seen(kind driver.Kind, change driver.Change, stands canary.Stage) driver.Release {
	id := stands.DeploymentID
	if kind == driver.Weight && stands.Canary != nil {
		id = stands.Canary.DeploymentID
	}
	if id == change.Release.ID {
		return change.Release
	}
	return driver.Release{ID: id}
}
