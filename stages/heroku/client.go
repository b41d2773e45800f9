package heroku

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"sluice/stages/driver"
)

const (
	accept        = "application/vnd.heroku+json; version=3"
	acceptFilters = accept + ".filters"

	// mostAnswer is how many bytes of one answer are read: less than the transport
	// allows, because several are read side by side. The longest that the API
	// documents, a page of 1,000 apps, has about 2 MiB.
	mostAnswer = 4 << 20
	mostPages  = 10_000 // of one list
)

// client speaks to the API. It is safe for concurrent use.
type client struct {
	base   string
	token  string
	http   *http.Client
	tokens budget
}

// get reads path into value, which is what was asked for.
func (c *client) get(ctx context.Context, path string, want asked, value shown) error {
	_, err := c.read(ctx, request{method: http.MethodGet, path: path, asked: want}, value)
	return err
}

// read sends a request that changes nothing.
func (c *client) read(ctx context.Context, r request, value shown) (http.Header, error) {
	if err := c.tokens.wait(ctx); err != nil {
		return nil, err
	}
	a, err := c.send(ctx, r)
	if err != nil {
		return nil, err
	}
	return a.header, believe(r, a, value)
}

// change sends a request with an effect, once.
func (c *client) change(ctx context.Context, path string, body any, want asked, value shown) error {
	if err := ctx.Err(); err != nil {
		return &unsentError{err}
	}
	r := request{method: http.MethodPost, path: path, body: body, effect: true, asked: want}
	a, err := c.send(ctx, r)
	if err != nil {
		return err
	}
	return believe(r, a, value)
}

// send sends r once.
func (c *client) send(ctx context.Context, r request) (answer, error) {
	sent := uuid.NewString()
	req, err := c.build(ctx, r, sent)
	if err != nil {
		return answer{}, &unsentError{err}
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return answer{}, &lostError{request: r, id: sent, err: cause(err)}
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end, or given up
	c.tokens.seen(resp.Header)
	id := resp.Header.Get(requestID)
	if id == "" {
		id = sent
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, mostAnswer+1))
	if err != nil {
		return answer{}, &lostError{request: r, id: id, err: err}
	}
	if len(body) > mostAnswer {
		return answer{}, &lostError{request: r, id: id, garbled: true, err: fmt.Errorf("the answer is longer than %d MiB", mostAnswer>>20)}
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return answer{}, refusedBy(r, resp, id, body)
	}
	return answer{header: resp.Header, body: body}, nil
}

// cause is an error without the URL that net/http puts before it: the request
// says it already.
func cause(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

func (c *client) build(ctx context.Context, r request, id string) (*http.Request, error) {
	var body io.Reader
	if r.body != nil {
		data, err := json.Marshal(r.body)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, c.base+r.path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", accept)
	if r.variant != "" {
		req.Header.Set("Accept", r.variant)
	}
	if r.ranged != "" {
		req.Header.Set("Range", r.ranged)
	}
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	req.Header.Set("User-Agent", "sluice")
	req.Header.Set(requestID, id)
	return req, nil
}

// items reads a list page by page, as far as the caller goes. Each page goes on
// where the one before it ended; a list that does not is no list.
func items[T any, P entryOf[T]](ctx context.Context, c *client, r request) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		entries, ranges := map[string]bool{}, map[string]bool{r.ranged: true}
		for range mostPages {
			var p page[T, P]
			header, err := c.read(ctx, r, &p)
			if err != nil {
				yield(none, err)
				return
			}
			for _, item := range p {
				key := P(&item).key()
				if entries[key] {
					yield(none, doubted(r, header.Get(requestID), key+" is there again on a later page"))
					return
				}
				entries[key] = true
				if !yield(item, nil) {
					return
				}
			}
			next := header.Get("Next-Range")
			if next == "" {
				return
			}
			if ranges[next] || len(p) == 0 {
				yield(none, doubted(r, header.Get(requestID), "the list does not go on: Next-Range leads back, or from an empty page"))
				return
			}
			ranges[next], r.ranged = true, next
		}
		yield(none, doubted(r, "", fmt.Sprintf("the list has more than %d pages", mostPages)))
	}
}

// list reads a whole list.
func list[T any, P entryOf[T]](ctx context.Context, c *client, r request) ([]T, error) {
	var all []T
	for item, err := range items[T, P](ctx, c, r) {
		if err != nil {
			return nil, err
		}
		all = append(all, item)
	}
	return all, nil
}

// newClient is a client that follows no redirect: the API documents none, so
// what one leads to is not what was asked for. How long a request may take is
// the transport's to say.
func newClient(base, token string, transport http.RoundTripper) *client {
	c := &client{base: base, token: token, http: &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	c.tokens.left.Store(fullBudget)
	return c
}

// mostQuoted is how much of an error body that is not the API's is quoted.
const mostQuoted = 200

// refusedBy reads an answer that is no success.
func refusedBy(r request, resp *http.Response, id string, body []byte) *apiError {
	e := &apiError{request: r, status: resp.StatusCode, requestID: id, retryAfter: driver.RetryAfter(resp.Header.Get("Retry-After"), time.Time{})}
	var choices page[pipeline, *pipeline]
	if e.status == http.StatusMultipleChoices && believe(r.unasked(), answer{resp.Header, body}, &choices) == nil && len(choices) > 1 {
		e.choices, e.own, e.message = choices, true, "the name is ambiguous"
		return e
	}
	var said struct{ ID, Message, URL string }
	if json.Unmarshal(body, &said) == nil && said.ID != "" {
		e.own, e.id, e.message, e.url = true, said.ID, said.Message, said.URL
		return e
	}
	e.message = strings.Join(strings.Fields(string(body[:min(len(body), mostQuoted)])), " ")
	if len(body) > mostQuoted {
		e.message += "…"
	}
	return e
}
