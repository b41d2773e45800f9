package deploymentmanager

import (
	"net/http"
	"slices"
	"strings"

	"sluice/internal/sandbox/deploymentmanager/wire"
	"sluice/internal/sandbox/googleapi"
	"sluice/internal/sandbox/kit"
)

// deployment is the one that a call is about, or about a part of.
func (e *Emulator) deployment(c *call) (*deployment, error) {
	if d := e.State.Deployments[deploymentIn(c.Name)]; d != nil {
		return d, nil
	}
	return nil, notFound("deployment", deploymentIn(c.Name))
}

func (e *Emulator) listDeployments(c *call) (any, error) {
	all := googleapi.Under(e.State.Deployments, c.Name, "deployments")
	return listed(c, "deployments", kit.Shown(all, func(d *deployment) any { return d.API }))
}

// listed is the page of all that a list request asks for, under the name that the API
// has for it.
func listed[T any](c *call, kind string, all []T) (any, error) {
	size, ok := kit.Number(c.Param("maxResults"), 500, 1)
	if !ok || size > 500 {
		return nil, googleapi.Invalid("Invalid value for field 'maxResults': '%s'", c.Param("maxResults"))
	}
	from, ok := kit.Number(c.Param("pageToken"), 0, 0)
	if !ok || from > len(all) {
		return nil, googleapi.Invalid("Invalid value for field 'pageToken': '%s'", c.Param("pageToken"))
	}
	items, next := kit.Page(all, from, size)
	return googleapi.Paged(kind, items, kit.Token(next)), nil
}

func (e *Emulator) getManifest(c *call, d *deployment) (any, error) {
	if m := d.manifest(kit.Last(c.Name)); m != nil {
		return m.Manifest, nil
	}
	return nil, notFound("manifest", kit.Last(c.Name))
}

// listManifests lists a deployment's manifests, newest first.
func (e *Emulator) listManifests(c *call, d *deployment) (any, error) {
	all := slices.Clone(d.Manifests)
	slices.Reverse(all)
	return listed(c, "manifests", all)
}

func (e *Emulator) listResources(*call, *deployment) (any, error) { return struct{}{}, nil }

// insert makes a deployment.
func (e *Emulator) insert(c *call, in *wire.Deployment) (any, error) {
	if !googleapi.IsID(in.Name) {
		return nil, googleapi.Invalid("Invalid value for field 'resource.name': '%s'", in.Name)
	}
	name := c.Name + "/deployments/" + in.Name
	if e.State.Deployments[name] != nil {
		return nil, kit.Errorf(http.StatusConflict, "alreadyExists", "The object '%s' already exists.", name)
	}
	want, err := wanted(in)
	if err != nil {
		return nil, err
	}
	d := e.newDeployment(name)
	return e.change(c, d, in, "insert", e.addManifest(d, want))
}

func (e *Emulator) newDeployment(name string) *deployment {
	d := &deployment{API: &wire.Deployment{ID: e.id(name), Name: kit.Last(name), InsertTime: e.stamp(), SelfLink: link(name)}}
	e.State.Deployments[name] = d
	return d
}

// wanted is what a request wants deployed.
func wanted(in *wire.Deployment) (target, error) {
	if in.Target == nil || in.Target.Config == nil || in.Target.Config.Content == "" {
		return target{}, googleapi.Invalid("Invalid value for field 'resource.target.config.content': ''. A configuration is required.")
	}
	if strings.Contains(in.Target.Config.Content, "\t") {
		return target{}, kit.Errorf(http.StatusBadRequest, "invalid", "Manifest contains invalid YAML: found character '\\t' that cannot start any token")
	}
	return target{Config: in.Target.Config, Imports: in.Target.Imports}, nil
}

// update changes a deployment. Without a target it deploys what was previewed.
//
// Discovery document: "After previewing a deployment, you can deploy your
// resources by making a request with the update()"
func (e *Emulator) update(c *call, in *wire.Deployment) (any, error) {
	d, err := e.free(c, in.Fingerprint)
	if err != nil {
		return nil, err
	}
	if in.Target == nil && !c.Flag("preview") {
		if d.API.Update == nil {
			return nil, googleapi.Invalid("Invalid value for field 'resource.target': ''. There is no preview to deploy, so a target is required.")
		}
		return e.change(c, d, in, "update", d.manifest(kit.Last(d.API.Update.Manifest)))
	}
	want, err := wanted(in)
	if err != nil {
		return nil, err
	}
	return e.change(c, d, in, "update", e.addManifest(d, want))
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
		return nil, staleFingerprint()
	}
	if d.Working != "" {
		return nil, kit.Errorf(http.StatusConflict, "resourceInUse", "Resource '%s' has an ongoing conflicting operation: '%s'", d.API.Name, kit.Last(d.Working))
	}
	return d, nil
}

func staleFingerprint() error {
	return kit.Errorf(http.StatusPreconditionFailed, "conditionNotMet", "Fingerprint does not match")
}

// cancelPreview drops a preview.
func (e *Emulator) cancelPreview(c *call, in *wire.FingerprintRequest) (any, error) {
	d, err := e.free(c, in.Fingerprint)
	if err != nil {
		return nil, err
	}
	if d.API.Update == nil {
		return nil, googleapi.Invalid("Deployment '%s' has no preview to cancel", d.API.Name)
	}
	return e.begin(c, d, "cancelPreview", nil), nil
}

// change begins an operation that brings a manifest.
func (e *Emulator) change(c *call, d *deployment, in *wire.Deployment, kind string, m *manifest) (any, error) {
	d.API.Update = &wire.DeploymentUpdate{Manifest: m.SelfLink, Description: in.Description, Labels: in.Labels}
	return e.begin(c, d, kind, m), nil
}
