package deploymentmanager

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"sluice/internal/sandbox/deploymentmanager/wire"
)

// deployment finds the call's deployment.
func (e *Emulator) deployment(c *call) (*deployment, error) {
	if d, ok := e.state.Deployments[c.key()]; ok {
		return d, nil
	}
	return nil, notFound("deployment", "projects/"+c.project+"/global/deployments/"+c.name)
}

func (e *Emulator) getDeployment(c *call) (any, error) {
	d, err := e.deployment(c)
	if err != nil {
		return nil, err
	}
	return d.API, nil
}

func (e *Emulator) listDeployments(c *call) (any, error) {
	var all []*wire.Deployment
	for _, key := range slices.Sorted(maps.Keys(e.state.Deployments)) {
		if strings.HasPrefix(key, c.project+"/") {
			all = append(all, e.state.Deployments[key].API)
		}
	}
	items, next, err := page(c, all)
	return &wire.DeploymentsListResponse{Deployments: items, NextPageToken: next}, err
}

// page cuts out of all what a list request asks for.
func page[T any](c *call, all []T) (items []T, next string, err error) {
	size, from := 500, 0
	if text := c.query("maxResults"); text != "" {
		if size, err = strconv.Atoi(text); err != nil || size < 1 || size > 500 {
			return nil, "", invalid("Invalid value for field 'maxResults': '%s'", text)
		}
	}
	if text := c.query("pageToken"); text != "" {
		if from, err = strconv.Atoi(text); err != nil || from < 0 || from > len(all) {
			return nil, "", invalid("Invalid value for field 'pageToken': '%s'", text)
		}
	}
	to := min(from+size, len(all))
	if to < len(all) {
		next = strconv.Itoa(to)
	}
	return all[from:to], next, nil
}

func (e *Emulator) getManifest(c *call) (any, error) {
	d, err := e.deployment(c)
	if err != nil {
		return nil, err
	}
	if m := d.manifest(c.sub); m != nil {
		return m.Manifest, nil
	}
	return nil, notFound("manifest", c.sub)
}

// listManifests lists a deployment's manifests, newest first.
func (e *Emulator) listManifests(c *call) (any, error) {
	d, err := e.deployment(c)
	if err != nil {
		return nil, err
	}
	var all []*wire.Manifest
	for _, m := range slices.Backward(d.Manifests) {
		all = append(all, m.Manifest)
	}
	items, next, err := page(c, all)
	return &wire.ManifestsListResponse{Manifests: items, NextPageToken: next}, err
}

func (e *Emulator) listResources(c *call) (any, error) {
	_, err := e.deployment(c)
	return &wire.ResourcesListResponse{}, err
}

// insert makes a deployment.
func (e *Emulator) insert(c *call) (any, error) {
	var in wire.Deployment
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if !resourceName().MatchString(in.Name) {
		return nil, invalid("Invalid value for field 'resource.name': '%s'", in.Name)
	}
	c.name = in.Name
	if _, ok := e.state.Deployments[c.key()]; ok {
		return nil, &apiError{http.StatusConflict, "alreadyExists", "The object 'projects/" + c.project + "/global/deployments/" + in.Name + "' already exists."}
	}
	want, err := wanted(in)
	if err != nil {
		return nil, err
	}
	d := e.newDeployment(c, in)
	return e.change(c, d, in, "insert", e.addManifest(c.key(), d, want))
}

func (e *Emulator) newDeployment(c *call, in wire.Deployment) *deployment {
	d := &deployment{API: &wire.Deployment{
		ID: e.id(c.key()), Name: in.Name, InsertTime: e.stamp(), SelfLink: c.link("deployments/" + in.Name),
	}}
	e.state.Deployments[c.key()] = d
	return d
}

// wanted is what a request wants deployed.
func wanted(in wire.Deployment) (target, error) {
	if in.Target == nil || in.Target.Config == nil || in.Target.Config.Content == "" {
		return target{}, invalid("Invalid value for field 'resource.target.config.content': ''. A configuration is required.")
	}
	if strings.Contains(in.Target.Config.Content, "\t") {
		return target{}, &apiError{http.StatusBadRequest, "invalid", "Manifest contains invalid YAML: found character '\\t' that cannot start any token"}
	}
	return target{Config: in.Target.Config, Imports: in.Target.Imports}, nil
}

// update changes a deployment. Without a target it deploys what was previewed.
//
// Discovery document: "After previewing a deployment, you can deploy your
// resources by making a request with the update()"
func (e *Emulator) update(c *call) (any, error) {
	var in wire.Deployment
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	d, err := e.free(c, in.Fingerprint)
	if err != nil {
		return nil, err
	}
	if in.Target == nil && !c.preview() {
		if d.API.Update == nil {
			return nil, invalid("Invalid value for field 'resource.target': ''. There is no preview to deploy, so a target is required.")
		}
		return e.change(c, d, in, "update", d.manifest(last(d.API.Update.Manifest)))
	}
	want, err := wanted(in)
	if err != nil {
		return nil, err
	}
	return e.change(c, d, in, "update", e.addManifest(c.key(), d, want))
}

// free is the call's deployment, if nothing is at work on it and the request
// knows its newest fingerprint.
//
// docs/platforms.md: "update wants the deployment's `fingerprint` (412 when stale)"
func (e *Emulator) free(c *call, fingerprint string) (*deployment, error) {
	d, err := e.deployment(c)
	if err != nil {
		return nil, err
	}
	if fingerprint != d.API.Fingerprint {
		return nil, &apiError{http.StatusPreconditionFailed, "conditionNotMet", "Fingerprint does not match"}
	}
	if d.Working != "" {
		return nil, &apiError{http.StatusConflict, "resourceInUse", "Resource '" + d.API.Name + "' has an ongoing conflicting operation: '" + last(d.Working) + "'"}
	}
	return d, nil
}

// cancelPreview drops a preview.
func (e *Emulator) cancelPreview(c *call) (any, error) {
	var in wire.DeploymentsCancelPreviewRequest
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	d, err := e.free(c, in.Fingerprint)
	if err != nil {
		return nil, err
	}
	if d.API.Update == nil {
		return nil, invalid("Deployment '%s' has no preview to cancel", d.API.Name)
	}
	return e.begin(c, d, "cancelPreview", nil), nil
}

// change begins an operation that brings a manifest.
func (e *Emulator) change(c *call, d *deployment, in wire.Deployment, kind string, m *manifest) (any, error) {
	d.API.Update = &wire.DeploymentUpdate{Manifest: m.SelfLink, Description: in.Description}
	for _, l := range in.Labels {
		d.API.Update.Labels = append(d.API.Update.Labels, &wire.DeploymentUpdateLabelEntry{Key: l.Key, Value: l.Value})
	}
	return e.begin(c, d, kind, m), nil
}
