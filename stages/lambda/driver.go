package lambda

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"sluice/canary"
	"sluice/stages/amazon"
	"sluice/stages/driver"
)

// functions is Lambda's driver.
type functions struct {
	client *lambda.Client
	now    func() time.Time
	atOnce int
}

var _ driver.Driver = (*functions)(nil)

// Open connects with AWS's own configuration: its default credential chain,
// regions and endpoint overrides. It sends nothing.
func Open(ctx context.Context, env driver.Env) (driver.Driver, error) {
	cfg, err := amazon.Open(ctx, env, "LAMBDA")
	if err != nil {
		return nil, err
	}
	client := lambda.NewFromConfig(cfg.Config, func(o *lambda.Options) { cfg.Set(&o.BaseEndpoint, &o.Retryer) })
	if err := amazon.Check(client.Options().BaseEndpoint); err != nil {
		return nil, err
	}
	return &functions{client: client, now: env.Time, atOnce: env.AtOnce()}, nil
}

// place is a target's configuration.
type place struct {
	Function string `json:"function"`
	Alias    string `json:"alias"`
	Region   string `json:"region"`
}

func (d *functions) place(t driver.Target) (place, error) {
	var at place
	if err := json.Unmarshal(t.Config, &at); err != nil {
		return at, &amazon.InvalidError{Text: fmt.Sprintf("the target's configuration: %v", err)}
	}
	if at.Function == "" || at.Alias == "" {
		return at, &amazon.InvalidError{Text: "the target names no function or no alias"}
	}
	var err error
	at.Region, err = amazon.RegionOr(at.Region, d.client.Options().Region)
	return at, err
}

// in is the option of a request that sends it to the place's own region.
func (at place) in(o *lambda.Options) { o.Region = at.Region }

// stands is an alias as it stands, or will: what state keeps of it.
type stands struct {
	Version string         `json:"version"`
	Canary  string         `json:"canary,omitempty"`
	Percent canary.Percent `json:"percent,omitempty"`
}

func (s stands) split() canary.Split {
	return canary.Split{Stable: s.Version, Canary: s.Canary, Percent: s.Percent}
}

func standsOf(s canary.Split) stands {
	return stands{Version: s.Stable, Canary: s.Canary, Percent: s.Percent}
}

// String says who has what of the traffic.
func (s stands) String() string {
	if s.Canary == "" {
		return "version " + s.Version
	}
	return fmt.Sprintf("version %s with %s %% to version %s", s.Version, s.Percent, s.Canary)
}

// frozen is what Prepare hands to Begin, Lookup and Poll in Call.Data.
type frozen struct {
	Before   stands `json:"before"`
	After    stands `json:"after"`
	Revision string `json:"revision"`           // of the alias as it was read
	Warms    bool   `json:"warms,omitempty"`    // provisioned concurrency: all traffic stays until the new version is warm
	Versions bool   `json:"versions,omitempty"` // the update names FunctionVersion
	Weights  bool   `json:"weights,omitempty"`  // the update names RoutingConfig
}

// thaw reads what Prepare froze.
func (d *functions) thaw(c driver.Call) (driver.Change, place, frozen, error) {
	var f frozen
	if len(c.Changes) != 1 {
		return driver.Change{}, place{}, f, &amazon.InvalidError{Text: fmt.Sprintf("a call has one change, this one %d", len(c.Changes))}
	}
	if err := json.Unmarshal(c.Data, &f); err != nil {
		return driver.Change{}, place{}, f, &amazon.InvalidError{Text: fmt.Sprintf("the call was not prepared: %v", err)}
	}
	at, err := d.place(c.Changes[0].Target)
	return c.Changes[0], at, f, err
}

// Make is Unsupported: a version is published by the build that uploads its code.
func (d *functions) Make(context.Context, driver.Target, string) (driver.Release, error) {
	return driver.Release{}, &amazon.UnsupportedError{
		Text:   "Lambda publishes a version of the code that was uploaded, and that is the build's to do",
		Remedy: "publish one there (`aws lambda publish-version --function-name …`), and promote it (`--release latest`)",
	}
}

// Operation is Unsupported: there is nothing to follow by name.
func (d *functions) Operation(context.Context, driver.Target, string) (driver.Operation, time.Duration, error) {
	return driver.Operation{}, 0, &amazon.UnsupportedError{
		Text:   "Lambda has no operations to follow: a change to an alias is done when it is answered",
		Remedy: "look at what runs there (`sluice status`)",
	}
}

// Explain classifies what the SDK and this driver return.
func (d *functions) Explain(err error) driver.Explanation {
	return amazon.Explain(err, amazon.Remedies{
		Denied:   "allow the role lambda:GetAlias, lambda:UpdateAlias, lambda:GetFunctionConfiguration, lambda:ListVersionsByFunction and lambda:GetProvisionedConcurrencyConfig on the function and its aliases",
		NotFound: "check the target's function, alias and region, and the release, against what AWS shows",
		Conflict: "look at the function: it is in a state that refuses the change",
	}, refine)
}

func refine(x *driver.Explanation, code, _ string) {
	switch code {
	case "PreconditionFailedException":
		x.Code, x.Stale = driver.Retryable, true // a spent RevisionId: the update was not carried out
	case "ResourceConflictException", "ResourceInUseException", "ResourceNotReadyException":
		x.Code, x.Busy, x.Remedy = driver.Retryable, true, "" // another change of the function is under way; nothing was changed
	case "InvalidParameterValueException", "ValidationException":
		x.Code = driver.Invalid
	}
}
