package inframanager

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"sluice/stages/driver"
	"sluice/stages/google"
)

// standing is what a deployment runs.
type standing struct {
	Release  string `json:"release"`
	Revision string `json:"revision,omitempty"` // its id: a rollback applies its blueprint
}

// json is what the contract keeps of it; null where nothing was ever applied.
func (s standing) json() json.RawMessage {
	if s.Release == "" {
		return json.RawMessage("null")
	}
	data, _ := json.Marshal(s) //nolint:errchkjson // two strings
	return data
}

// observed is a deployment as it stands.
type observed struct {
	at         place
	deployment *deployment
	current    *revision // the one applied last, nil for none
	newest     *revision // the one made last, whatever became of it; nil for none
}

func (o observed) standing() standing {
	if o.current == nil {
		return standing{}
	}
	return standing{Release: o.current.release(), Revision: o.current.id()}
}

func (o observed) release() driver.Release {
	if o.current == nil {
		return driver.Release{}
	}
	return driver.Release{ID: o.current.release(), Platform: o.current.Name, CreateTime: google.Clock(o.current.CreateTime)}
}

// latest is the number of the newest revision, -1 where there is none.
func (o observed) latest() int {
	if o.newest == nil {
		return -1
	}
	return number(o.newest.Name)
}

// steady reports whether nothing is at work on the deployment.
func (o observed) steady() bool {
	return o.deployment.State == active || o.deployment.State == failed
}

// observe reads the target's deployment and the revisions that tell what it runs.
// One that is ACTIVE names it; any other may have newer ones that did not get there.
func (d *inframanager) observe(ctx context.Context, at place) (observed, error) {
	o := observed{at: at}
	var err error
	if o.deployment, err = d.deployment(ctx, at); err != nil {
		return o, err
	}
	if o.deployment.State == active {
		o.newest, err = d.named(ctx, at, google.Last(o.deployment.LatestRevision))
		if err != nil || o.newest.State == applied && o.newest.Action != "DELETE" {
			o.current = o.newest
			return o, err
		}
	}
	revisions, err := d.revisions(ctx, at, o.deployment)
	if err != nil {
		return o, err
	}
	return o.of(revisions), nil
}

// of finds what runs and what is newest among a deployment's revisions.
func (o observed) of(revisions []*revision) observed {
	o.current, o.newest = nil, nil
	for _, r := range revisions {
		if o.newest == nil || number(r.Name) > number(o.newest.Name) {
			o.newest = r
		}
		isApplied := r.State == applied && r.Action != "DELETE"
		if isApplied && (o.current == nil || number(r.Name) > number(o.current.Name)) {
			o.current = r
		}
	}
	return o
}

func (d *inframanager) deployment(ctx context.Context, at place) (*deployment, error) {
	raw, err := d.client.Get(ctx, at.deployment())
	return google.Decoded[deployment](raw, err)
}

// revision reads one revision.
func (d *inframanager) revision(ctx context.Context, at place, id string) (*revision, error) {
	raw, err := d.client.Get(ctx, at.deployment()+"/revisions/"+id)
	return google.Decoded[revision](raw, err)
}

// named reads a revision that the deployment names, and which is there as long as
// the deployment is.
func (d *inframanager) named(ctx context.Context, at place, id string) (*revision, error) {
	r, err := d.revision(ctx, at, id)
	if google.IsStatus(err, http.StatusNotFound) {
		return nil, google.NoAnswer("the deployment", "deployment %s names revision %s, which is not there: %w", at.Deployment, id, err)
	}
	return r, err
}

// revisions lists a deployment's revisions. A list without the one that the
// deployment names is none. An empty one is believed only of a deployment that is
// being made, or that says what failed before there was a revision.
func (d *inframanager) revisions(ctx context.Context, at place, dep *deployment) ([]*revision, error) {
	all, err := google.List[*revision](ctx, d.client, at.deployment()+"/revisions", "revisions")
	if err != nil {
		return nil, err
	}
	latest := google.Last(dep.LatestRevision)
	unmade := latest == "" && (dep.State == creating || dep.State == failed && dep.ErrorCode != "" && dep.ErrorCode != revisionFailed)
	switch {
	case len(all) == 0 && !unmade:
		return nil, google.NoAnswer("the list of revisions", "it is empty, and deployment %s is %s", at.Deployment, dep.State)
	case latest != "" && !slices.ContainsFunc(all, func(r *revision) bool { return r.id() == latest }):
		return nil, google.NoAnswer("the list of revisions", "%s is not in it, which deployment %s names", latest, at.Deployment)
	}
	return all, nil
}

// busy is an error while something keeps an update from being made: nothing speaks
// against the call, but it has to wait.
func (d *inframanager) busy(ctx context.Context, at place, dep *deployment) error {
	switch {
	case dep.State != active && dep.State != failed:
		return &google.BusyError{Text: fmt.Sprintf("somebody else is changing deployment %s: it is %s", at.Deployment, dep.State)}
	case dep.LockState == "LOCKED":
		return d.lockedBy(ctx, at)
	case dep.LockState == "LOCKING", dep.LockState == "UNLOCKING":
		return &google.BusyError{Text: fmt.Sprintf("somebody is %s deployment %s", map[string]string{"LOCKING": "locking", "UNLOCKING": "unlocking"}[dep.LockState], at.Deployment)}
	default:
		return nil
	}
}

// lockedBy says who holds the deployment's lock and since when.
func (d *inframanager) lockedBy(ctx context.Context, at place) error {
	raw, err := d.client.Get(ctx, at.deployment()+":exportLock")
	lock, err := google.Decoded[struct {
		Who        string `json:"who"`
		Operation  string `json:"operation"`
		Info       string `json:"info"`
		CreateTime string `json:"createTime"`
	}](raw, err)
	text := fmt.Sprintf("the state of deployment %s is locked", at.Deployment)
	if err != nil {
		return &google.BusyError{Text: text + "; who holds the lock could not be read: " + err.Error()}
	}
	if lock.Who != "" {
		text += " by " + lock.Who
	}
	if lock.CreateTime != "" {
		text += " since " + lock.CreateTime
	}
	for _, about := range []string{lock.Operation, lock.Info} {
		if about != "" {
			text += " (" + about + ")"
		}
	}
	return &google.BusyError{Text: text}
}
