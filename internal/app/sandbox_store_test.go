package app

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"sluice/internal/store/s3/s3test"
)

// TestSandboxBesideARealStore: with --sandbox the platforms are the emulators', and
// the store is the user's: it is asked with the user's own keys and region.
func TestSandboxBesideARealStore(t *testing.T) {
	var mu sync.Mutex
	signed := map[string]int{} // by key, region and session token
	bucket := s3test.New()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, scope, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
		parts := strings.Split(scope, "/")
		mu.Lock()
		if len(parts) > 2 {
			signed[parts[0]+" "+parts[2]+" "+r.Header.Get("X-Amz-Security-Token")]++
		}
		mu.Unlock()
		bucket.ServeHTTP(w, r)
	}))
	defer server.Close()
	t.Chdir(t.TempDir())
	file := filepath.Join(t.TempDir(), "sluice.yaml")
	text := `name: shop
stages:
  - name: staging
    targets: [{name: api-staging, apigateway: {restApi: a1b2c3d4e5, stage: staging, region: eu-west-1}}]
  - name: production
    targets: [{name: api, apigateway: {restApi: a1b2c3d4e5, stage: prod, region: eu-west-1}}]
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr strings.Builder
	code := Main(t.Context(), Process{
		Args:   []string{"promote", "--sandbox", "--to", "production", "--file", file, "--store", "s3://" + s3test.Bucket + "/teams"},
		Stdout: &stdout, Stderr: &stderr,
		Environ: []string{
			"AWS_ENDPOINT_URL_S3=" + server.URL, "AWS_ACCESS_KEY_ID=" + s3test.AccessKeyID, "AWS_SECRET_ACCESS_KEY=very-secret-key",
			"AWS_SESSION_TOKEN=of-the-user", "AWS_REGION=eu-north-1", "HOME=" + t.TempDir(),
		},
	})
	if code != 0 {
		t.Fatalf("exit %d\n%s\n%s", code, &stdout, &stderr)
	}
	mu.Lock()
	defer mu.Unlock()
	if own := s3test.AccessKeyID + " eu-north-1 of-the-user"; len(signed) != 1 || signed[own] == 0 {
		t.Errorf("the store was asked as %v, want %s alone", signed, own)
	}
}
