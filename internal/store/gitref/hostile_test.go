package gitref_test

import (
	"net/http"
	"strings"
	"testing"

	"sluice/internal/actions"
	"sluice/internal/store"
	"sluice/internal/store/gitref"
	"sluice/internal/store/gitref/gitreftest"
	"sluice/internal/store/limit"
	"sluice/internal/store/storetest"
	"sluice/internal/work"
)

func TestHostile(t *testing.T) {
	storetest.Hostile(t, func(*testing.T) storetest.Service {
		f := gitreftest.New()
		return storetest.Service{
			Open: func(t *testing.T, wrap func(http.RoundTripper) http.RoundTripper) store.Store {
				return limit.New(open(t, gitref.Options{Run: run, GitHub: func() (*actions.Client, error) {
					return actions.NewClient(actions.ClientConfig{Repository: gitreftest.Repository, Token: gitreftest.Token, Transport: wrap(f)})
				}}), work.Clock{}, limit.Within(limit.Call))
			},
			Label: func(r *http.Request) string {
				kind, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/repos/"+gitreftest.Repository+"/git/"), "/")
				return r.Method + " " + kind
			},
			Reads:   func(r *http.Request) bool { return r.Method == http.MethodGet },
			Leads:   func(r *http.Request) bool { return strings.Contains(r.URL.Path, "/tarball/") },
			Saves:   f.Writes,
			Secrets: []string{gitreftest.Token},
		}
	})
}
