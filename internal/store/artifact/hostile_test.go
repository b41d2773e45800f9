package artifact_test

import (
	"net/http"
	"strings"
	"testing"

	"sluice/internal/actions"
	protocol "sluice/internal/actions/artifact"
	"sluice/internal/actions/artifact/artifacttest"
	"sluice/internal/store"
	"sluice/internal/store/artifact"
	"sluice/internal/store/limit"
	"sluice/internal/store/storetest"
	"sluice/internal/work"
)

func TestHostile(t *testing.T) {
	t.Run("a run each", func(t *testing.T) { hostile(t, 1) })
	t.Run("one run", func(t *testing.T) { hostile(t, 0) })
}

// hostile has each handle in a run of its own (1), whose artifacts the REST API
// lists, or all in one (0), whose artifacts the service lists.
func hostile(t *testing.T, each int64) {
	storetest.Hostile(t, func(*testing.T) storetest.Service {
		w := newWorld()
		runs := int64(7)
		return storetest.Service{
			Open: func(t *testing.T, wrap func(http.RoundTripper) http.RoundTripper) store.Store {
				runs += each
				return limit.New(artifact.Open(w.hostileOptions(t, artifacttest.Run{ID: runs}, wrap(w.Transport()))), work.Clock{}, limit.Within(limit.Call))
			},
			Label: artifacttest.Label,
			Reads: func(r *http.Request) bool {
				return r.Method == http.MethodGet || strings.HasSuffix(r.URL.Path, "/ListArtifacts") || strings.HasSuffix(r.URL.Path, "/GetSignedArtifactURL")
			},
			Leads:   func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/zip") },
			Saves:   w.finalised,
			Secrets: []string{artifacttest.Token},
		}
	})
}

// finalised counts the artifacts that ever became visible.
func (w *world) finalised() int {
	n := 0
	for _, a := range w.Artifacts() {
		if a.Finalised {
			n++
		}
	}
	return n
}

// hostileOptions waits as the program does: time is faked.
func (w *world) hostileOptions(t *testing.T, run artifacttest.Run, transport http.RoundTripper) artifact.Options {
	t.Helper()
	getenv := w.Getenv(run)
	o := w.options(t, run)
	o.Runs = func() (*protocol.Client, error) {
		return protocol.New(protocol.Config{ResultsURL: getenv("ACTIONS_RESULTS_URL"), Token: getenv("ACTIONS_RUNTIME_TOKEN"), Transport: transport})
	}
	o.GitHub = func() (*actions.Client, error) {
		return actions.NewClient(actions.ClientConfig{
			APIURL: getenv("GITHUB_API_URL"), Repository: getenv("GITHUB_REPOSITORY"), Token: getenv("GITHUB_TOKEN"), Transport: transport,
		})
	}
	return o
}
