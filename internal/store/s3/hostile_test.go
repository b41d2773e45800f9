package s3_test

import (
	"net/http"
	"testing"

	"sluice/internal/store"
	"sluice/internal/store/limit"
	"sluice/internal/store/s3/s3test"
	"sluice/internal/store/storetest"
	"sluice/internal/work"
)

func TestHostile(t *testing.T) {
	storetest.Hostile(t, func(*testing.T) storetest.Service {
		f := s3test.New()
		return storetest.Service{
			Open: func(t *testing.T, wrap func(http.RoundTripper) http.RoundTripper) store.Store {
				o := options(f)
				o.Transport = wrap(f)
				o.Getenv = environ(map[string]string{"AWS_SESSION_TOKEN": "session-token"})
				return limit.New(open(t, o), work.Clock{}, limit.Within(limit.Call))
			},
			Label: func(r *http.Request) string {
				if r.URL.Query().Get("list-type") != "" {
					return r.Method + " list"
				}
				return r.Method + " object"
			},
			Reads:   func(r *http.Request) bool { return r.Method == http.MethodGet },
			Leads:   func(*http.Request) bool { return false },
			Saves:   f.Writes,
			Secrets: []string{"very-secret-key", "session-token"},
		}
	})
}
