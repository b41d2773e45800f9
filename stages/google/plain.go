package google

import (
	"net/http"
	"net/url"
	"strings"

	"sluice/stages/driver"
)

// Plain is a client for answers that are no resources, such as values over time:
// with the API's endpoint, which ends with a slash, and its credentials, but without
// Rules. Whoever asks judges every answer. It sends nothing.
func Plain(env driver.Env, api API) (client *http.Client, endpoint string, err error) {
	endpoint = api.Endpoint
	if over := override(env, api); over != "" {
		if err := driver.CheckEndpoint(api.Override, over); err != nil {
			return nil, "", err
		}
		endpoint = strings.TrimSuffix(over, "/") + "/"
	}
	u, err := url.Parse(endpoint)
	if err != nil {
		return nil, "", err
	}
	transport := env.Transport
	if transport == nil {
		transport = http.DefaultTransport
	}
	if !driver.IsLoopback(u) || len(env.Identity) > 0 {
		transport = newAuthorized(env, transport)
	}
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, endpoint, nil
}
