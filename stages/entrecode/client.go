package entrecode

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// maxAnswer is the longest answer that is read. Builds embed their whole log;
// half a megabyte for two of them was recorded.
const maxAnswer = 64 << 20

// client sends requests with the token, to the entry point's host alone.
type client struct {
	entry *url.URL
	token string
	now   func() time.Time
	http  *http.Client
}

// strayError is a link that leads away from the entry point's host. It is not
// followed: the token is for that host alone.
type strayError struct{ link, entry string }

// Error says where the link leads.
func (e *strayError) Error() string {
	return fmt.Sprintf("the link %s leads away from %s, to which alone the access token may be sent", e.link, e.entry)
}

// unreadable is an answer that says success and cannot be understood.
type unreadable struct {
	method string
	err    error
}

// Error says what could not be read.
func (e *unreadable) Error() string { return "the answer cannot be read: " + e.err.Error() }

// Unwrap gives the cause.
func (e *unreadable) Unwrap() error { return e.err }

// stayHere follows redirects of reads on the entry point's host, as far as
// net/http does without a rule. An effect is never sent a second time.
func stayHere(entry *url.URL) func(*http.Request, []*http.Request) error {
	return func(r *http.Request, via []*http.Request) error {
		switch {
		case via[0].Method != http.MethodGet:
			return http.ErrUseLastResponse
		case !sameHost(r.URL, entry):
			return &strayError{r.URL.Redacted(), entry.Redacted()}
		case len(via) >= 10:
			return errors.New("stopped after 10 redirects")
		}
		return nil
	}
}

func sameHost(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && a.Hostname() == b.Hostname() && port(a) == port(b)
}

func port(u *url.URL) string {
	return cmp.Or(u.Port(), map[string]string{"http": "80", "https": "443"}[u.Scheme])
}

// saved is an address as the state keeps it: without the host where that is the
// one it was found on, so that it is only ever followed on the entry point's.
func saved(foundOn, u *url.URL) string {
	if sameHost(foundOn, u) {
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
	if !sameHost(u, c.entry) {
		return nil, &strayError{u.Redacted(), c.entry.Redacted()}
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
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return nil, c.refusal(method, resp, body)
	}
	if err != nil {
		return nil, &url.Error{Op: method, URL: u.Redacted(), Err: err}
	}
	if len(body) > maxAnswer {
		return nil, &unreadable{method, fmt.Errorf("longer than %d bytes", maxAnswer)}
	}
	r, err := parseResource(resp.Request.URL, body)
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
	p.retryAfter = retryAfter(resp.Header.Get("Retry-After"), c.now())
	return p
}
