package app

import (
	"fmt"
	"net/http"
	"time"

	"sluice/internal/transport"
)

// debugTransport shows every request for --debug: method, address without its
// query, answer and time. Headers and bodies, where secrets are, it never shows.
type debugTransport struct {
	base http.RoundTripper
	show func(text string)
	now  func() time.Time
}

// RoundTrip implements http.RoundTripper.
func (d *debugTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	began := d.now()
	resp, err := d.base.RoundTrip(r)
	answer := "no answer"
	switch {
	case err != nil:
		answer = fmt.Sprintf("no answer (%v)", err)
	case resp != nil:
		answer = resp.Status
	}
	d.show(fmt.Sprintf("%s %s://%s%s → %s in %s", r.Method, r.URL.Scheme, r.URL.Host, r.URL.EscapedPath(), answer, d.now().Sub(began).Round(time.Millisecond)))
	return resp, err
}

// Configure is [transport.Configurable]: a client that trusts certificates of
// its own does so under --debug too.
func (d *debugTransport) Configure(change func(*http.Transport)) http.RoundTripper {
	changed := *d
	changed.base = transport.Configure(d.base, change)
	return &changed
}

// transport carries requests; nil is the default one.
func (inv *invocation) transport() http.RoundTripper {
	if !inv.flags.debug {
		return nil
	}
	return &debugTransport{base: http.DefaultTransport, now: inv.Clock.Now, show: func(text string) { inv.console.Progress("", text) }}
}
