package clouddeploy

import (
	"context"
	"net/http"
	"time"

	"sluice/stages/driver"
	"sluice/stages/google"
)

// clouddeploy is Cloud Deploy's driver.
type clouddeploy struct {
	api    reader
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
	return google.Confirmed(&clouddeploy{api: reader{client}, now: env.Time, atOnce: env.AtOnce()}), nil
}

// Explain classifies what Google's API returns.
func (*clouddeploy) Explain(err error) driver.Explanation { return explain(err) }

// Resolve reads a release of the target's delivery pipeline.
func (d *clouddeploy) Resolve(ctx context.Context, t driver.Target, id string) (driver.Release, error) {
	at, err := placeOf(t)
	if err != nil {
		return driver.Release{}, err
	}
	if id == driver.Latest {
		return d.api.latest(ctx, at)
	}
	r, err := d.api.release(ctx, at, id)
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
	p := draft{api: d.api, now: d.now, call: c, change: c.Changes[0], at: at}
	switch c.Kind {
	case driver.Deploy:
		return (&rolloutDraft{draft: p}).deploy(ctx)
	case driver.Rollback:
		return (&rolloutDraft{draft: p}).rollback(ctx)
	default:
		return (&commandDraft{draft: p}).command(ctx)
	}
}

// Begin sends the one request of the call and looks at the rollout after it.
// That look may fail: the request was answered all the same. What it says against
// the rollout is left to the next look.
//
// The answer to a command says nothing (it is empty), so that of a command that
// does not show in the rollout nothing is known.
func (d *clouddeploy) Begin(ctx context.Context, c driver.Call) (driver.Operation, error) {
	f, err := thaw(d.api, c)
	if err != nil {
		return driver.Operation{}, err
	}
	op := f.running()
	if op.ID, err = f.send(ctx); err != nil {
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
	f, err := thaw(d.api, c)
	if err != nil {
		return driver.Undecided, driver.Operation{}, err
	}
	find := f.lookupRollout
	if c.Kind.IsCommand() {
		find = f.lookupCommand
	}
	verdict, op, err := find(ctx)
	if verdict == driver.Absent && d.now().Before(c.Intended.Add(settle)) {
		verdict = driver.Undecided
	}
	return verdict, op, err
}

// Poll reads the rollout once and, where it failed or went on, its job runs.
func (d *clouddeploy) Poll(ctx context.Context, op driver.Operation) (driver.Operation, time.Duration, error) {
	f, err := thaw(d.api, op.Call)
	if err != nil {
		return op, 0, err
	}
	raw, err := d.api.client.Get(ctx, root+f.Rollout)
	if google.IsStatus(err, http.StatusNotFound) && op.ID != "" {
		return f.pollCreation(ctx, op)
	}
	if err != nil {
		return op, google.RetryAfter(err), err
	}
	next, err := f.mirror(ctx, op, raw)
	return next, 0, err
}

// Make is Unsupported: releases are made of artifacts, which only a build has.
func (d *clouddeploy) Make(context.Context, driver.Target, string) (driver.Release, error) {
	return driver.Release{}, &google.UnsupportedError{Text: "a release of Cloud Deploy is made of a build's artifacts", Remedy: "make it with `gcloud deploy releases create`, then say --release latest"}
}
