package ecs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"sluice/stages/amazon"
	"sluice/stages/driver"
)

// services is ECS's driver.
type services struct {
	client *ecs.Client
	now    func() time.Time
	atOnce int
}

var _ driver.Driver = (*services)(nil)

// Open connects with AWS's own configuration: its default credential chain,
// regions and endpoint overrides. It sends nothing.
func Open(ctx context.Context, env driver.Env) (driver.Driver, error) {
	cfg, err := amazon.Open(ctx, env, "ECS")
	if err != nil {
		return nil, err
	}
	client := ecs.NewFromConfig(cfg.Config, func(o *ecs.Options) { cfg.Set(&o.BaseEndpoint, &o.Retryer) })
	if err := amazon.Check(client.Options().BaseEndpoint); err != nil {
		return nil, err
	}
	return &services{client: client, now: env.Time, atOnce: env.AtOnce()}, nil
}

// place is a target's configuration.
type place struct {
	Cluster string `json:"cluster"`
	Service string `json:"service"`
	Region  string `json:"region"`
}

func (d *services) place(t driver.Target) (place, error) {
	var at place
	if err := json.Unmarshal(t.Config, &at); err != nil {
		return at, &amazon.InvalidError{Text: fmt.Sprintf("the target's configuration: %v", err)}
	}
	if at.Cluster == "" || at.Service == "" {
		return at, &amazon.InvalidError{Text: "the target names no cluster or no service"}
	}
	var err error
	at.Region, err = amazon.RegionOr(at.Region, d.client.Options().Region)
	return at, err
}

// in is the option of a request that sends it to the place's own region.
func (at place) in(o *ecs.Options) { o.Region = at.Region }

// busyError means that somebody else's deployment is under way: nothing was sent.
type busyError struct{ text string }

// Error says which.
func (e *busyError) Error() string { return e.text }

// Explain classifies what the SDK and this driver return.
func (d *services) Explain(err error) driver.Explanation {
	if _, ok := errors.AsType[*busyError](err); ok {
		return driver.Explanation{Code: driver.Retryable, Busy: true}
	}
	return amazon.Explain(err, amazon.Remedies{
		Denied:   "allow the role what docs/ecs.md lists: ecs:DescribeServices, ecs:UpdateService, ecs:ListServiceDeployments, … on the service, and iam:PassRole on the roles of its task definition",
		NotFound: "check the target's cluster, service and region, and the release, against what AWS shows",
		Conflict: "look at the service's deployment: it is in a state that refuses this",
	}, refine)
}

// refine corrects what the status says: ECS refuses everything with 400.
func refine(x *driver.Explanation, code, message string) {
	switch {
	case strings.HasSuffix(code, "NotFoundException"), code == "ClientException" && strings.HasPrefix(message, "Unable to describe task definition"):
		x.Code, x.Remedy = driver.NotFound, "check the target's cluster, service and region, and the release, against what AWS shows"
	case code == "ConflictException", code == "ServiceNotActiveException":
		x.Code = driver.Conflict
	case code == "UpdateInProgressException":
		x.Code, x.Busy = driver.Retryable, true
	case code == "ServerException":
		x.Code = driver.Lost
	}
}

// Make is Unsupported: a task definition is registered by the build.
func (d *services) Make(context.Context, driver.Target, string) (driver.Release, error) {
	return driver.Release{}, &amazon.UnsupportedError{
		Text:   "a task definition names an image and its settings, and that is the build's to register",
		Remedy: "register one (`aws ecs register-task-definition …`), and promote it (`--release family:revision`, or `--release latest`)",
	}
}
