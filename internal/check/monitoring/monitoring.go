// Package monitoring asks Google Cloud Monitoring: metrics by PromQL, and which
// alert policies have open incidents. What the API really answers stands in
// docs/metrics.md.
package monitoring

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"sluice/internal/check/prometheus"
	"sluice/internal/transport"
	"sluice/stages/driver"
	"sluice/stages/google"
)

// Endpoint is the environment variable that names another server, as gcloud has
// it.
const Endpoint = "CLOUDSDK_API_ENDPOINT_OVERRIDES_MONITORING"

const mostPages = 100

// Client asks about one project.
type Client struct {
	http    *http.Client
	base    string // ends with a slash
	project string
}

// Open looks for the endpoint and sends nothing: credentials are looked for with
// the first request. A loopback endpoint gets none.
func Open(env driver.Env, project string) (*Client, error) {
	env.Transport = transport.New(env.Transport, transport.Options{})
	client, base, err := google.Plain(env, google.API{Endpoint: "https://monitoring.googleapis.com/", Override: Endpoint})
	if err != nil {
		return nil, err
	}
	return &Client{http: client, base: base, project: project}, nil
}

// Prometheus is the project as a Prometheus.
func (c *Client) Prometheus() prometheus.Client {
	return prometheus.Client{HTTP: c.http, Base: c.base + "v1/projects/" + c.project + "/location/global/prometheus"}
}

// Policy is an alert policy.
type Policy struct {
	Name    string // "projects/P/alertPolicies/ID"
	Display string
	Enabled bool
	Open    []string // when the incidents that are open were opened, or their names
}

// Policies finds alert policies, by display name, id or full name, with their open
// incidents. One that does not exist is not among them; a display name may be
// several policies'.
func (c *Client) Policies(ctx context.Context, wanted []string) (map[string][]Policy, error) {
	all, err := c.policies(ctx)
	if err != nil {
		return nil, err
	}
	open, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	found := map[string][]Policy{}
	for _, name := range wanted {
		for _, p := range all {
			if name == p.Name || name == p.Display || strings.HasSuffix(p.Name, "/alertPolicies/"+name) {
				p.Open = open[p.Name]
				found[name] = append(found[name], p)
			}
		}
	}
	return found, nil
}

// policies are all of the project's.
func (c *Client) policies(ctx context.Context) ([]Policy, error) {
	var all []Policy
	err := c.pages(ctx, "alertPolicies", url.Values{}, func(body []byte) (string, error) {
		var page struct {
			Policies []struct {
				Name        string `json:"name"`
				DisplayName string `json:"displayName"`
				Enabled     *bool  `json:"enabled"`
			} `json:"alertPolicies"`
			Next string `json:"nextPageToken"`
		}
		err := json.Unmarshal(body, &page)
		for _, p := range page.Policies {
			if p.Name == "" {
				return "", errors.New("an alert policy has no name")
			}
			all = append(all, Policy{Name: p.Name, Display: p.DisplayName, Enabled: p.Enabled == nil || *p.Enabled})
		}
		return page.Next, err
	})
	return all, err
}

// open are the incidents that are open, by their policies' names.
func (c *Client) open(ctx context.Context) (map[string][]string, error) {
	open := map[string][]string{}
	err := c.pages(ctx, "alerts", url.Values{"filter": {`state="OPEN"`}}, func(body []byte) (string, error) {
		var page struct {
			Alerts []struct {
				Name     string `json:"name"`
				State    string `json:"state"`
				OpenTime string `json:"openTime"`
				Policy   struct {
					Name string `json:"name"`
				} `json:"policy"`
			} `json:"alerts"`
			Next string `json:"nextPageToken"`
		}
		err := json.Unmarshal(body, &page)
		for _, a := range page.Alerts {
			switch {
			case a.State == "CLOSED":
			case a.Policy.Name == "":
				return "", errors.New("an incident names no policy")
			default:
				open[a.Policy.Name] = append(open[a.Policy.Name], orElse(a.OpenTime, a.Name))
			}
		}
		return page.Next, err
	})
	return open, err
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

// pages reads a list to its end.
func (c *Client) pages(ctx context.Context, list string, query url.Values, read func(body []byte) (next string, err error)) error {
	for range mostPages {
		body, err := c.get(ctx, "v3/projects/"+c.project+"/"+list+"?"+query.Encode())
		if err != nil {
			return err
		}
		next, err := read(body)
		if err != nil {
			return fmt.Errorf("its list of %s cannot be read: %w", list, err)
		}
		if next == "" {
			return nil
		}
		query.Set("pageToken", next)
	}
	return fmt.Errorf("its list of %s has more than %d pages", list, mostPages)
}

func (c *Client) get(ctx context.Context, path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+path, nil)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close() //nolint:errcheck // it was only read
	body, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return nil, err
	case resp.StatusCode != http.StatusOK:
		return nil, refused(resp.StatusCode, body)
	default:
		return body, nil
	}
}

// refused reads an error as Google's APIs write them.
func refused(status int, body []byte) error {
	var said struct {
		Error struct {
			Message string `json:"message"`
			Status  string `json:"status"`
		} `json:"error"`
	}
	if err := json.Unmarshal(body, &said); err != nil {
		return &prometheus.RefusedError{Status: status}
	}
	return &prometheus.RefusedError{Status: status, Type: said.Error.Status, Text: said.Error.Message}
}
