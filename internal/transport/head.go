package transport

import (
	"errors"
	"fmt"
	"io"
	"net/http"
)

const (
	// mostHeads is how many bytes of an answer's status and headers are read.
	mostHeads = 256 << 10
	// mostHead is how long the status or one header may be: clients put them into their
	// errors, redirects most of all.
	mostHead = 16 << 10
	// mostSaid is how long an error of net/http's may be, which quotes what it cannot read.
	mostSaid = 2 << 10
)

// heads is the round tripper of [Heads].
type heads struct{ base http.RoundTripper }

// Heads returns base, nil being a transport of its own as in [New], without the answers
// whose status or one of whose headers is longer than is read of any, and without the
// server's text in errors that are long. [New] does so by itself. The errors are
// [*LimitError] and [*MalformedError], beside those of base.
func Heads(base http.RoundTripper) http.RoundTripper {
	if base == nil {
		base = standard()
	}
	if short, ok := base.(*heads); ok {
		return short
	}
	return &heads{base}
}

// Configure implements [Configurable].
func (h *heads) Configure(change func(*http.Transport)) http.RoundTripper {
	return &heads{Configure(h.base, change)}
}

// RoundTrip sends a request.
func (h *heads) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := h.base.RoundTrip(r)
	if err != nil {
		return nil, unsaid(r.URL.Host, err)
	}
	if !isShort(resp) {
		if resp.Body != nil {
			resp.Body.Close() //nolint:errcheck // it is given up
		}
		return nil, &LimitError{Host: r.URL.Host, Limit: mostHead, Head: true}
	}
	return resp, nil
}

// isShort reports whether no part of an answer's head is too long.
func isShort(resp *http.Response) bool {
	if len(resp.Status) > mostHead {
		return false
	}
	for name, values := range resp.Header {
		for _, value := range values {
			if len(name)+len(value) > mostHead {
				return false
			}
		}
	}
	return true
}

// unsaid is an error that does not quote at length what a server said. It is not cut:
// what is left of a credential would not be known as one.
func unsaid(host string, err error) error {
	if said := len(err.Error()); said > mostSaid && !errors.Is(err, io.EOF) {
		return &MalformedError{Host: host, Said: said, Err: err}
	}
	return err
}

// MalformedError is an answer that is no HTTP, or a certificate that is none of the
// host's, of which net/http says more than is told.
type MalformedError struct {
	Host string
	Said int // bytes
	Err  error
}

// Error names the host.
func (e *MalformedError) Error() string {
	return fmt.Sprintf("%s did not answer as an HTTP server does: what it said is not shown, being %d bytes long", e.Host, e.Said)
}

// Unwrap gives the cause.
func (e *MalformedError) Unwrap() error { return e.Err }
