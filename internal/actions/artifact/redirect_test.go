package artifact_test

import (
	"net/http"
	"testing"

	"sluice/internal/actions/artifact"
	"sluice/internal/actions/artifact/artifacttest"
	"sluice/internal/work"
)

// leadsElsewhere answers every request with a redirect to another host, once it is
// told to, and counts those that went there.
type leadsElsewhere struct {
	next      http.RoundTripper
	on        func(*http.Request) bool // nil for none
	elsewhere int
}

func (l *leadsElsewhere) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host == "elsewhere.example" {
		l.elsewhere++
	}
	if l.on == nil || !l.on(r) {
		return l.next.RoundTrip(r)
	}
	return &http.Response{
		StatusCode: http.StatusFound, Status: "302 Found", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Location": {"https://elsewhere.example/"}}, Body: http.NoBody,
	}, nil
}

// TestRedirects: neither the service nor a signed address leads to another host: a
// redirect is no answer, and nothing is asked there.
func TestRedirects(t *testing.T) {
	both(t, func(t *testing.T, s *artifacttest.Server) {
		way := &leadsElsewhere{next: s.Transport()}
		c, err := artifact.Open(s.Getenv(artifacttest.Run{ID: 7}), way, work.Clock{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		made, err := c.Upload(t.Context(), "state.1", []byte("not really a zip"))
		if err != nil {
			t.Fatal(err)
		}
		way.on = func(r *http.Request) bool { return r.Method == http.MethodPost } // the service
		if list, err := c.List(t.Context(), "state.1"); err == nil {
			t.Errorf("it lists %v", list)
		}
		way.on = func(r *http.Request) bool { return r.Method != http.MethodPost } // signed addresses
		if _, err := c.Upload(t.Context(), "state.2", []byte("another")); err == nil {
			t.Error("it uploads")
		}
		if text, err := c.Download(t.Context(), made, 1<<20); err == nil {
			t.Errorf("it downloads %.40q", text)
		}
		if way.elsewhere > 0 {
			t.Errorf("%d requests went to another host", way.elsewhere)
		}
	})
}
