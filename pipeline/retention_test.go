package pipeline_test

import (
	"strings"
	"testing"
	"time"

	"sluice/pipeline"
)

// TestOutlasting: what may wait for longer than artifacts are kept is told with its
// place and the date; what may not is none.
func TestOutlasting(t *testing.T) {
	const text = `name: shop
stages:
  - name: staging
    targets:
      - {name: s, alpha: {id: s}}
  - name: production
    soak: %WAIT
    waves: {sizes: [1, 100%], wait: %WAIT}
    approval: {required: true, approvers: [octocat, hubot], timeout: %WAIT}
    targets:
      - {name: t, alpha: {id: t}, timeout: 1000h, strategy: {canary: {percentages: [10], wait: %WAIT}}}
policies:
  - {name: freeze, stages: [production], deny: {once: {from: 2026-11-01T00:00:00Z, to: %END}}}
`
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		wait, end string
		want      []string
	}{
		"too long":    {"25h", "2026-11-26T13:00:00Z", []string{"approval: timeout (25h0m0s)", "waves: wait (25h0m0s)", "soak (25h0m0s)", "canary: wait (25h0m0s)", `policy "freeze": the window (25h0m0s)`}},
		"just enough": {"24h", "2026-11-26T12:00:00Z", nil},
		"over":        {"1h", "2026-11-02T00:00:00Z", nil},
	} {
		p := parse(t, strings.NewReplacer("%WAIT", c.wait, "%END", c.end).Replace(text))
		found := p.Outlasting(24*time.Hour, now)
		if len(found) != len(c.want) {
			t.Fatalf("%s: %s", name, pipeline.Format(found))
		}
		for i, f := range found {
			if !f.Warning || f.Pos.Line == 0 || !strings.HasPrefix(f.Message, c.want[i]) || !strings.Contains(f.Message, "1 days") || !strings.Contains(f.Message, "on 2026-11-26") {
				t.Errorf("%s: %s, want %s", name, f, c.want[i])
			}
		}
	}
}
