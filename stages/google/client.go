// Package google is how drivers reach Google's REST APIs: the endpoint and its
// override, Application Default Credentials, and what an error of the APIs says
// about the request.
//
// It knows no platform, and [Client] is its only way to an API: a driver reads and
// sends few fields, by types of its own. Google's generated clients have all of
// them, and gRPC, protocol buffers and OpenTelemetry behind them: a quarter of the
// program. They are what tests hold the emulators to.
// Every answer passes the [Rules] of its API before anybody sees it, and what
// needs a person is read twice ([Confirmed]).
package google

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"

	"google.golang.org/api/googleapi"

	"sluice/stages/driver"
)

const scope = "https://www.googleapis.com/auth/cloud-platform"

// API is one of Google's REST APIs.
type API struct {
	Endpoint string // "https://host/"
	Override string // the environment variable that replaces it, as gcloud names it
	Path     string // what an override may end with and the paths of requests begin with; "" for nothing
	Rules    Rules  // what its answers must carry
}

// plainPath is what resource names are made of. Names come from saved state and
// from answers: nothing in them may lead elsewhere.
var plainPath = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9/_.:~-]*$`) })

// name is one part of a resource's name.
var name = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.~-]*$`) })

// IsName reports whether a text may be one part of a resource's name, so that
// nothing in it leads elsewhere.
func IsName(text string) bool { return name().MatchString(text) }

// Client reaches one API. It is safe for concurrent use.
type Client struct {
	http *http.Client
	base string // ends with a slash
}

// Open checks the endpoint and sends nothing: credentials are looked for with
// the first request. A loopback endpoint gets no credentials, unless the file names
// who asks.
func Open(env driver.Env, api API) (*Client, error) {
	base := api.Endpoint
	if over := override(env, api); over != "" {
		if err := driver.CheckEndpoint(api.Override, over); err != nil {
			return nil, err
		}
		base = over
	}
	base = strings.TrimSuffix(strings.TrimSuffix(base, "/"), strings.Trim(api.Path, "/"))
	base = strings.TrimSuffix(base, "/") + "/"
	u, err := url.Parse(base)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", api.Override, err)
	}
	transport := env.Transport
	if transport == nil {
		transport = http.DefaultTransport
	}
	if !driver.IsLoopback(u) || len(env.Identity) > 0 {
		transport = newAuthorized(env, transport)
	}
	return &Client{base: base, http: &http.Client{
		Transport: &believing{base: transport, rules: api.Rules, root: u.Path},
		// A redirect is never followed: it would carry credentials and effects elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// override is the endpoint that the environment names, "" for none.
func override(env driver.Env, api API) string { return variable(env, api.Override) }

// Base is the endpoint's address, with a slash at its end.
func (c *Client) Base() string { return c.base }

// Get reads a resource exactly as the platform has it. path is relative to the
// endpoint, without a leading slash. A refusal is a [*googleapi.Error].
func (c *Client) Get(ctx context.Context, path string) (json.RawMessage, error) {
	return c.GetQuery(ctx, path, url.Values{})
}

// GetQuery is [Client.Get] with parameters; those that are "" are left out.
func (c *Client) GetQuery(ctx context.Context, path string, query url.Values) (json.RawMessage, error) {
	return c.send(ctx, http.MethodGet, path, query, nil)
}

// Decoded is an answer as a T, a type of the caller's for what it needs. One that does
// not fit it is an [AnswerError]. An error is handed on.
func Decoded[T any](answer json.RawMessage, err error) (*T, error) {
	if err != nil {
		return nil, err
	}
	v := new(T)
	if err := json.Unmarshal(answer, v); err != nil {
		return nil, NoAnswer("a resource", "%w", err)
	}
	return v, nil
}

// Send makes a request that changes something, once, and returns its answer as the
// platform gave it. body is marshalled; nil sends none. Parameters that are "" are
// left out. A refusal is a [*googleapi.Error].
func (c *Client) Send(ctx context.Context, method, path string, query url.Values, body any) (json.RawMessage, error) {
	if body == nil {
		return c.send(ctx, method, path, query, nil)
	}
	data, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	return c.send(ctx, method, path, query, data)
}

func (c *Client) send(ctx context.Context, method, path string, query url.Values, body []byte) (json.RawMessage, error) {
	if !plainPath().MatchString(path) || strings.Contains(path, "..") {
		return nil, &InvalidError{Text: fmt.Sprintf("%q is no resource of the API", path)}
	}
	sent := url.Values{"alt": {"json"}, "prettyPrint": {"false"}}
	for name, values := range query {
		for _, value := range values {
			if value != "" {
				sent.Add(name, value)
			}
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path+"?"+sent.Encode(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if len(body) > 0 {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close() //nolint:errcheck // it was only read
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, fmt.Errorf("reading the answer to %s %s: %w", method, path, err)
	}
	if err := googleapi.CheckResponseWithBody(res, answer); err != nil {
		return nil, err
	}
	return answer, nil
}
