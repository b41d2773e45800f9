package inframanager

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"sluice/stages/google"
)

// send makes the one request of a call. What it was prepared on must still be there:
// nothing at the platform compares.
func (d *inframanager) send(ctx context.Context, at place, f frozen) (json.RawMessage, error) {
	query := url.Values{"requestId": {f.Request}}
	if f.Do == drop {
		return d.client.Send(ctx, http.MethodDelete, at.preview(f.Preview), query, nil)
	}
	o, err := d.observe(ctx, at)
	if err != nil {
		return nil, err
	}
	if o.latest() != f.Latest {
		return nil, &staleError{have: fmt.Sprintf("r-%d", o.latest()), want: fmt.Sprintf("r-%d", f.Latest)}
	}
	if err := d.busy(ctx, at, o.deployment); err != nil {
		return nil, err
	}
	wanted, err := d.wanted(ctx, o, f)
	if err != nil {
		return nil, err
	}
	if f.Do == propose {
		query.Set("previewId", f.Preview)
		return d.client.Send(ctx, http.MethodPost, at.location()+"/previews", query, o.deployment.proposed(wanted))
	}
	query.Set("updateMask", "terraformBlueprint")
	return d.client.Send(ctx, http.MethodPatch, at.deployment(), query, map[string]any{"terraformBlueprint": wanted})
}

// wanted is the blueprint to send: the release, given what the kept revision was.
func (d *inframanager) wanted(ctx context.Context, o observed, f frozen) (blueprint, error) {
	s, ok := parseSource(f.Release)
	if !ok {
		return nil, &google.InvalidError{Text: fmt.Sprintf("%q is no blueprint's source", f.Release)}
	}
	switch {
	case f.Kept == "":
		return o.deployment.Blueprint.with(s)
	case o.current != nil && o.current.id() == f.Kept:
		return o.current.Blueprint.with(s)
	}
	kept, err := d.named(ctx, o.at, f.Kept)
	if err != nil {
		return nil, err
	}
	return kept.Blueprint.with(s)
}

// proposed is a preview of a blueprint on the deployment, made as it is updated.
func (d *deployment) proposed(wanted blueprint) any {
	return struct {
		Deployment     string    `json:"deployment"`
		ServiceAccount string    `json:"serviceAccount"`
		WorkerPool     string    `json:"workerPool,omitempty"`
		Artifacts      string    `json:"artifactsGcsBucket,omitempty"`
		Blueprint      blueprint `json:"terraformBlueprint,omitempty"`
	}{d.Name, d.ServiceAccount, d.WorkerPool, d.Artifacts, wanted}
}
