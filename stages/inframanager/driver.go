package inframanager

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"sync"
	"time"

	"google.golang.org/api/googleapi"

	"sluice/internal/guard"
	"sluice/stages/driver"
	"sluice/stages/google"
)

// inframanager is Infrastructure Manager's driver.
type inframanager struct {
	client *google.Client
	now    func() time.Time
	atOnce int
}

var _ driver.Driver = (*inframanager)(nil)

// Open connects with Google's own configuration: Application Default
// Credentials and gcloud's endpoint override. It sends nothing.
func Open(_ context.Context, env driver.Env) (driver.Driver, error) {
	client, err := google.Open(env, google.API{
		Endpoint: "https://config.googleapis.com/",
		Override: "CLOUDSDK_API_ENDPOINT_OVERRIDES_CONFIG",
		Rules:    rules(),
	})
	if err != nil {
		return nil, err
	}
	return google.Confirmed(&inframanager{client: client, now: env.Time, atOnce: env.AtOnce()}), nil
}

// staleError means that the deployment has another newest revision than the call
// was prepared on. Nothing was sent.
type staleError struct{ have, want string }

// Error says which.
func (e *staleError) Error() string {
	return fmt.Sprintf("the deployment's newest revision is %s, and it was %s when the call was prepared", e.have, e.want)
}

// held is how a refusal may say that a lock or another update stands in the way. Its
// words are not documented.
var held = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)\block(ed|ing)?\b|\b(in|already in) progress\b|is in state (CREATING|UPDATING|DELETING)`)
})

// Explain classifies what Google's API returns.
func (d *inframanager) Explain(err error) driver.Explanation {
	if e, ok := errors.AsType[*staleError](err); ok {
		return driver.Explanation{Code: driver.Retryable, Message: e.Error(), Stale: true}
	}
	x := google.Explain(err, google.Remedies{
		Denied:   "allow the account roles/config.admin in the project, and roles/iam.serviceAccountUser on the deployment's service account",
		NotFound: "check the target's project, location and deployment against `gcloud infra-manager deployments list`; one that does not exist yet is made once with `gcloud infra-manager deployments apply`, which says who Terraform runs as",
	})
	refusal, ok := errors.AsType[*googleapi.Error](err)
	refused := ok && (refusal.Code == http.StatusConflict || refusal.Code == http.StatusBadRequest)
	switch {
	case refused && held().MatchString(refusal.Message):
		x.Code, x.Busy = driver.Retryable, true
	case refused && refusal.Code == http.StatusConflict && !x.Busy:
		// The id of a preview is ours: that it exists says that an earlier request may
		// have made it.
		x.Code = driver.Lost
	}
	return x
}

// Live is what the deployments run, each read by itself. A revision that is being
// applied is on its way.
func (d *inframanager) Live(ctx context.Context, targets []driver.Target) ([]driver.Live, []error) {
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
		live[i] = driver.Whole(o.release())
		if o.current != nil {
			live[i].Since = google.Clock(o.current.UpdateTime)
		}
		if o.newest != nil && o.newest.State == applying {
			live[i].Pending = &driver.Release{ID: o.newest.release(), Platform: o.newest.Name}
		}
		return nil
	})
}

// Resolve finds a source that a revision applied: of the target's own deployment,
// then of the others of its location. One that none applied yet is taken as it is
// written, where it is pinned.
func (d *inframanager) Resolve(ctx context.Context, t driver.Target, id string) (driver.Release, error) {
	at, err := placeOf(t)
	if err != nil {
		return driver.Release{}, err
	}
	if id == driver.Latest {
		return driver.Release{}, &google.InvalidError{
			Text:   "Infrastructure Manager has no list of releases",
			Remedy: "name one (--release gs://BUCKET/OBJECT#GENERATION), or promote what another stage runs",
		}
	}
	s, ok := parseSource(id)
	if !ok {
		return driver.Release{}, &google.NotFoundError{Text: fmt.Sprintf("%q is no release: Infrastructure Manager's are gs://BUCKET/OBJECT#GENERATION or git::REPOSITORY//DIRECTORY?ref=REF", id)}
	}
	found, err := d.search(ctx, at, id)
	switch {
	case err != nil:
		return driver.Release{}, err
	case found != nil:
		return driver.Release{ID: id, Platform: found.Name, CreateTime: google.Clock(found.CreateTime)}, nil
	case s.loose() != "":
		return driver.Release{}, &google.NotFoundError{Text: fmt.Sprintf("no deployment of project %s in %s ever applied %s, and %s", at.Project, at.Location, id, s.loose())}
	}
	return driver.Release{ID: id}, nil
}

// Make is Unsupported: a release is what somebody uploaded or committed.
func (d *inframanager) Make(context.Context, driver.Target, string) (driver.Release, error) {
	return driver.Release{}, &google.UnsupportedError{
		Text:   "a release of Infrastructure Manager is an object of Cloud Storage or a commit",
		Remedy: "upload the blueprint, and promote it with --release gs://BUCKET/OBJECT#GENERATION",
	}
}

// Prepare checks a call and freezes the revision that it stands on.
func (d *inframanager) Prepare(ctx context.Context, c driver.Call) (driver.Prepared, error) {
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
	default:
		return d.prepareWord(ctx, p)
	}
}

// Begin sends the one request of the call.
func (d *inframanager) Begin(ctx context.Context, c driver.Call) (driver.Operation, error) {
	f, at, err := thaw(c)
	if err != nil {
		return driver.Operation{}, err
	}
	working, err := google.Decoded[operation](d.send(ctx, at, f))
	if err != nil {
		return driver.Operation{}, err
	}
	return working.open(c), nil
}

// place is a target's configuration.
type place struct {
	Project    string `json:"project"`
	Location   string `json:"location"`
	Deployment string `json:"deployment"`
	Preview    bool   `json:"preview"`
}

func placeOf(t driver.Target) (place, error) {
	var at place
	if err := json.Unmarshal(t.Config, &at); err != nil {
		return at, &google.InvalidError{Text: fmt.Sprintf("the target's configuration: %v", err)}
	}
	if at.Project == "" || at.Location == "" || at.Deployment == "" {
		return at, &google.InvalidError{Text: "the target names no project, location or deployment"}
	}
	return at, nil
}

// root is the path of the API's version below its endpoint.
const root = "v1/"

// location is the path of what a location has.
func (at place) location() string {
	return root + "projects/" + at.Project + "/locations/" + at.Location
}

// deployment is the path of the target's deployment.
func (at place) deployment() string { return at.location() + "/deployments/" + at.Deployment }

// resource is the deployment's resource name.
func (at place) resource() string { return at.deployment()[len(root):] }

// preview is the path of a preview in the target's location.
func (at place) preview(id string) string { return at.location() + "/previews/" + id }
