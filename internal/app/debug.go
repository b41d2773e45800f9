package app

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"sluice/internal/transport"
)

// debugTransport shows every request for --debug: method, address without its
// query, answer and time. Headers and bodies, where secrets are, it never shows.
type debugTransport struct {
	base http.RoundTripper
	show func(text string)
	now  func() time.Time
	used *used
}

// RoundTrip implements http.RoundTripper.
func (d *debugTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	began := d.now()
	d.used.count(r)
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
		return inv.Transport
	}
	return &debugTransport{base: transport.Heads(inv.Transport), now: inv.Clock.Now, used: &inv.used, show: func(text string) { inv.console.Progress("", text) }}
}

// used are the requests of an invocation, by kind. Its zero value counted none.
type used struct {
	mu    sync.Mutex
	kinds map[string]int
}

// count counts a request as what it is about: its method, its host, and its path
// without what looks like an id.
func (u *used) count(r *http.Request) {
	parts := strings.Split(r.URL.EscapedPath(), "/")
	for i, part := range parts {
		if strings.ContainsAny(part, "0123456789%=") {
			parts[i] = "*"
		}
	}
	kind := r.Method + " " + r.URL.Host + strings.Join(parts, "/")
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.kinds == nil {
		u.kinds = map[string]int{}
	}
	u.kinds[kind]++
}

// mostKinds is how many kinds of requests are listed.
const mostKinds = 20

// lines say how many requests there were, and of what kinds, the most frequent first.
func (u *used) lines() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	total, rest := 0, 0
	lines := []string{""}
	for i, kind := range slices.SortedFunc(maps.Keys(u.kinds), func(a, b string) int {
		return cmp.Or(u.kinds[b]-u.kinds[a], strings.Compare(a, b))
	}) {
		total += u.kinds[kind]
		if i >= mostKinds {
			rest += u.kinds[kind]
			continue
		}
		lines = append(lines, fmt.Sprintf("%d %s", u.kinds[kind], kind))
	}
	if rest > 0 {
		lines = append(lines, fmt.Sprintf("%d of %d other kinds", rest, len(u.kinds)-mostKinds))
	}
	lines[0] = fmt.Sprintf("requests: %d", total)
	return lines
}

// showUsed ends what --debug shows: GitHub's limits are counted in requests.
func (inv *invocation) showUsed() {
	if !inv.flags.debug {
		return
	}
	for _, line := range inv.used.lines() {
		inv.console.Progress("", line)
	}
}
