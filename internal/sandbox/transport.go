package sandbox

import (
	"fmt"
	"io"
	"net/http"
)

// Transport answers requests to the server's addresses in this process: as the
// server does, faults included, but over no connection. It is for tests that make
// many requests, or that wait in a testing/synctest bubble, which a connection
// leaves. It is safe for concurrent use.
func (s *Server) Transport() http.RoundTripper { return inProcess{s} }

type inProcess struct{ server *Server }

// RoundTrip implements [http.RoundTripper].
func (t inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	g := t.server.hosts[r.URL.Host]
	if g == nil {
		return nil, fmt.Errorf("sandbox: nothing is served at %s", r.URL.Host)
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	served := r.Clone(r.Context())
	served.RequestURI = r.URL.RequestURI()
	if served.Host == "" {
		served.Host = r.URL.Host
	}
	if served.Body == nil {
		served.Body = http.NoBody
	}
	a := &answer{header: http.Header{}}
	cut := g.cutting(a, served)
	served.Body.Close() //nolint:errcheck // a round tripper closes it whatever happens
	if cut {
		return nil, io.ErrUnexpectedEOF
	}
	a.WriteHeader(http.StatusOK) // where nobody said anything
	return &http.Response{
		StatusCode: a.status, Status: fmt.Sprintf("%d %s", a.status, http.StatusText(a.status)),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: a.header,
		ContentLength: int64(a.body.Len()), Body: io.NopCloser(&a.body), Request: r,
	}, nil
}

// cutting serves r, and reports whether its connection would have been cut.
func (g *gate) cutting(w http.ResponseWriter, r *http.Request) (cut bool) {
	defer func() {
		switch v := recover(); v {
		case nil:
		case http.ErrAbortHandler:
			cut = true
		default:
			panic(v)
		}
	}()
	g.ServeHTTP(w, r)
	return false
}
