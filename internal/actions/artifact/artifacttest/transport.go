package artifacttest

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
)

// Transport carries requests to the stand-in within the process. A lost answer
// is a connection that ends early.
func (s *Server) Transport() http.RoundTripper { return inProcess{s} }

type inProcess struct{ server *Server }

func (p inProcess) RoundTrip(r *http.Request) (response *http.Response, err error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if r = r.Clone(r.Context()); r.Body == nil {
		r.Body = http.NoBody // as a server has it
	}
	defer func() {
		if abort, ok := recover().(error); errors.Is(abort, http.ErrAbortHandler) {
			response, err = nil, io.ErrUnexpectedEOF
		} else if ok {
			panic(abort)
		}
	}()
	w := httptest.NewRecorder()
	p.server.ServeHTTP(w, r)
	return w.Result(), nil
}
