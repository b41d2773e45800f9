package deploymentmanager

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"sluice/internal/guard"
	"sluice/stages/driver"
	"sluice/stages/google"
)

// deploymentmanager is Deployment Manager's driver.
type deploymentmanager struct {
	client *google.Client
	atOnce int
}

var _ driver.Driver = (*deploymentmanager)(nil)

// root is the path of the API's version below its endpoint.
const root = "deploymentmanager/v2/"

// Open connects with Google's own configuration: Application Default
// Credentials and gcloud's endpoint override. It sends nothing.
func Open(_ context.Context, env driver.Env) (driver.Driver, error) {
	client, err := google.Open(env, google.API{
		Endpoint: "https://deploymentmanager.googleapis.com/",
		Override: "CLOUDSDK_API_ENDPOINT_OVERRIDES_DEPLOYMENTMANAGER",
		Path:     root,
		Rules:    rules(),
	})
	if err != nil {
		return nil, err
	}
	return google.Confirmed(&deploymentmanager{client: client, atOnce: env.AtOnce()}), nil
}

// Explain classifies what Google's API returns.
func (d *deploymentmanager) Explain(err error) driver.Explanation {
	x := google.Explain(err, google.Remedies{
		Denied:   "allow the account roles/deploymentmanager.editor in the project, and the Deployment Manager API in it",
		NotFound: "check the target's project and deployment, and the release, against what `gcloud deployment-manager` shows",
	})
	switch {
	case x.Stale:
		// Somebody else was there, or an earlier attempt of ours: whoever prepares
		// anew sees which.
		x.Message = "the deployment was changed since its fingerprint was read: " + x.Message
	case google.HasReason(err, "alreadyExists"):
		x.Code = driver.Lost
	}
	return x
}

// Live is what the deployments run, each read by itself: a list of them does not
// tell what their manifests were made from. What an operation is giving one is on
// its way; a preview that waits for a word is not.
func (d *deploymentmanager) Live(ctx context.Context, targets []driver.Target) ([]driver.Live, []error) {
	live := make([]driver.Live, len(targets))
	return live, guard.Each("reading a deployment", d.atOnce, len(targets), func(i int) error {
		at, err := placeOf(targets[i])
		if err != nil {
			return err
		}
		o, err := d.observe(ctx, at)
		if err != nil {
			return err
		}
		if o.current.Release != "" {
			live[i] = driver.Whole(o.release())
		}
		if o.working() && o.update.Release != "" && o.update != o.current {
			live[i].Pending = &driver.Release{ID: o.update.Release, Platform: o.update.Manifest}
		}
		return nil
	})
}

// Resolve finds a release by its digest: among the target's own manifests, then
// among what runs in the other deployments of its project.
func (d *deploymentmanager) Resolve(ctx context.Context, t driver.Target, id string) (driver.Release, error) {
	at, err := placeOf(t)
	if err != nil {
		return driver.Release{}, err
	}
	if id == driver.Latest {
		return driver.Release{}, &google.InvalidError{Text: "Deployment Manager has no list of releases", Remedy: "name one (--release sha256:…), or promote what another stage runs"}
	}
	if !validRelease().MatchString(id) {
		return driver.Release{}, &google.NotFoundError{Text: fmt.Sprintf("%q is no release: Deployment Manager's are sha256:… of a manifest's configuration and imports", id)}
	}
	found, err := d.search(ctx, at, id)
	if err != nil {
		return driver.Release{}, err
	}
	return driver.Release{ID: id, Platform: found.name(), CreateTime: google.Clock(found.manifest.InsertTime)}, nil
}

// Prepare checks a call and freezes the fingerprint that it needs.
func (d *deploymentmanager) Prepare(ctx context.Context, c driver.Call) (driver.Prepared, error) {
	if len(c.Changes) != 1 {
		return driver.Prepared{}, google.OneChange(c)
	}
	at, err := placeOf(c.Changes[0].Target)
	if err != nil {
		return driver.Prepared{}, err
	}
	o, err := d.observe(ctx, at)
	if err != nil {
		return driver.Prepared{}, err
	}
	p := &draft{call: c, change: c.Changes[0], at: at, seen: o, base: d.client.Base()}
	switch c.Kind {
	case driver.Deploy:
		return d.prepareDeploy(ctx, p)
	case driver.Rollback:
		return d.prepareRollback(ctx, p)
	case driver.Terminate:
		return p.prepareStop()
	default:
		return p.prepareDecision()
	}
}

// Begin sends the one request of the call.
func (d *deploymentmanager) Begin(ctx context.Context, c driver.Call) (driver.Operation, error) {
	f, at, err := thaw(c)
	if err != nil {
		return driver.Operation{}, err
	}
	answer, err := d.send(ctx, c.Kind, at, f)
	if err != nil {
		return driver.Operation{}, err
	}
	working, err := operationOf(answer)
	if err != nil {
		return driver.Operation{}, err
	}
	return working.open(c), nil
}

// Poll reads the operation and, when it is done, what it left.
func (d *deploymentmanager) Poll(ctx context.Context, op driver.Operation) (driver.Operation, time.Duration, error) {
	f, at, err := thaw(op.Call)
	if err != nil {
		return op, 0, err
	}
	if op.ID == "" {
		next, err := d.vanished(ctx, op, at, f)
		return next, 0, err
	}
	raw, err := d.client.Get(ctx, at.global()+"operations/"+op.ID)
	if google.IsStatus(err, http.StatusNotFound) {
		next, err := d.vanished(ctx, op, at, f)
		return next, 0, err
	}
	if err != nil {
		return op, google.RetryAfter(err), err
	}
	working, err := operationOf(raw)
	if err != nil {
		return op, 0, err
	}
	next := working.open(op.Call)
	switch {
	case !working.done():
		return next, 0, nil
	case working.failed():
		return working.end(next), 0, nil
	}
	o, err := d.observe(ctx, at)
	if err != nil {
		return op, google.RetryAfter(err), err
	}
	return o.readBack(next, f), 0, nil
}

// place is a target's configuration.
type place struct {
	Project    string `json:"project"`
	Deployment string `json:"deployment"`
	Preview    bool   `json:"preview"`
}

func placeOf(t driver.Target) (place, error) {
	var at place
	if err := json.Unmarshal(t.Config, &at); err != nil {
		return at, &google.InvalidError{Text: fmt.Sprintf("the target's configuration: %v", err)}
	}
	if at.Project == "" || at.Deployment == "" {
		return at, &google.InvalidError{Text: "the target names no project or no deployment"}
	}
	return at, nil
}

// global is the path of what a project has.
func (at place) global() string { return root + "projects/" + at.Project + "/global/" }

// deployment is the path of the target's deployment.
func (at place) deployment() string { return at.global() + "deployments/" + at.Deployment }

// manifests is the path of the deployment's manifests.
func (at place) manifests() string { return at.deployment() + "/manifests" }
