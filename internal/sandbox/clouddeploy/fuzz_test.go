package clouddeploy_test

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"sluice/internal/sandbox/clouddeploy"
)

// FuzzRequest: no request breaks the emulator, and what it refuses changes
// nothing.
func FuzzRequest(f *testing.F) {
	f.Add("GET", "projects/p/locations/l/deliveryPipelines", `filter=(a="b" AND NOT c:"d") OR e!=f`, "")
	f.Add("POST", "projects/p/locations/l/targets", "targetId=t", `{"multiTarget":{"targetIds":["a"]}}`)
	f.Add("POST", "projects/p/locations/l/deliveryPipelines/d/releases/r/rollouts/x:advance", "", `{"phaseId":"stable"}`)
	f.Add("GET", "projects/p/locations/l/deliveryPipelines/-/releases/-/rollouts", "orderBy=x desc&pageToken=AAAA&pageSize=-1", "")
	f.Fuzz(func(t *testing.T, method, path, query, body string) {
		e := clouddeploy.New(func() time.Time { return time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC) })
		before, err := e.Save()
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/", strings.NewReader(body))
		r.Method, r.URL = method, &url.URL{Path: "/v1/" + path, RawQuery: query}
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
