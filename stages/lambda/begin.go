package lambda

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"sluice/stages/amazon"
	"sluice/stages/driver"
)

// warmingTime is how long Lambda is given to warm a version before its own weights
// that stay count as failure; terraform-provider-aws waits as long.
const warmingTime = 15 * time.Minute

// routing are the weights that an update names: none are an empty map, because what
// is left out stays as it is.
func (f frozen) routing() *types.AliasRoutingConfiguration {
	if !f.Weights {
		return nil
	}
	weights := map[string]float64{}
	if f.After.Canary != "" {
		weights[f.After.Canary] = f.After.Percent.Fraction()
	}
	return &types.AliasRoutingConfiguration{AdditionalVersionWeights: weights}
}

// request is the update's body, for people.
func (f frozen) request() (string, error) {
	body := struct {
		FunctionVersion string                           `json:",omitempty"`
		RoutingConfig   *types.AliasRoutingConfiguration `json:",omitempty"`
		RevisionID      string                           `json:"RevisionId"`
	}{RoutingConfig: f.routing(), RevisionID: f.Revision}
	if f.Versions {
		body.FunctionVersion = f.After.Version
	}
	data, err := json.Marshal(body)
	return string(data), err
}

// commands are the update with AWS's own client. It names the alias' revision, too:
// after a change in between it is refused.
func (f frozen) commands(at place) ([]string, error) {
	words := []string{"aws", "lambda", "update-alias", "--region", at.Region, "--function-name", at.Function, "--name", at.Alias}
	if f.Versions {
		words = append(words, "--function-version", f.After.Version)
	}
	if routing := f.routing(); routing != nil {
		document, err := json.Marshal(routing)
		if err != nil {
			return nil, err
		}
		words = append(words, "--routing-config", string(document))
	}
	return []string{driver.Shell(append(words, "--revision-id", f.Revision)...)}, nil
}

// Begin sends the one UpdateAlias and compares its answer with the prediction.
func (d *functions) Begin(ctx context.Context, c driver.Call) (driver.Operation, error) {
	change, at, f, err := d.thaw(c)
	if err != nil {
		return driver.Operation{}, err
	}
	in := &lambda.UpdateAliasInput{FunctionName: &at.Function, Name: &at.Alias, RevisionId: &f.Revision, RoutingConfig: f.routing()}
	if f.Versions {
		in.FunctionVersion = &f.After.Version
	}
	out, err := d.client.UpdateAlias(ctx, in, at.in)
	if err != nil {
		return driver.Operation{}, err
	}
	answer, err := believeAlias("UpdateAlias", out, at, out.ResultMetadata)
	if err != nil {
		return driver.Operation{}, err
	}
	if !f.made(answer.stands) {
		return driver.Operation{}, amazon.Unexpected(fmt.Sprintf("the alias that AWS answered runs %s, not %s as was asked for", answer.stands, f.After), out.ResultMetadata)
	}
	return d.came(c.Kind, change, f, answer.stands)
}

// made reports whether the alias is what the call makes, or on the way there: with
// provisioned concurrency Lambda keeps all traffic on the version before.
func (f frozen) made(s stands) bool { return s == f.After || f.isWarming(s) }

func (f frozen) isWarming(s stands) bool {
	return f.Warms && s.Version == f.After.Version && s.Canary != "" && s.Percent.Rest().IsZero()
}

// came is the operation after an alias was seen that the call made. With provisioned
// concurrency a new version is followed until it is warm.
func (d *functions) came(kind driver.Kind, change driver.Change, f frozen, s stands) (driver.Operation, error) {
	if f.Warms && f.After.Version != f.Before.Version {
		return driver.Operation{
			Kind: string(kind), Status: driver.Running, Inserted: d.now(),
			Results: map[string]driver.Result{change.Target.Name: {Outcome: driver.Open}},
		}, nil
	}
	return done(kind, change, s, driver.Result{Outcome: driver.Succeeded, Release: change.Release})
}

func done(kind driver.Kind, change driver.Change, s stands, r driver.Result) (driver.Operation, error) {
	after, err := json.Marshal(s)
	r.After = after
	return driver.Operation{
		Kind: string(kind), Status: driver.Done, Progress: 100,
		Results: map[string]driver.Result{change.Target.Name: r},
	}, err
}

// Lookup compares the alias with what stood before the call and what it makes.
func (d *functions) Lookup(ctx context.Context, c driver.Call) (driver.Verdict, driver.Operation, error) {
	change, at, f, err := d.thaw(c)
	if err != nil {
		return driver.Undecided, driver.Operation{}, err
	}
	a, err := d.alias(ctx, at)
	if err != nil {
		return driver.Undecided, driver.Operation{}, err
	}
	switch {
	case f.made(a.stands):
		op, err := d.came(c.Kind, change, f, a.stands)
		return driver.Found, op, err
	case a.stands != f.Before:
		op, err := d.foreign(ctx, c.Kind, change, at, a.stands, f)
		return driver.ForeignChange, op, err
	case d.now().Before(c.Intended.Add(settle)):
		return driver.Undecided, driver.Operation{}, nil
	default:
		return driver.Absent, driver.Operation{}, nil
	}
}

func (d *functions) foreign(ctx context.Context, kind driver.Kind, change driver.Change, at place, s stands, f frozen) (driver.Operation, error) {
	v, err := d.version(ctx, at, s.Version)
	if err != nil {
		return driver.Operation{}, err
	}
	return failed(kind, change, s, v.release(at.Function), fmt.Sprintf("somebody else changed the alias: it runs %s, not %s as was to be made", s, f.After))
}

func failed(kind driver.Kind, change driver.Change, s stands, runs driver.Release, message string) (driver.Operation, error) {
	return done(kind, change, s, driver.Result{Outcome: driver.Failed, Release: runs, Errors: []driver.Problem{{Message: message}}})
}

// Poll follows the warming of a new version; everything else is done when it is
// answered.
func (d *functions) Poll(ctx context.Context, op driver.Operation) (driver.Operation, time.Duration, error) {
	if op.Status == driver.Done {
		return op, 0, nil
	}
	change, at, f, err := d.thaw(op.Call)
	if err != nil {
		return op, 0, err
	}
	a, err := d.alias(ctx, at)
	if err != nil {
		return op, 0, err
	}
	if !f.made(a.stands) {
		next, err := d.foreign(ctx, op.Call.Kind, change, at, a.stands, f)
		return goesOn(op, next), 0, err
	}
	w, err := d.warming(ctx, at)
	if err != nil {
		return op, 0, err
	}
	next, err := d.warmed(ctx, op, change, at, f, a.stands, w)
	return next, 0, err
}

// warmed is what became of a version that Lambda warms: it has all traffic when
// Lambda took its own weights away, and those of a version that cannot start stay.
func (d *functions) warmed(ctx context.Context, op driver.Operation, change driver.Change, at place, f frozen, s stands, w warming) (driver.Operation, error) {
	var message string
	switch {
	case w.status == types.ProvisionedConcurrencyStatusEnumFailed:
		message = fmt.Sprintf("Lambda could not warm version %s: %s", f.After.Version, w.reason)
	case f.isWarming(s) && d.now().Sub(op.Inserted) > warmingTime:
		message = fmt.Sprintf("Lambda has not warmed version %s within %s", f.After.Version, warmingTime)
	case f.isWarming(s), w.on && w.status != types.ProvisionedConcurrencyStatusEnumReady, d.now().Before(op.Inserted.Add(settle)):
		return op, nil
	default:
		next, err := done(op.Call.Kind, change, s, driver.Result{Outcome: driver.Succeeded, Release: change.Release})
		return goesOn(op, next), err
	}
	runs := f.Before.Version
	if f.isWarming(s) {
		runs = s.Canary
	}
	v, err := d.version(ctx, at, runs)
	if err != nil {
		return op, err
	}
	next, err := failed(op.Call.Kind, change, s, v.release(at.Function), message+"; all traffic stays on version "+runs)
	return goesOn(op, next), err
}

// goesOn is the next state of an operation that is followed.
func goesOn(op, next driver.Operation) driver.Operation {
	next.Call, next.Inserted = op.Call, op.Inserted
	return next
}
