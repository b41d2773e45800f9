package inframanager

import (
	"net/http"
	"slices"

	"sluice/internal/sandbox/googleapi"
	"sluice/internal/sandbox/kit"
)

type call = googleapi.Call

// methods are the methods of the API.
func (e *Emulator) methods() googleapi.Methods {
	list := []string{"filter", "orderBy", "pageSize", "pageToken"}
	sizes := &googleapi.Sizes{Usual: 500, Most: 1000}
	return googleapi.Methods{
		"GET deployments":                {Query: list, Serve: googleapi.List(&e.State.Deployments, "deployments", sizes, (*deployment).shown)},
		"POST deployments":               {Query: []string{"deploymentId", "requestId"}, Serve: e.once(kit.Taking(e.createDeployment))},
		"GET deployments/*":              {Serve: googleapi.Get(&e.State.Deployments, (*deployment).shown)},
		"PATCH deployments/*":            {Query: []string{"updateMask", "requestId"}, Serve: e.once(kit.Changing(e.deployment, e.updateDeployment))},
		"POST deployments/*:lock":        {Serve: kit.Changing(e.deployment, e.lock)},
		"POST deployments/*:unlock":      {Serve: kit.Changing(e.deployment, e.unlock)},
		"GET deployments/*:exportLock":   {Serve: kit.On(e.deployment, e.exportLock)},
		"GET deployments/*/revisions":    {Query: list, Serve: kit.On(e.deployment, e.listRevisions(sizes))},
		"GET deployments/*/revisions/*":  {Serve: kit.On(e.deployment, e.getRevision)},
		"GET previews":                   {Query: list, Serve: googleapi.List(&e.State.Previews, "previews", sizes, (*preview).shown)},
		"POST previews":                  {Query: []string{"previewId", "requestId"}, Serve: e.once(kit.Taking(e.createPreview))},
		"GET previews/*":                 {Serve: googleapi.Get(&e.State.Previews, (*preview).shown)},
		"DELETE previews/*":              {Query: []string{"requestId"}, Serve: e.once(kit.On(e.preview, e.deletePreview))},
		"GET previews/*/resourceChanges": {Query: list, Serve: kit.On(e.preview, e.listChanges(sizes))},
		"GET operations":                 {Query: list, Serve: e.listOperations(sizes)},
		"GET operations/*":               {Serve: e.getOperation},
	}
}

// admit refuses who asks about a location that is not known, and lets time pass.
func (e *Emulator) admit(c *call) error {
	if !slices.Contains(e.State.Locations, locationOf(c.Name)) {
		return kit.Errorf(http.StatusForbidden, "PERMISSION_DENIED", "Permission 'config.deployments.get' denied on resource '%s' (or it may not exist).", c.Name)
	}
	e.settle()
	return nil
}

// locationOf is the projects/P/locations/L that a name is, or lies in.
func locationOf(name string) string { return kit.First(name, 4) }

// resourceIn is the deployment or the preview that a name is, or lies in.
func resourceIn(name string) string { return kit.First(name, 6) }
