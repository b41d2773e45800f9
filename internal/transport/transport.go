// Package transport holds the rules that every request of this program keeps,
// whatever client sends it: how much of an answer is read, how long a request
// may take with its whole body, where a redirect may lead, and that no effect
// begins once the run was told to stop. It imports the standard library alone.
package transport

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// MostAnswer is how many bytes of one answer are read, counted after
	// decompression. What the platforms document stays far below it.
	MostAnswer = 16 << 20
	// MostValues is how many JSON values one answer may hold. Decoded, a value
	// of three bytes ("{},") takes some hundred: the bytes alone bound no memory.
	// A list of 1,000 applications has about 40,000.
	MostValues = 250_000
	// WholeRequest is how long one request may take, its whole answer included.
	WholeRequest = 30 * time.Second
	// idlePerHost is how many connections to one host are kept for later
	// requests: a run works on many targets at once.
	idlePerHost = 64
)

// Options are what a client needs different. The zero value is right for an
// API that answers with JSON.
type Options struct {
	Limit    int64         // bytes of one answer, counted after decompression; 0 means MostAnswer
	Deadline time.Duration // of one request with its whole answer; 0 means WholeRequest
	// Raw is for a client that takes bytes as they are (an archive, an object, a
	// health check) and decodes nothing of them by itself: an answer that is
	// still compressed passes, and values are not counted.
	Raw bool
}

// rules is the round tripper that holds them.
type rules struct {
	base http.RoundTripper
	Options
}

// New returns base under the rules; nil is a transport of its own, made like
// [http.DefaultTransport]. The rules hold whatever [http.Client] sends through
// it: a client that would follow redirects is stopped too.
//
// The errors are [*LimitError], [*MalformedError], [*DeadlineError], [*EncodingError],
// [*RedirectError] and [*StoppedError], beside those of base.
func New(base http.RoundTripper, o Options) http.RoundTripper {
	if o.Limit == 0 {
		o.Limit = MostAnswer
	}
	if o.Deadline == 0 {
		o.Deadline = WholeRequest
	}
	return &rules{base: Heads(base), Options: o}
}

func standard() http.RoundTripper {
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return http.DefaultTransport
	}
	t = t.Clone()
	t.MaxIdleConnsPerHost = idlePerHost
	t.MaxResponseHeaderBytes = mostHeads
	return t
}

// Configurable is a round tripper that stands on an [http.Transport].
type Configurable interface {
	// Configure returns the same round tripper on a copy of that transport, as
	// change leaves it. Where it stands on something else it returns itself.
	Configure(change func(*http.Transport)) http.RoundTripper
}

// Configure implements [Configurable].
func (t *rules) Configure(change func(*http.Transport)) http.RoundTripper {
	return &rules{base: Configure(t.base, change), Options: t.Options}
}

// Configure returns a round tripper on a changed copy of the [http.Transport]
// that it stands on: itself where that cannot be told.
func Configure(rt http.RoundTripper, change func(*http.Transport)) http.RoundTripper {
	switch rt := rt.(type) {
	case Configurable:
		return rt.Configure(change)
	case *http.Transport:
		changed := rt.Clone()
		change(changed)
		return changed
	default:
		return rt
	}
}

// RoundTrip sends a request that keeps the rules.
func (t *rules) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := mayGo(r); err != nil {
		if r.Body != nil {
			r.Body.Close() //nolint:errcheck // a round tripper closes it whatever happens
		}
		return nil, err
	}
	deadline := &DeadlineError{Host: r.URL.Host, After: within(r.Context(), t.Deadline)}
	ctx, cancel := context.WithTimeoutCause(r.Context(), deadline.After, deadline)
	resp, err := t.base.RoundTrip(r.WithContext(ctx))
	if err != nil {
		defer cancel()
		if errors.Is(context.Cause(ctx), deadline) {
			return nil, deadline
		}
		return nil, err
	}
	if err := t.accept(resp, r.Method, r.URL.Host); err != nil {
		cancel()
		resp.Body.Close() //nolint:errcheck // it is given up
		return nil, err
	}
	resp.Request = r // also where base leaves it out: a redirect is known by it
	resp.Body = &body{
		counted: http.MaxBytesReader(nil, resp.Body, t.Limit),
		ctx:     ctx, cancel: cancel, deadline: deadline, host: r.URL.Host, raw: t.Raw,
	}
	return resp, nil
}

// deadlineKey is where a context keeps what [WithDeadline] says.
type deadlineKey struct{}

// WithDeadline returns ctx under which no request takes longer than most, its whole
// answer included, whatever its client allows. A process whose time passes faster
// than the machine's needs it: a request takes the machine's time.
func WithDeadline(ctx context.Context, most time.Duration) context.Context {
	return context.WithValue(ctx, deadlineKey{}, most)
}

// within is how long a request under ctx may take of what its client allows.
func within(ctx context.Context, allowed time.Duration) time.Duration {
	if most, ok := ctx.Value(deadlineKey{}).(time.Duration); ok {
		return min(most, allowed)
	}
	return allowed
}

// mayGo is why a request must not be sent; nil if it may.
func mayGo(r *http.Request) error {
	if err := followed(r); err != nil {
		return err
	}
	return admit(r)
}

// accept is about an answer before any of its body is read.
func (t *rules) accept(resp *http.Response, method, host string) error {
	if resp.Body == nil {
		resp.Body = http.NoBody
	}
	if resp.ContentLength > t.Limit && method != http.MethodHead {
		return &LimitError{Host: host, Limit: t.Limit}
	}
	encoding := strings.ToLower(strings.TrimSpace(resp.Header.Get("Content-Encoding")))
	switch {
	case t.Raw, encoding == "", encoding == "identity", encoding == "aws-chunked", resp.Uncompressed:
		return nil
	default:
		// net/http has decompressed what it asked for. What is compressed still
		// would be decompressed elsewhere, where nobody counts.
		return &EncodingError{Host: host, Encoding: encoding}
	}
}

// followed refuses a request that comes of a redirect, unless it is a read on
// the host that was asked first. net/http says in Response what redirected.
func followed(r *http.Request) error {
	first := r
	for first.Response != nil && first.Response.Request != nil {
		first = first.Response.Request
	}
	if first == r || IsRead(first) && IsRead(r) && SameHost(first.URL, r.URL) {
		return nil
	}
	return &RedirectError{Method: first.Method, From: first.URL.Host, To: r.URL.Scheme + "://" + r.URL.Host}
}

// CheckRedirect is for an [http.Client]'s field of that name: a redirect of a
// read is followed on its own host, up to ten times; every other one is an
// answer like any other. A client without it is stopped by the transport.
func CheckRedirect(r *http.Request, via []*http.Request) error {
	first := via[0]
	switch {
	case !IsRead(first) || !SameHost(first.URL, r.URL):
		return http.ErrUseLastResponse
	case len(via) >= 10:
		return errors.New("stopped after 10 redirects")
	}
	return nil
}

// IsRead reports whether a request changes nothing, by its method. A read that
// an API takes as POST counts as an effect.
func IsRead(r *http.Request) bool {
	switch r.Method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions:
		return true
	default:
		return false
	}
}

// SameHost reports whether two addresses are of one server: scheme, host and port.
func SameHost(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && strings.EqualFold(a.Hostname(), b.Hostname()) && port(a) == port(b)
}

func port(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	default:
		return "80"
	}
}

// LimitError is an answer longer than is read of any.
type LimitError struct {
	Host   string
	Limit  int64 // bytes, after decompression; 0 where it is the values that are too many
	Values int64 // JSON values; 0 where it is the bytes
	Head   bool  // it is the status or one header that is too long
}

// Error names the host and the limit.
func (e *LimitError) Error() string {
	most := size(e.Limit)
	if e.Values > 0 {
		most = fmt.Sprintf("%d JSON values", e.Values)
	}
	if e.Head {
		most += " in its status or one header"
	}
	return fmt.Sprintf("%s answered with more than %s: nothing of it is believed", e.Host, most)
}

func size(n int64) string {
	switch {
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", n>>10)
	default:
		return fmt.Sprintf("%d bytes", n)
	}
}

// DeadlineError is a request whose answer was not whole in time. It is a
// [net.Error] that timed out.
type DeadlineError struct {
	Host  string
	After time.Duration
}

// Error names the host and the time.
func (e *DeadlineError) Error() string {
	return fmt.Sprintf("%s gave no whole answer within %s", e.Host, e.After)
}

// Timeout is true.
func (e *DeadlineError) Timeout() bool { return true }

// Temporary is true.
func (e *DeadlineError) Temporary() bool { return true }

// EncodingError is an answer that is compressed though nobody asked, or asked
// past net/http, so that its length cannot be counted.
type EncodingError struct{ Host, Encoding string }

// Error names the host and the encoding.
func (e *EncodingError) Error() string {
	return fmt.Sprintf("%s answered in the encoding %q, which is not read: its length cannot be counted", e.Host, e.Encoding)
}

// RedirectError is a redirect that is not followed.
type RedirectError struct {
	Method   string // of the request that was redirected
	From, To string
}

// Error says from where to where.
func (e *RedirectError) Error() string {
	return fmt.Sprintf("%s redirects a %s to %s, which is not followed: credentials and effects are for the host that was asked", e.From, e.Method, e.To)
}
