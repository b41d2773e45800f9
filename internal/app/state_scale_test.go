package app_test

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// many is a pipeline of n targets with a canary.
func many(n int) string {
	var b strings.Builder
	b.WriteString(`name: shop
stages:
  - name: staging
    targets:
      - {name: api-staging, component: api, apigateway: {restApi: a1b2c3d4e5, stage: staging, region: eu-west-1}}
  - name: production
    targets:
`)
	for i := range n {
		fmt.Fprintf(&b, "      - {name: api-%d, component: api, apigateway: {restApi: a1b2c3d4e5, stage: prod-%d, region: eu-west-1}, strategy: {canary: {percentages: [10, 50], wait: 1s, disable: true}}}\n", i, i)
	}
	return b.String()
}

// TestScale: what a promotion of many targets with a canary costs GitHub stays within
// what a job has.
func TestScale(t *testing.T) {
	if os.Getenv("SLUICE_SCALE") == "" {
		t.Skip("it takes minutes; SLUICE_SCALE=1 runs it")
	}
	t.Run("artifact", func(t *testing.T) {
		const targets = 1000
		w := newWorld(t, many(targets))
		w.artifacts.Meter.Enforce = true
		w.artifacts.Slow = func(*http.Request) time.Duration { return 50 * time.Millisecond }
		w.wants(t, 0, "promote: succeeded", job{run: 7}, "promote", "--to", "production", "--store", "artifact", "--concurrency", "32")
		made, rest := len(w.artifacts.Artifacts()), w.artifacts.Meter.Total()
		t.Logf("%d targets: %d artifacts, %d REST requests: %v", targets, made, rest, w.artifacts.Meter.Counts())
		if made > 200 || rest > 20 {
			t.Errorf("%d artifacts, %d REST requests; want at most 200 and 20", made, rest)
		}
	})
	t.Run("git", func(t *testing.T) {
		const targets = 100
		w := newWorld(t, many(targets))
		w.git.Meter.Enforce = true
		w.wants(t, 0, "promote: succeeded", job{run: 7}, "promote", "--to", "production", "--store", "git", "--concurrency", "32")
		t.Logf("%d targets: %d requests: %v", targets, w.git.Meter.Total(), w.git.Meter.Counts())
		if n := w.git.Meter.Total(); n > 200 {
			t.Errorf("%d requests; want at most 200", n)
		}
	})
}
