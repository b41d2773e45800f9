package deploymentmanager_test

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"sluice/internal/sandbox/deploymentmanager"
	"sluice/internal/sandbox/sandboxtest"
)

// FuzzRequest: no request breaks the emulator, and what it refuses changes
// nothing.
func FuzzRequest(f *testing.F) {
	f.Add("GET", "shop-1234/global/deployments", "maxResults=1&pageToken=1", "")
	f.Add("POST", "shop-1234/global/deployments", "preview=True", `{"name":"x","target":{"config":{"content":"a"}}}`)
	f.Add("PUT", "shop-1234/global/deployments/prod", "", `{"fingerprint":"","target":null}`)
	f.Add("GET", "shop-1234/global/deployments/prod/manifests/x/y", "", "")
	f.Fuzz(func(t *testing.T, method, path, query, body string) {
		e := deploymentmanager.New(func() time.Time { return time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC) })
		config := map[string]string{"project": "shop-1234", "deployment": "prod"}
		if err := e.Seed(sandboxtest.Pipeline(t, "deploymentmanager", []sandboxtest.Target{{Name: "prod", Config: config}})); err != nil {
			t.Fatal(err)
		}
		before, err := e.Save()
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/", strings.NewReader(body))
		r.Method, r.URL = method, &url.URL{Path: "/deploymentmanager/v2/projects/" + path, RawQuery: query}
		e.Classify(r, []byte(body))
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		after, err := e.Save()
		if err != nil {
			t.Fatal(err)
		}
		if w.Code >= 400 && string(before) != string(after) {
			t.Errorf("a refused request (%d) changed %s", w.Code, after)
		}
	})
}
