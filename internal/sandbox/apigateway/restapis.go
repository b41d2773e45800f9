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
	return paged(c.Request, kit.Shown(kit.Sorted(c.Regions[c.region]), (*restAPI).view), func(v restAPIView) string { return v.ID })
}

func createRestAPI(c *call, input *restAPIInput) (any, error) {
	if input.Name == "" {
		return nil, badRequest("API name is required")
	}
	apis, id := c.Regions[c.region], ""
	for n := len(apis); id == "" || apis[id] != nil; n++ {
		id = newID(10, "api", c.region, strconv.Itoa(n))
	}
	api := newAPI(id, *input, c.now)
	c.Regions.Add(c.region, api.ID, api)
	return api.view(), nil
}

func getRestAPI(c *call) (any, error) { return c.api.view(), nil }

func deleteRestAPI(c *call) (any, error) {
	delete(c.Regions[c.region], c.api.ID)
	return nil, nil
}
