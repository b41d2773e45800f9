package apigateway

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"

	"sluice/stages/amazon"
	"sluice/stages/apigateway/patch"
	"sluice/stages/driver"
)

// gateway is API Gateway's driver.
type gateway struct {
	client  *apigateway.Client
	domains *apigatewayv2.Client // has the custom domain names' routing rules
	now     func() time.Time
	atOnce  int
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
	Before     patch.Stage       `json:"before"`
	Operations []patch.Operation `json:"operations"`
	After      patch.Stage       `json:"after"`
}

// Begin sends the one request and compares its answer with the prediction: UpdateStage,
// or what is about testers alone.
func (g *gateway) Begin(ctx context.Context, c driver.Call) (driver.Operation, error) {
	change, f, err := thaw(c)
	if err != nil {
		return driver.Operation{}, err
	}
	at, err := g.place(change.Target)
	if err != nil {
		return driver.Operation{}, err
	}
	if isForTesters(c.Kind) {
		return g.beginForTesters(ctx, c.Kind, change, at, f)
	}
	in := &apigateway.UpdateStageInput{RestApiId: &at.RestAPI, StageName: &at.Stage, PatchOperations: operations(f.Operations)}
	out, err := g.client.UpdateStage(ctx, in, at.region)
	if err != nil {
		return driver.Operation{}, err
	}
	answer, err := believeStage("UpdateStage", stageOf((*apigateway.GetStageOutput)(out)), at.Stage, out.ResultMetadata)
	if err != nil {
		return driver.Operation{}, err
	}
	answer.Testers = f.After.Testers // which this request does not touch
	if d := patch.Diff(answer, f.After); d != "" {
		return driver.Operation{}, amazon.Unexpected("the stage that AWS answered is not the one that was asked for: "+d, out.ResultMetadata)
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
	stands, err := g.lookedAt(ctx, at, change, f)
	if err != nil {
		return driver.Undecided, driver.Operation{}, err
	}
	switch {
	case patch.Equal(stands, f.After):
		op, err := succeeded(c.Kind, change, stands)
		return driver.Found, op, err
	case !patch.Equal(stands, f.Before):
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
func (g *gateway) read(ctx context.Context, at place) (patch.Stage, error) {
	out, err := g.client.GetStage(ctx, &apigateway.GetStageInput{RestApiId: &at.RestAPI, StageName: &at.Stage}, at.region)
	if err != nil {
		return patch.Stage{}, err
	}
	return believeStage("GetStage", stageOf(out), at.Stage, out.ResultMetadata)
}

// lookedAt is the stage as it stands, with what stands for testers where Prepare looked
// at that.
func (g *gateway) lookedAt(ctx context.Context, at place, change driver.Change, f frozen) (patch.Stage, error) {
	stands, err := g.read(ctx, at)
	if err != nil || f.Before.Testers == nil {
		return stands, err
	}
	stands.Testers, err = g.testers(ctx, at, change)
	return stands, err
}

func (g *gateway) place(t driver.Target) (place, error) {
	var at place
	if err := json.Unmarshal(t.Config, &at); err != nil {
		return at, &amazon.InvalidError{Text: fmt.Sprintf("the target's configuration: %v", err)}
	}
	if at.RestAPI == "" || at.Stage == "" {
		return at, &amazon.InvalidError{Text: "the target names no restApi or no stage"}
	}
	_, err := amazon.RegionOr(at.Region, g.client.Options().Region)
	return at, err
}

// region is the option of a request that sends it to the place's own region.
func (at place) region(o *apigateway.Options) {
	if at.Region != "" {
		o.Region = at.Region
	}
}

func operations(ops []patch.Operation) []types.PatchOperation {
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
		return driver.Change{}, f, &amazon.InvalidError{Text: fmt.Sprintf("a call has one change, this one %d", len(c.Changes))}
	}
	if err := json.Unmarshal(c.Data, &f); err != nil {
		return driver.Change{}, f, &amazon.InvalidError{Text: fmt.Sprintf("the call was not prepared: %v", err)}
	}
	return c.Changes[0], f, nil
}

func succeeded(kind driver.Kind, change driver.Change, stands patch.Stage) (driver.Operation, error) {
	return done(kind, change, stands, driver.Result{Outcome: driver.Succeeded})
}

func foreign(kind driver.Kind, change driver.Change, stands patch.Stage, f frozen) (driver.Operation, error) {
	problem := driver.Problem{Message: "somebody else changed the stage; compared with what was to be made: " + patch.Diff(stands, f.After)}
	return done(kind, change, stands, driver.Result{Outcome: driver.Failed, Errors: []driver.Problem{problem}})
}

func done(kind driver.Kind, change driver.Change, stands patch.Stage, r driver.Result) (driver.Operation, error) {
	after, err := json.Marshal(stands)
	r.After, r.Release = after, seen(kind, change, stands)
	return driver.Operation{
		Kind: string(kind), Status: driver.Done, Progress: 100,
		Results: map[string]driver.Result{change.Target.Name: r},
	}, err
}

// seen is the release as read back: the canary's while it has a share, that of testers
// where it is about them, the stage's own otherwise.
func seen(kind driver.Kind, change driver.Change, stands patch.Stage) driver.Release {
	id := stands.DeploymentID
	switch {
	case kind == driver.Weight && stands.Canary != nil:
		id = stands.Canary.DeploymentID
	case (kind == driver.Host || kind == driver.Route) && stands.Testers != nil && stands.Testers.Stage != nil:
		id = stands.Testers.Stage.DeploymentID
	}
	if id == change.Release.ID {
		return change.Release
	}
	return driver.Release{ID: id}
}
