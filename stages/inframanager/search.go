package inframanager

import (
	"context"
	"slices"

	"sluice/stages/google"
)

// search finds the youngest revision that applied a source: in the target's
// deployment, else in the others of its location. It is nil where none did.
func (d *inframanager) search(ctx context.Context, at place, release string) (*revision, error) {
	own, err := d.deployment(ctx, at)
	if err != nil {
		return nil, err
	}
	hit, err := d.history(ctx, at, own, release)
	if hit != nil || err != nil {
		return hit, err
	}
	others, err := d.deployments(ctx, at)
	if err != nil {
		return nil, err
	}
	for _, other := range others {
		id := google.Last(other.Name)
		if id == at.Deployment {
			continue
		}
		there := place{Project: at.Project, Location: at.Location, Deployment: id}
		if hit, err := d.history(ctx, there, other, release); hit != nil || err != nil {
			return hit, err
		}
	}
	return nil, nil
}

// history is the youngest revision of a deployment that applied a source.
func (d *inframanager) history(ctx context.Context, at place, dep *deployment, release string) (*revision, error) {
	revisions, err := d.revisions(ctx, at, dep)
	if err != nil {
		return nil, err
	}
	var hit *revision
	for _, r := range revisions {
		if r.State == applied && r.release() == release && (hit == nil || number(r.Name) > number(hit.Name)) {
			hit = r
		}
	}
	return hit, nil
}

// deployments are those of the target's location. A list without the target's own,
// which was just read, is none.
func (d *inframanager) deployments(ctx context.Context, at place) ([]*deployment, error) {
	all, err := google.List[*deployment](ctx, d.client, at.location()+"/deployments", "deployments")
	if err == nil && !slices.ContainsFunc(all, func(o *deployment) bool { return google.Last(o.Name) == at.Deployment }) {
		err = google.NoAnswer("the list of deployments", "%s exists and is not in it", at.Deployment)
	}
	return all, err
}
