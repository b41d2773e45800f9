package cloudrun

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"sluice/internal/guard"
	"sluice/stages/driver"
	"sluice/stages/google"
)

// services is Cloud Run's driver.
type services struct {
	client *google.Client
	now    func() time.Time
	atOnce int
}

var _ driver.Driver = (*services)(nil)

// root is the path of the API's version below its endpoint.
const root = "v2/"

// Open connects with Google's own configuration: Application Default Credentials and
// gcloud's endpoint override. It sends nothing.
func Open(_ context.Context, env driver.Env) (driver.Driver, error) {
	client, err := google.Open(env, google.API{
		Endpoint: "https://run.googleapis.com/",
		Override: "CLOUDSDK_API_ENDPOINT_OVERRIDES_RUN",
		Rules:    rules(),
	})
	if err != nil {
		return nil, err
	}
	return google.Confirmed(&services{client: client, now: env.Time, atOnce: env.AtOnce()}), nil
}

// Explain classifies what Cloud Run answers.
func (d *services) Explain(err error) driver.Explanation {
	x := google.Explain(err, google.Remedies{
		Denied:   "allow the account roles/run.developer on the service, roles/run.viewer on the source's, and roles/iam.serviceAccountUser on the service account that it runs as",
		NotFound: "check the target's project, location and service, and the release, against what `gcloud run services describe` shows",
	})
	if google.IsStatus(err, http.StatusConflict) && strings.Contains(err.Error(), "was specified but current version is") {
		x.Code, x.Busy, x.Stale = driver.Retryable, false, true // a spent etag: nothing was changed
	}
	return x
}

// place is a target's configuration.
type place struct {
	Project  string `json:"project"`
	Location string `json:"location"`
	Service  string `json:"service"`
}

func placeOf(t driver.Target) (place, error) {
	var at place
	if err := json.Unmarshal(t.Config, &at); err != nil {
		return at, &google.InvalidError{Text: fmt.Sprintf("the target's configuration: %v", err)}
	}
	for _, name := range []string{at.Project, at.Location, at.Service} {
		if !google.IsName(name) {
			return at, &google.InvalidError{Text: fmt.Sprintf("the target's project, location and service are %q, %q and %q", at.Project, at.Location, at.Service)}
		}
	}
	return at, nil
}

func (at place) path() string {
	return root + "projects/" + at.Project + "/locations/" + at.Location + "/services/" + at.Service
}

// service reads a target's.
func (d *services) service(ctx context.Context, at place) (service, error) {
	var s service
	raw, err := d.client.Get(ctx, at.path())
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(raw, &s); err != nil {
		return s, google.NoAnswer("GET "+at.path(), "%w", err)
	}
	return s, nil
}

// revision reads a revision of a target's service.
func (d *services) revision(ctx context.Context, at place, short string) (revision, error) {
	var r revision
	if !google.IsName(short) {
		return r, &google.InvalidError{Text: fmt.Sprintf("%q is no revision's name", short)}
	}
	raw, err := d.client.Get(ctx, at.path()+"/revisions/"+short)
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(raw, &r); err != nil {
		return r, google.NoAnswer("the revision "+short, "%w", err)
	}
	return r, nil
}

// released is a revision as a release.
func (d *services) released(ctx context.Context, at place, short string) (driver.Release, error) {
	r, err := d.revision(ctx, at, short)
	if err != nil {
		return driver.Release{}, err
	}
	return r.release(at.Service)
}

// Live is what the services serve, whatever was asked for: what is on its way there
// is pending.
func (d *services) Live(ctx context.Context, targets []driver.Target) ([]driver.Live, []error) {
	live := make([]driver.Live, len(targets))
	errs := guard.Each("reading a service", d.atOnce, len(targets), func(i int) (err error) {
		live[i], err = d.live(ctx, targets[i])
		return err
	})
	return live, errs
}

func (d *services) live(ctx context.Context, t driver.Target) (driver.Live, error) {
	at, err := placeOf(t)
	if err != nil {
		return driver.Live{}, err
	}
	s, err := d.service(ctx, at)
	if err != nil {
		return driver.Live{}, err
	}
	var live driver.Live
	for i, h := range s.served().shares() {
		r, err := d.released(ctx, at, h.revision)
		if err != nil {
			return driver.Live{}, err
		}
		if i == 0 {
			live.Release = r
		}
		live.Shares = append(live.Shares, driver.Share{Release: r, Percent: fmt.Sprint(h.percent)})
	}
	if asked := s.asked().shares(); !s.settled() && len(asked) == 1 && asked[0].revision != "" && asked[0].revision != live.Release.Name {
		pending, err := d.released(ctx, at, asked[0].revision)
		if err != nil {
			return driver.Live{}, err
		}
		live.Pending = &pending
	}
	return live, nil
}

// mostListed is the longest page of revisions that the API gives.
const mostListed = "100"

// revisions lists a service's, newest first.
func (d *services) revisions(ctx context.Context, at place) ([]revision, error) {
	var all []revision
	var pages google.Pages
	for token := ""; ; {
		raw, err := d.client.GetQuery(ctx, at.path()+"/revisions", url.Values{"pageSize": {mostListed}, "pageToken": {token}})
		if err != nil {
			return nil, err
		}
		var page struct {
			Revisions []revision `json:"revisions"`
			Next      string     `json:"nextPageToken"`
		}
		if err := json.Unmarshal(raw, &page); err != nil {
			return nil, google.NoAnswer("the revisions of "+at.Service, "%w", err)
		}
		all = append(all, page.Revisions...)
		if err := pages.Turn(page.Next); err != nil || page.Next == "" {
			return all, err
		}
		token = page.Next
	}
}

// Resolve finds a revision of the target's service by its id, its name, or the
// beginning of its image's digest. The id of another service's revision means its
// image: it is the revision that serves now, where that has the image, else one that
// its promotion makes.
func (d *services) Resolve(ctx context.Context, t driver.Target, called string) (driver.Release, error) {
	at, err := placeOf(t)
	if err != nil {
		return driver.Release{}, err
	}
	named, isID := parse(called)
	if !isID && called != driver.Latest && google.IsName(called) {
		named = id{at.Service, called, ""}
	}
	if named.service == at.Service {
		own, found, err := d.own(ctx, at, called, named)
		if found || err != nil {
			return own, err
		}
	}
	if isID {
		return d.elsewhere(ctx, at, called, named)
	}
	all, err := d.revisions(ctx, at)
	if err != nil {
		return driver.Release{}, err
	}
	return pick(at, all, called)
}

// own is the target's own revision of a name. Where that has another image than the
// id says, or is not there, another service's is meant: one of the same name elsewhere.
func (d *services) own(ctx context.Context, at place, called string, named id) (driver.Release, bool, error) {
	r, err := d.revision(ctx, at, named.revision)
	switch {
	case err == nil:
		found, err := resolved(r, at.Service)
		if err != nil || named.digest == "" || found.ID == called {
			return found, true, err
		}
	case !google.IsStatus(err, http.StatusNotFound):
		return driver.Release{}, false, err
	}
	if named.digest != "" && isMade(named) {
		return driver.Release{ID: called, Name: named.revision}, true, nil // its promotion makes it
	}
	return driver.Release{}, false, nil
}

// isMade reports whether a revision has a name that promotions give.
func isMade(i id) bool {
	suffix, ok := strings.CutPrefix(i.revision, i.service+"-s")
	return ok && len(suffix) == 8 && strings.Trim(suffix, "0123456789abcdef") == ""
}

func resolved(r revision, service string) (driver.Release, error) {
	found, err := r.release(service)
	found.CreateTime = google.Clock(r.Created)
	return found, err
}

// elsewhere is what the target's service calls the image of another service's
// revision.
func (d *services) elsewhere(ctx context.Context, at place, called string, named id) (driver.Release, error) {
	if named.digest == unpinned {
		return driver.Release{}, &google.InvalidError{
			Text:   fmt.Sprintf("the image of %s is named by a tag, which may mean something else by now", named.revision),
			Remedy: "deploy it by its digest (gcloud run deploy --image …@sha256:…), or name a revision of the target's own service (--release)",
		}
	}
	s, err := d.service(ctx, at)
	if err != nil {
		return driver.Release{}, err
	}
	for _, h := range s.served().shares() {
		r, err := d.revision(ctx, at, h.revision)
		if err != nil {
			return driver.Release{}, err
		}
		if found, err := resolved(r, at.Service); err != nil || strings.HasSuffix(found.ID, "@"+named.digest) {
			found.Origin = called
			return found, err
		}
	}
	short, err := made(at.Service, named.digest, s.Template)
	if err != nil {
		return driver.Release{}, err
	}
	return driver.Release{ID: id{at.Service, short, named.digest}.String(), Name: short, Origin: called}, nil
}

// pick is the newest revision, or the one that people call so.
func pick(at place, all []revision, called string) (driver.Release, error) {
	var found []driver.Release
	var ids []string
	for _, r := range all {
		one, err := resolved(r, at.Service)
		if err != nil {
			return driver.Release{}, err
		}
		_, sum, _ := strings.Cut(one.ID, "@")
		if called == driver.Latest && r.failure() == "" || len(called) >= 7 && strings.HasPrefix(sum, called) {
			found, ids = append(found, one), append(ids, one.ID)
		}
	}
	switch {
	case len(found) == 0:
		return driver.Release{}, &google.NotFoundError{Text: fmt.Sprintf("service %s has no revision %s", at.Service, called)}
	case called == driver.Latest:
		return slices.MaxFunc(found, func(a, b driver.Release) int { return a.CreateTime.Compare(b.CreateTime) }), nil
	case len(found) > 1:
		return driver.Release{}, &google.InvalidError{Text: fmt.Sprintf("%d revisions are called %q: %s", len(found), called, strings.Join(ids, ", ")), Remedy: "name one by its id"}
	}
	return found[0], nil
}

// Make is Unsupported: a revision is made by a deployment to its service.
func (d *services) Make(context.Context, driver.Target, string) (driver.Release, error) {
	return driver.Release{}, &google.UnsupportedError{
		Text:   "Cloud Run makes a revision of an image that was built, and that is the build's to do",
		Remedy: "deploy it there without traffic (`gcloud run deploy … --no-traffic`), and promote it (`--release latest`)",
	}
}

// Operation is Unsupported: what an operation of Cloud Run changed is the service,
// and whether it serves that the operation does not say.
func (d *services) Operation(context.Context, driver.Target, string) (driver.Operation, time.Duration, error) {
	return driver.Operation{}, 0, &google.UnsupportedError{
		Text:   "an operation of Cloud Run does not say whether its service serves what was asked for",
		Remedy: "look at what runs there (`sluice status`)",
	}
}
