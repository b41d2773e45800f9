package apigateway

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
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
	apis := e.state.Regions[region]
	var views []restAPIView
	for _, id := range slices.Sorted(maps.Keys(apis)) {
		views = append(views, apis[id].view())
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
	apis := e.state.Regions[region]
	id := ""
	for n := len(apis); id == "" || apis[id] != nil; n++ {
		id = newID(10, "api", region, strconv.Itoa(n))
	}
	api := newAPI(id, input.Name, e.now())
	api.Description, api.Version, api.Tags = input.Description, input.Version, input.Tags
	e.state.add(region, api)
	return http.StatusCreated, api.view(), nil
}

func (e *Emulator) getRestAPI(region string, r *http.Request) (int, any, error) {
	api, err := e.state.api(region, r.PathValue("api"))
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, api.view(), nil
}

func (e *Emulator) deleteRestAPI(region string, r *http.Request) (int, any, error) {
	api, err := e.state.api(region, r.PathValue("api"))
	if err != nil {
		return 0, nil, err
	}
	delete(e.state.Regions[region], api.ID)
	return http.StatusAccepted, nil, nil
}
