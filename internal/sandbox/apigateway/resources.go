package apigateway

import (
	"net/http"
	"strings"

	"sluice/internal/sandbox/kit"
)

// resourceView is a resource of a REST API on the wire. An API has its root here and
// nothing below it: what is behind a stage is not what is promoted.
type resourceView struct {
	ID      string                `json:"id"`
	Path    string                `json:"path"`
	Methods map[string]methodView `json:"resourceMethods,omitempty"`
}

// methodView is a method, and as far as it was asked for, what it does.
type methodView struct {
	HTTPMethod     string `json:"httpMethod,omitempty"`
	Authorization  string `json:"authorizationType,omitempty"`
	APIKeyRequired *bool  `json:"apiKeyRequired,omitempty"`
}

func (a *restAPI) root(r *http.Request) resourceView {
	method := methodView{}
	if strings.Contains(strings.Join(r.URL.Query()["embed"], ","), "methods") {
		method = theMethod()
	}
	return resourceView{ID: a.RootResourceID, Path: "/", Methods: map[string]methodView{http.MethodGet: method}}
}

func theMethod() methodView {
	return methodView{HTTPMethod: http.MethodGet, Authorization: "NONE", APIKeyRequired: new(bool)}
}

func getResources(c *call) (any, error) {
	return paged(c.Request, []resourceView{c.api.root(c.Request)}, func(v resourceView) string { return v.ID })
}

func getResource(c *call) (any, error) {
	if c.PathValue("resource") != c.api.RootResourceID {
		return nil, notFound("Invalid Resource identifier specified")
	}
	return c.api.root(c.Request), nil
}

func getMethod(c *call) (any, error) {
	if _, err := getResource(c); err != nil {
		return nil, err
	}
	if c.PathValue("method") != http.MethodGet {
		return nil, notFound("Invalid Method identifier specified")
	}
	return theMethod(), nil
}

// getTags tells the tags of an API or of a stage by its ARN:
// arn:aws:apigateway:REGION::/restapis/ID[/stages/NAME].
func getTags(c *call) (any, error) {
	_, path, _ := strings.Cut(c.PathValue("arn"), "::/")
	of := kit.Parts(path)
	if of["restapis"] == "" {
		return nil, notFound("Invalid resource ARN")
	}
	api, err := c.findAPI(c.region, of["restapis"])
	if err != nil {
		return nil, err
	}
	tags := api.Tags
	if name := of["stages"]; name != "" {
		s, err := api.stage(name)
		if err != nil {
			return nil, err
		}
		tags = s.Tags
	}
	if tags == nil {
		tags = map[string]string{}
	}
	return map[string]any{"tags": tags}, nil
}
