package apigateway

import (
	"net/http"
	"strconv"

	"sluice/internal/sandbox/kit"
)

// restAPIView is a REST API on the wire.
type restAPIView struct {
	ID                        string                `json:"id"`
	Name                      string                `json:"name"`
	Description               string                `json:"description,omitempty"`
	Version                   string                `json:"version,omitempty"`
	CreatedDate               int64                 `json:"createdDate"`
	APIKeySource              string                `json:"apiKeySource"`
	EndpointConfiguration     endpointConfiguration `json:"endpointConfiguration"`
	DisableExecuteAPIEndpoint bool                  `json:"disableExecuteApiEndpoint"`
	RootResourceID            string                `json:"rootResourceId"`
	Tags                      map[string]string     `json:"tags,omitempty"`
}

type endpointConfiguration struct {
	Types []string `json:"types"`
}

func (a *restAPI) view() restAPIView {
	return restAPIView{
		ID: a.ID, Name: a.Name, Description: a.Description, Version: a.Version, CreatedDate: a.CreatedDate,
		APIKeySource: "HEADER", EndpointConfiguration: endpointConfiguration{Types: []string{"REGIONAL"}},
		RootResourceID: a.RootResourceID, Tags: a.Tags,
	}
}

func (e *Emulator) getRestAPIs(region string, r *http.Request) (int, any, error) {
	apis := e.State.Regions[region]
	var views []restAPIView
	for _, api := range kit.Sorted(apis) {
		views = append(views, api.view())
	}
	p, err := paged(r, views, func(v restAPIView) string { return v.ID })
	return http.StatusOK, p, err
}

func (e *Emulator) createRestAPI(region string, r *http.Request) (int, any, error) {
	var input struct {
		Name, Description, Version string
		Tags                       map[string]string
	}
	if err := decode(r, &input); err != nil {
		return 0, nil, err
	}
	if input.Name == "" {
		return 0, nil, badRequest("API name is required")
	}
	apis := e.State.Regions[region]
	id := ""
	for n := len(apis); id == "" || apis[id] != nil; n++ {
		id = newID(10, "api", region, strconv.Itoa(n))
	}
	api := newAPI(id, input.Name, e.Now())
	api.Description, api.Version, api.Tags = input.Description, input.Version, input.Tags
	e.State.add(region, api)
	return http.StatusCreated, api.view(), nil
}

func (e *Emulator) getRestAPI(c *call, _ *struct{}) (any, error) {
	return c.api.view(), nil
}

func (e *Emulator) deleteRestAPI(c *call, _ *struct{}) (any, error) {
	delete(e.State.Regions[c.region], c.api.ID)
	return nil, nil
}
