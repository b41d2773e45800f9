package apigateway

import (
	"strconv"

	"sluice/internal/sandbox/kit"
)

// restAPIView is a REST API on the wire.
type restAPIView struct {
	described
	APIKeySource              string                `json:"apiKeySource"`
	EndpointConfiguration     endpointConfiguration `json:"endpointConfiguration"`
	DisableExecuteAPIEndpoint bool                  `json:"disableExecuteApiEndpoint"`
}

type endpointConfiguration struct {
	Types []string `json:"types"`
}

func (a *restAPI) view() restAPIView {
	return restAPIView{a.described, "HEADER", endpointConfiguration{Types: []string{"REGIONAL"}}, false}
}

func getRestAPIs(c *call) (any, error) {
	var views []restAPIView
	for _, api := range kit.Sorted(c.Regions[c.region]) {
		views = append(views, api.view())
	}
	return paged(c.Request, views, func(v restAPIView) string { return v.ID })
}

// restAPIInput is the body of CreateRestApi.
type restAPIInput struct {
	Name, Description, Version string
	Tags                       map[string]string
}

func createRestAPI(c *call, input *restAPIInput) (any, error) {
	if input.Name == "" {
		return nil, badRequest("API name is required")
	}
	apis, id := c.Regions[c.region], ""
	for n := len(apis); id == "" || apis[id] != nil; n++ {
		id = newID(10, "api", c.region, strconv.Itoa(n))
	}
	api := newAPI(id, input.Name, c.now)
	api.Description, api.Version, api.Tags = input.Description, input.Version, input.Tags
	c.Regions.Add(c.region, api.ID, api)
	return api.view(), nil
}

func getRestAPI(c *call) (any, error) {
	return c.api.view(), nil
}

func deleteRestAPI(c *call) (any, error) {
	delete(c.Regions[c.region], c.api.ID)
	return nil, nil
}
