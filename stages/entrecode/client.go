package entrecode

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"sluice/internal/transport"
	"sluice/stages/driver"
)

// client sends requests with the token, to the entry point's host alone.
type client struct {
	entry *url.URL
	token string
	now   func() time.Time
	http  *http.Client
}

// offHostError is a link that leads away from the entry point's host. It is not
// followed: the token is for that host alone.
type offHostError struct{ link, entry string }

// Error says where the link leads.
func (e *offHostError) Error() string {
	return fmt.Sprintf("the link %s leads away from %s, to which alone the access token may be sent", e.link, e.entry)
}

// unreadable is an answer that says success and cannot be understood or believed.
type unreadable struct {
	method string
	err    error
}

// Error says what could not be read.
func (e *unreadable) Error() string {
	return "the answer is not what the App Manager documents: " + e.err.Error()
}

// Unwrap gives the cause.
func (e *unreadable) Unwrap() error { return e.err }

// saved is an address as the state keeps it: without the host where that is the
// one it was found on, so that it is only ever followed on the entry point's.
func saved(foundOn, u *url.URL) string {
	if transport.SameHost(foundOn, u) {
		return u.RequestURI()
	}
	return u.String()
}

// restore is the address that was saved.
func (c *client) restore(saved string) (*url.URL, error) {
	u, err := c.entry.Parse(saved)
	if err != nil {
		return nil, &invalid{"the saved address cannot be read: " + err.Error()}
	}
	return u, nil
}

func (c *client) get(ctx context.Context, u *url.URL) (*resource, error) {
	return c.do(ctx, http.MethodGet, u)
}

func (c *client) do(ctx context.Context, method string, u *url.URL) (*resource, error) {
	if !transport.SameHost(u, c.entry) {
		elsewhere := &offHostError{u.Redacted(), c.entry.Redacted()}
		if method != http.MethodGet {
			return nil, &invalid{"nothing was sent: " + elsewhere.Error()}
		}
		return nil, elsewhere
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	req.Header.Set("Accept", "application/hal+json, application/problem+json, application/json;q=0.9")
	req.Header.Set("User-Agent", "sluice")
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close() //nolint:errcheck // everything wanted was read
	at := u                 // where the answer came from: a redirect may have led on
	if resp.Request != nil {
		at = resp.Request.URL
	}
	body, err := io.ReadAll(resp.Body) // the transport bounds it
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		p := c.refusal(method, resp, body)
		p.own = p.own && err == nil && *at == *u // what a redirect leads to is another's
		return nil, p
	}
	if err != nil {
		return nil, &url.Error{Op: method, URL: u.Redacted(), Err: err}
	}
	r, err := parseResource(at, body)
	if err != nil {
		return nil, &unreadable{method, err}
	}
	return r, nil
}

// refusal is an answer with any other status than success.
func (c *client) refusal(method string, resp *http.Response, body []byte) *problem {
	p := parseProblem(resp.StatusCode, body)
	p.method = method
	p.requestID = cmp.Or(resp.Header.Get("X-Request-Id"), resp.Header.Get("Request-Id"))
	p.retryAfter = driver.RetryAfter(resp.Header.Get("Retry-After"), c.now())
	return p
}
