package clouddeploy

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"sluice/stages/driver"
	"sluice/stages/google"
)

// remedies are what users can do about Cloud Deploy's refusals.
func remedies() google.Remedies {
	return google.Remedies{
		Denied:   "allow the account roles/clouddeploy.operator on the delivery pipeline, roles/clouddeploy.approver to approve, and roles/iam.serviceAccountUser on the target's execution account",
		NotFound: "check the target's project, location, deliveryPipeline and target, and the release, against what `gcloud deploy` shows",
	}
}

// clouddeploy is Cloud Deploy's driver.
type clouddeploy struct {
	client *google.Client
	now    func() time.Time
	atOnce int
}

var _ driver.Driver = (*clouddeploy)(nil)

// Open connects with Google's own configuration: Application Default
// Credentials and gcloud's endpoint override. It sends nothing.
func Open(_ context.Context, env driver.Env) (driver.Driver, error) {
	client, err := google.Open(env, google.API{
		Endpoint: "https://clouddeploy.googleapis.com/",
		Override: "CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDDEPLOY",
		Rules:    rules(),
	})
	if err != nil {
		return nil, err
	}
	return google.Confirmed(&clouddeploy{client: client, now: env.Time, atOnce: env.AtOnce()}), nil
}

// Explain classifies what Google's API returns.
func (d *clouddeploy) Explain(err error) driver.Explanation {
	x := google.Explain(err, remedies())
	if google.IsStatus(err, http.StatusConflict) && !x.Busy {
		// The id of a rollout is ours: that it exists says that an earlier
		// request may have made it.
		x.Code = driver.Lost
	}
	return x
}

// Resolve reads a release of the target's delivery pipeline.
func (d *clouddeploy) Resolve(ctx context.Context, t driver.Target, id string) (driver.Release, error) {
	at, err := placeOf(t)
	if err != nil {
		return driver.Release{}, err
	}
	if id == driver.Latest {
		return d.latest(ctx, at)
	}
	r, err := d.release(ctx, at, id)
	if err != nil {
		return driver.Release{}, err
	}
	return released(r), nil
}

// Prepare checks a call and freezes the names it needs.
func (d *clouddeploy) Prepare(ctx context.Context, c driver.Call) (driver.Prepared, error) {
	if len(c.Changes) != 1 {
		return driver.Prepared{}, google.OneChange(c)
	}
	at, err := placeOf(c.Changes[0].Target)
	if err != nil {
		return driver.Prepared{}, err
	}
	switch c.Kind {
	case driver.Deploy:
		return d.prepareDeploy(ctx, c, at)
	case driver.Rollback:
		return d.prepareRollback(ctx, c, at)
	default:
		return d.prepareCommand(ctx, c, at)
	}
}

// Begin sends the one request of the call and looks at the rollout after it.
// That look may fail: the request was answered all the same. What it says against
// the rollout is left to the next look.
//
// The answer to a command says nothing (it is empty), so that of a command that
// does not show in the rollout nothing is known.
func (d *clouddeploy) Begin(ctx context.Context, c driver.Call) (driver.Operation, error) {
	f, err := thaw(c)
	if err != nil {
		return driver.Operation{}, err
	}
	op := driver.Operation{Call: c, Kind: string(c.Kind), Status: driver.Running}
	if op.ID, err = d.send(ctx, c, f); err != nil {
		return driver.Operation{}, err
	}
	name := c.Changes[0].Target.Name
	op.Results = map[string]driver.Result{name: {Outcome: driver.Open}}
	seen, _, err := d.Poll(ctx, op)
	if err != nil {
		return op, nil //nolint:nilerr // the next look says it again
	}
	switch outcome := seen.Results[name].Outcome; {
	case c.Kind.IsCommand() && outcome != driver.Succeeded:
		return driver.Operation{}, google.NoAnswer(method(c.Kind), "it was answered, and rollout %s does not show it", google.Last(f.Rollout))
	case outcome == driver.Failed:
		return op, nil
	}
	return seen, nil
}

// Lookup reads the rollout that the call is about. What does not show there may
// still come to, until it has had time to settle.
func (d *clouddeploy) Lookup(ctx context.Context, c driver.Call) (driver.Verdict, driver.Operation, error) {
	f, err := thaw(c)
	if err != nil {
		return driver.Undecided, driver.Operation{}, err
	}
	find := d.lookupRollout
	if c.Kind.IsCommand() {
		find = d.lookupCommand
	}
	verdict, op, err := find(ctx, c, f)
	if verdict == driver.Absent && d.now().Before(c.Intended.Add(settle)) {
		verdict = driver.Undecided
	}
	return verdict, op, err
}

// Poll reads the rollout once and, where it failed or went on, its job runs.
func (d *clouddeploy) Poll(ctx context.Context, op driver.Operation) (driver.Operation, time.Duration, error) {
	f, err := thaw(op.Call)
	if err != nil {
		return op, 0, err
	}
	raw, err := d.client.Get(ctx, root+f.Rollout)
	if google.IsStatus(err, http.StatusNotFound) && op.ID != "" {
		return d.pollCreation(ctx, op)
	}
	if err != nil {
		return op, google.RetryAfter(err), err
	}
	next, err := d.mirror(ctx, op, f, raw)
	return next, 0, err
}

// place is a target's configuration.
type place struct {
	Project          string `json:"project"`
	Location         string `json:"location"`
	DeliveryPipeline string `json:"deliveryPipeline"`
	Target           string `json:"target"`
}

func placeOf(t driver.Target) (place, error) {
	var at place
	if err := json.Unmarshal(t.Config, &at); err != nil {
		return at, &google.InvalidError{Text: fmt.Sprintf("the target's configuration: %v", err)}
	}
	if at.Project == "" || at.Location == "" || at.DeliveryPipeline == "" || at.Target == "" {
		return at, &google.InvalidError{Text: "the target names no project, location, deliveryPipeline or target"}
	}
	return at, nil
}

// root is the path of the API's version below its endpoint.
const root = "v1/"

func (at place) location() string { return "projects/" + at.Project + "/locations/" + at.Location }
func (at place) pipeline() string {
	return at.location() + "/deliveryPipelines/" + at.DeliveryPipeline
}
func (at place) target() string           { return at.location() + "/targets/" + at.Target }
func (at place) release(id string) string { return at.pipeline() + "/releases/" + id }
