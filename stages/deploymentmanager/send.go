package deploymentmanager

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"sluice/stages/driver"
	"sluice/stages/google"
)

// send makes the one request of a call.
func (d *deploymentmanager) send(ctx context.Context, kind driver.Kind, at place, f frozen) (json.RawMessage, error) {
	switch kind {
	case driver.Approve:
		// Without a target, an update deploys what was previewed.
		return d.client.Send(ctx, http.MethodPut, at.deployment(), nil, f.wanted(at, nil))
	case driver.Reject:
		return d.client.Send(ctx, http.MethodPost, at.deployment()+"/cancelPreview", nil, fingerprinted{f.Fingerprint})
	case driver.Terminate:
		return d.client.Send(ctx, http.MethodPost, at.deployment()+"/stop", nil, fingerprinted{f.Fingerprint})
	}
	target, err := d.content(ctx, f)
	if err != nil {
		return nil, err
	}
	query := url.Values{"preview": {strconv.FormatBool(f.Preview)}}
	if f.Insert {
		return d.client.Send(ctx, http.MethodPost, at.global()+"deployments", query, f.wanted(at, target))
	}
	return d.client.Send(ctx, http.MethodPut, at.deployment(), query, f.wanted(at, target))
}

// content reads the frozen manifest's configuration and imports. They must be
// what was approved: a manifest never changes, so one that holds something else
// is no answer, and nothing is sent.
func (d *deploymentmanager) content(ctx context.Context, f frozen) (*wantedTarget, error) {
	from, err := d.manifest(ctx, place{Project: f.Project, Deployment: f.Deployment}, f.Manifest)
	if err != nil {
		return nil, err
	}
	if id := from.release(); id != f.Release {
		return nil, google.NoAnswer("the release to send", "manifest %s holds %s, and a manifest that held %s never changes", from.name(), id, f.Release)
	}
	return &wantedTarget{Config: from.manifest.Config, Imports: from.manifest.Imports}, nil
}

// wanted is the deployment as it is to become.
func (f frozen) wanted(at place, target *wantedTarget) wantedDeployment {
	wanted := wantedDeployment{Name: at.Deployment, Fingerprint: f.Fingerprint, Description: f.Description, Target: target}
	for _, key := range slices.Sorted(maps.Keys(f.Labels)) {
		wanted.Labels = append(wanted.Labels, label{Key: key, Value: f.Labels[key]})
	}
	return wanted
}
