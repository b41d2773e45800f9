package googleapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/googleapi"
	"sluice/internal/sandbox/kit"
)

type shop struct {
	Name  string `json:"name"`
	Owner string `json:"owner"`
}

// newAPI serves shops, each with the same methods as Google's own.
func newAPI() *googleapi.API {
	shops := map[string]*shop{}
	for i, owner := range []string{"me", "you", "me", "me"} {
		name := fmt.Sprintf("projects/p/locations/l/shops/s%d", i)
		shops[name] = &shop{name, owner}
	}
	find := func(c *googleapi.Call) (*shop, error) { return googleapi.Find(shops, c.Name) }
	return &googleapi.API{Prefix: "/v1/", Scope: "projects/*/locations/*", Methods: googleapi.Methods{
		"GET shops":   {Query: []string{"filter", "orderBy", "pageSize", "pageToken"}, Serve: googleapi.List(&shops, "shops", &googleapi.Sizes{Usual: 2, Most: 3}, kit.Whole)},
		"GET shops/*": {Serve: googleapi.Get(&shops, kit.Whole)},
		"POST shops/*:sell": {Serve: kit.Changing(find, func(_ *googleapi.Call, s *shop, in *struct{ To string }) (any, error) {
			s.Owner = in.To
			return s, nil
		})},
	}}
}

func ask(t *testing.T, api *googleapi.API, method, path, body string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	api.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body)))
	return w.Code, strings.TrimSpace(w.Body.String())
}

func TestAPI(t *testing.T) {
	const at = "/v1/projects/p/locations/l/shops"
	for _, want := range []struct {
		method, path, body string
		code               int
		words              string
	}{
		{"GET", at + "/s1", "", 200, `"owner":"you"`},
		{"GET", at + "/s9", "", 404, "Resource 'projects/p/locations/l/shops/s9' was not found"},
		{"GET", at + "/s1?color=blue", "", 400, `Unknown name \"color\"`},
		{"POST", at + "/s1:sell", `{"to":"them"}`, 200, `"owner":"them"`},
		{"POST", at + "/s1:sell", `{"colour":"blue"}`, 400, "INVALID_ARGUMENT"},
		{"POST", at + "/s9:sell", `{"to":"them"}`, 404, "NOT_FOUND"},
		{"DELETE", at + "/s1", "", 404, "the sandbox does not serve DELETE " + at + "/s1"},
		{"GET", "/v2/projects/p/locations/l/shops/s1", "", 404, "the sandbox does not serve"},
		{"GET", at + "//", "", 404, "the sandbox does not serve"},
		{"GET", "/v1/organizations/p/locations/l/shops", "", 404, "the sandbox does not serve"},
		{"GET", at + "?pageSize=-1", "", 400, "Invalid page size"},
		{"GET", at + "?pageToken=AAAA", "", 400, "Invalid page token"},
		{"GET", at + "?filter=owner=", "", 400, "Invalid filter"},
		{"GET", at + "?orderBy=owner+sideways", "", 400, "Invalid order by"},
	} {
		code, body := ask(t, newAPI(), want.method, want.path, want.body)
		if code != want.code || !strings.Contains(body, want.words) {
			t.Errorf("%s %s %s: %d %s, want %d %q", want.method, want.path, want.body, code, body, want.code, want.words)
		}
	}
}

// Pages follow one another until nothing is left, filtered and in the order asked for. A
// token is good for the list it came from alone.
func TestPages(t *testing.T) {
	const list = "/v1/projects/p/locations/-/shops?filter=owner%3Dme&orderBy=name+desc"
	var names []string
	token := ""
	for range 3 {
		_, body := ask(t, newAPI(), "GET", list+"&pageToken="+token, "")
		var page struct {
			Shops         []shop
			NextPageToken string
		}
		if err := json.Unmarshal([]byte(body), &page); err != nil {
			t.Fatalf("%v in %s", err, body)
		}
		for _, s := range page.Shops {
			names = append(names, s.Name[len(s.Name)-2:])
		}
		if page.NextPageToken == "" {
			break
		}
		token = page.NextPageToken
		if code, _ := ask(t, newAPI(), "GET", "/v1/projects/p/locations/l/shops?pageToken="+token, ""); code != 400 {
			t.Errorf("another list takes the token: %d", code)
		}
	}
	if got := strings.Join(names, " "); got != "s3 s2 s0" {
		t.Errorf("all pages have %q", got)
	}
}

// Google's older APIs say a reason where the newer ones say a status.
func TestRefusals(t *testing.T) {
	for reasons, want := range map[bool]string{false: `"status":"PERMISSION_DENIED"`, true: `"reason":"forbidden"`} {
		w := httptest.NewRecorder()
		api := &googleapi.API{Reasons: reasons}
		api.Refuse(w, sandbox.Denied, googleapi.Words{Denied: "no"})
		if w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), want) || !strings.Contains(w.Body.String(), `"message":"no"`) {
			t.Errorf("reasons %t: %d %s", reasons, w.Code, w.Body)
		}
	}
}
