package deploymentmanager

import (
	"net/http"
	"slices"
	"strings"

	"sluice/internal/sandbox/googleapi"
	"sluice/internal/sandbox/kit"
)

type call = googleapi.Call

// methods are the methods of the API.
func (e *Emulator) methods() googleapi.Methods {
	change := []string{"preview", "createPolicy", "deletePolicy", "header.bypassBillingFilter"}
	read := []string{"header.bypassBillingFilter"}
	list := []string{"filter", "maxResults", "orderBy", "pageToken"}
	return googleapi.Methods{
		"GET deployments":                  {Query: list, Serve: e.listDeployments},
		"POST deployments":                 {Query: change, Serve: kit.Taking(e.insert)},
		"GET deployments/*":                {Query: read, Serve: kit.On(e.deployment, func(_ *call, d *deployment) (any, error) { return d.API, nil })},
		"PUT deployments/*":                {Query: change, Serve: kit.Taking(e.update)},
		"POST deployments/*/cancelPreview": {Serve: kit.Taking(e.cancelPreview)},
		"POST deployments/*/stop":          {Serve: kit.Changing(e.deployment, e.stop)},
		"GET deployments/*/manifests":      {Query: list, Serve: kit.On(e.deployment, e.listManifests)},
		"GET deployments/*/manifests/*":    {Query: read, Serve: kit.On(e.deployment, e.getManifest)},
		"GET deployments/*/resources":      {Query: list, Serve: kit.On(e.deployment, e.listResources)},
		"GET operations":                   {Query: list, Serve: e.listOperations},
		"GET operations/*":                 {Query: read, Serve: e.getOperation},
	}
}

// admit refuses who asks about a project that is not known, and lets time pass.
func (e *Emulator) admit(c *call) error {
	if project := projectOf(c.Name); !slices.Contains(e.State.Projects, project) {
		return kit.Errorf(http.StatusNotFound, "notFound", "The resource 'projects/%s' was not found", project)
	}
	e.settle()
	return nil
}

// projectOf is the project of a name: projects/P/global/….
func projectOf(name string) string { return kit.Parts(name)["projects"] }

// deploymentIn is the deployment that a name is, or lies in; "" for none.
func deploymentIn(name string) string {
	parts := strings.Split(name, "/")
	if len(parts) < 5 || parts[3] != "deployments" {
		return ""
	}
	return strings.Join(parts[:5], "/")
}

// link is the URL of a resource.
func link(name string) string { return "https://www.googleapis.com/deploymentmanager/v2/" + name }

func notFound(kind, name string) error {
	return kit.Errorf(http.StatusNotFound, "notFound", "The object '%s' of kind %s is not found.", name, kind)
}
