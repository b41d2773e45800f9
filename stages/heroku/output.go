package heroku

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"sluice/stages/driver"
)

const (
	outputTime   = 10 * time.Second // for the whole output of a release phase that is over
	outputRead   = 4 << 20          // bytes
	outputShown  = 64 << 10         // bytes, the last ones
	outputCutoff = "…\n"
)

// output is what a release phase that is over printed, "" for none. It comes
// from another host than the API's, which must not get the token. That it
// cannot be had takes nothing away from the release.
func (c *client) output(ctx context.Context, r *release) string {
	if r.Output == "" || !c.mayFetch(r.Output) {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, outputTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.Output, nil)
	if err != nil {
		return ""
	}
	req.Header.Set("Accept", "text/plain")
	resp, err := c.http.Do(req)
	if err != nil {
		return ""
	}
	defer resp.Body.Close() //nolint:errcheck // read as far as it goes
	if resp.StatusCode != http.StatusOK {
		return ""
	}
	text, _ := io.ReadAll(io.LimitReader(resp.Body, outputRead)) // what came before it was cut is shown
	if len(text) == outputRead {
		text = append(text, outputCutoff...)
	}
	return lastOf(string(text))
}

// mayFetch allows https, and loopback for an API that is on loopback itself.
func (c *client) mayFetch(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil {
		return false
	}
	api, err := url.Parse(c.base)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http" && driver.IsLoopback(u) && driver.IsLoopback(api))
}

// lastOf is the end of a long text: what failed stands there.
func lastOf(text string) string {
	if len(text) <= outputShown {
		return text
	}
	return outputCutoff + strings.ToValidUTF8(text[len(text)-outputShown:], "")
}
