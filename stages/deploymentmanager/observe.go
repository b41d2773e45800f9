package deploymentmanager

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"sluice/stages/driver"
	"sluice/stages/google"
)

// standing is what a deployment runs.
type standing struct {
	Release  string `json:"release"`
	Manifest string `json:"manifest,omitempty"` // its name
}

// json is what the contract keeps of it, the baseline of a rollback: the
// release alone, because a rollback makes a new manifest of it. It is null where
// nothing was ever deployed.
func (s standing) json() json.RawMessage {
	if s.Release == "" {
		return json.RawMessage("null")
	}
	data, _ := json.Marshal(standing{Release: s.Release}) //nolint:errchkjson // a string
	return data
}

// deployment is what the driver must know of one. Its operation is read
// separately: its errors have many shapes.
type deployment struct {
	Name        string  `json:"name"`
	Description string  `json:"description"`
	Fingerprint string  `json:"fingerprint"`
	Labels      []label `json:"labels"`
	Manifest    string  `json:"manifest"` // URL of the one deployed last
	Update      struct {
		Manifest string `json:"manifest"` // URL of the one that is being deployed or previewed
	} `json:"update"`
	Operation json.RawMessage `json:"operation"`
}

// observed is a deployment as it stands.
type observed struct {
	at         place
	deployment *deployment // nil where there is none
	current    standing
	manifest   *manifest  // the current one
	update     standing   // what is being deployed or previewed
	newest     *operation // the operation that ran or runs last; nil for none
}

// wholly reports whether the deployment is as a release's manifest says. After an
// operation that failed its resources may be half-way to another, whatever manifest
// it names.
func (o observed) wholly(release string) bool {
	return o.current.Release == release && o.update.Release == "" && (o.newest == nil || !o.newest.failed())
}

func (o observed) release() driver.Release {
	r := driver.Release{ID: o.current.Release, Platform: o.current.Manifest}
	if o.manifest != nil {
		r.CreateTime = google.Clock(o.manifest.InsertTime)
	}
	return r
}

// observe reads the target's deployment with its manifests.
func (d *deploymentmanager) observe(ctx context.Context, at place) (observed, error) {
	o, err := d.read(ctx, at)
	if err != nil || o.deployment == nil {
		return o, err
	}
	return o, d.readManifests(ctx, &o)
}

// read reads the deployment alone.
func (d *deploymentmanager) read(ctx context.Context, at place) (observed, error) {
	o := observed{at: at}
	raw, err := d.client.Get(ctx, at.deployment())
	if google.IsStatus(err, http.StatusNotFound) {
		return o, d.projectExists(ctx, at)
	}
	if err != nil {
		return o, err
	}
	o.deployment = &deployment{}
	if err := json.Unmarshal(raw, o.deployment); err != nil {
		return o, fmt.Errorf("reading deployment %s: %w", at.Deployment, err)
	}
	if o.deployment.Operation != nil {
		working, err := operationOf(o.deployment.Operation)
		if err != nil {
			return o, err
		}
		o.newest = &working
	}
	return o, nil
}

// readManifests reads what runs and what is on its way.
func (d *deploymentmanager) readManifests(ctx context.Context, o *observed) error {
	if name := google.Last(o.deployment.Manifest); name != "" {
		m, err := d.named(ctx, o.at, name)
		if err != nil {
			return err
		}
		o.current, o.manifest = standing{Release: m.release(), Manifest: name}, m.manifest
	}
	name := google.Last(o.deployment.Update.Manifest)
	switch name {
	case "":
		return nil
	case o.current.Manifest:
		o.update = o.current
		return nil
	}
	m, err := d.named(ctx, o.at, name)
	if err != nil {
		return err
	}
	o.update = standing{Release: m.release(), Manifest: name}
	return nil
}

// named reads a manifest that the deployment names, and which is there as long
// as the deployment is.
func (d *deploymentmanager) named(ctx context.Context, at place, name string) (found, error) {
	m, err := d.manifest(ctx, at, name)
	if d.isNotFound(err) {
		return m, google.NoAnswer("the deployment", "deployment %s names manifest %s, which is not there: %w", at.Deployment, name, err)
	}
	return m, err
}

// projectExists tells a deployment that is not there yet from a project that is
// not there, or not to be seen.
func (d *deploymentmanager) projectExists(ctx context.Context, at place) error {
	_, err := d.client.GetQuery(ctx, at.global()+"deployments", url.Values{"maxResults": {"1"}})
	return err
}

func (d *deploymentmanager) isNotFound(err error) bool {
	return err != nil && d.Explain(err).Code == driver.NotFound
}

// working reports whether an operation is at work on the deployment.
func (o observed) working() bool { return o.newest != nil && !o.newest.done() }
