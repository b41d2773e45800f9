package app_test

import (
	"encoding/pem"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestDebugEndsWithTheRequests: what --debug shows ends with how many requests there
// were, by kind, to the platforms and the store alike.
func TestDebugEndsWithTheRequests(t *testing.T) {
	w := newWorld(t, shop)
	for _, store := range []string{"git", "artifact", "s3"} {
		before := len(w.platforms.Requests()) + len(w.git.Requests) + len(w.artifacts.Requests()) + len(w.bucket.Requests)
		got := w.wants(t, 0, "", job{run: 7}, "promote", "--to", "production", "--debug", "--store", w.stores()[store])
		asked := len(w.platforms.Requests()) + len(w.git.Requests) + len(w.artifacts.Requests()) + len(w.bucket.Requests) - before
		_, list, found := strings.Cut(got.stderr, "  requests: ")
		lines := strings.Split(strings.TrimSpace(list), "\n")
		total, err := strconv.Atoi(lines[0])
		if !found || err != nil || total != asked {
			t.Fatalf("%s: there were %d requests: %v %s", store, asked, err, got)
		}
		sum := 0
		line := regexp.MustCompile(`^\d\d:\d\d:\d\d  (\d+) (GET|PUT|POST|PATCH|DELETE) \S+$`)
		for _, l := range lines[1:] {
			m := line.FindStringSubmatch(l)
			if m == nil {
				t.Fatalf("%s: a line %q in\n%s", store, l, list)
			}
			n, err := strconv.Atoi(m[1])
			if err != nil {
				t.Fatal(err)
			}
			sum += n
		}
		if sum != total {
			t.Errorf("%s: the kinds have %d of %d:\n%s", store, sum, total, list)
		}
	}
	if got := w.wants(t, 0, "", job{run: 8}, "status", "--store", "git"); strings.Contains(got.stderr, "requests: ") {
		t.Errorf("without --debug: %s", got)
	}
}

// TestDebugWithABundle: --debug works where AWS_CA_BUNDLE says whom to trust, for the
// platform and for the state.
func TestDebugWithABundle(t *testing.T) {
	w := newWorld(t, shop)
	secure := func(address string) *httptest.Server {
		target, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewTLSServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target); r.Out.Host = r.In.Host }})
		t.Cleanup(server.Close)
		return server
	}
	gateway, bucket := secure(w.platforms.Env()["AWS_ENDPOINT_URL_API_GATEWAY"]), secure(w.s3.URL)
	in := job{run: 7, env: map[string]string{"AWS_ENDPOINT_URL_API_GATEWAY": gateway.URL, "AWS_ENDPOINT_URL_S3": bucket.URL}}
	promote := []string{"promote", "--to", "production", "--target", "eu", "--store", w.stores()["s3"]}
	w.wants(t, 6, "certificate", in, append(promote, "--wait-budget", "1s")...)
	bundle := filepath.Join(t.TempDir(), "bundle.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: gateway.Certificate().Raw}) // of all test servers
	if err := os.WriteFile(bundle, text, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_CA_BUNDLE", bundle)
	got := w.wants(t, 0, "promote: succeeded", in, append(promote, "--debug")...)
	for _, want := range []string{gateway.URL + "/restapis/", bucket.URL + "/acme-state/teams/shop"} {
		if !strings.Contains(got.stderr, want) {
			t.Errorf("no request to %s is shown: %s", want, got)
		}
	}
}
