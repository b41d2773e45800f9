package app_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strconv"
	"testing"
)

// nulled makes null of the fields that a vendor's API may leave so, wherever they are.
func nulled(v any, names []string, count *int) any {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			if slices.Contains(names, name) {
				v[name] = nil
				*count++
				continue
			}
			v[name] = nulled(inner, names, count)
		}
	case []any:
		for i := range v {
			v[i] = nulled(v[i], names, count)
		}
	}
	return v
}

// TestFieldsThatAreNull: apps and releases whose fields are null, as a platform's
// schema allows, promote like any others.
func TestFieldsThatAreNull(t *testing.T) {
	w := newWorld(t, fleet())
	target, err := url.Parse(w.platforms.Env()["HEROKU_HOST"])
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"region", "team", "owner", "space", "released_at", "slug_size", "buildpack_provided_description", "user", "description"}
	count := 0
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target); r.Out.Header.Del("Accept-Encoding") },
		ModifyResponse: func(answer *http.Response) error {
			text, err := io.ReadAll(answer.Body)
			if err != nil {
				return err
			}
			var body any
			if json.Unmarshal(text, &body) == nil {
				if text, err = json.Marshal(nulled(body, names, &count)); err != nil {
					return err
				}
			}
			answer.Body = io.NopCloser(bytes.NewReader(text))
			answer.ContentLength = int64(len(text))
			answer.Header.Set("Content-Length", strconv.Itoa(len(text)))
			return nil
		},
	}
	in := job{run: 7, env: map[string]string{"HEROKU_HOST": listen(t, proxy).URL}}
	store := w.stores()["file"]
	w.wants(t, 0, "promote: succeeded", in, "promote", "--to", "production", "--component", "web", "--store", store)
	w.wants(t, 0, "SUCCEEDED", in, "status", "--store", store, "--target", "web-0")
	w.wants(t, 0, "rollback: succeeded", in, "rollback", "--target", "web-0", "--store", store)
	if count == 0 {
		t.Error("no field was null: the test would prove nothing")
	}
}
