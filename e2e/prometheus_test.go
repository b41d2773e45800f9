package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluice/analysis"
	"sluice/internal/check"
	"sluice/rollout"
)

// TestRealPrometheus: a Prometheus of Debian's that scrapes itself answers the checks
// as its emulator does.
func TestRealPrometheus(t *testing.T) {
	t.Parallel()
	needProgram(t, "prometheus")
	address := startPrometheus(t)
	look := func(query, condition string, span analysis.Span) analysis.Sample {
		t.Helper()
		c, err := analysis.ParseCondition(condition)
		if err != nil {
			t.Fatal(err)
		}
		g := rollout.Gate{Metric: &analysis.Metric{
			Source: analysis.Source{Prometheus: &analysis.Prometheus{URL: address, Query: query, Span: span}}, Limits: analysis.Limits{Condition: c},
		}}
		now := time.Now()
		return (&check.Runner{}).Look(t.Context(), g, check.Vars{}, analysis.Window{Begin: now.Add(-time.Minute), Now: now, End: now.Add(time.Hour), Interval: time.Minute})
	}
	scraped := func() bool { return look("up", "== 1", analysis.Span{}).Verdict == analysis.Passed }
	for end := time.Now().Add(30 * time.Second); !scraped(); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it never scraped itself: %+v", look("up", "== 1", analysis.Span{}))
		}
	}
	over := analysis.Span{Range: analysis.Duration(time.Minute), Step: analysis.Duration(time.Second)}
	for name, c := range map[string]struct {
		query, condition string
		span             analysis.Span
		want             analysis.Verdict
		text             string
	}{
		"a vector":           {"up", "< 2", analysis.Span{}, analysis.Passed, ""},
		"it fails":           {"up", "> 1", analysis.Span{}, analysis.Failed, "1 is not > 1"},
		"a scalar":           {"scalar(up)", "== 1", analysis.Span{}, analysis.Passed, ""},
		"a range":            {"up", "== 1", over, analysis.Passed, ""},
		"nothing":            {"no_such_metric", "< 1", analysis.Span{}, analysis.Inconclusive, "no series"},
		"nothing in a range": {"no_such_metric", "< 1", over, analysis.Inconclusive, "no series"},
		"0/0":                {"vector(0)/vector(0)", "< 1", analysis.Span{}, analysis.Inconclusive, "NaN"},
		"1/0":                {"vector(1)/vector(0)", "> 1", analysis.Span{}, analysis.Inconclusive, "+Inf"},
		"a wrong query":      {"up{", "< 1", analysis.Span{}, analysis.Inconclusive, "bad_data"},
		"text":               {`"text"`, "< 1", analysis.Span{}, analysis.Inconclusive, "not numbers"},
	} {
		if got := look(c.query, c.condition, c.span); got.Verdict != c.want || !strings.Contains(got.Text, c.text) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// startPrometheus serves a Prometheus that scrapes itself every second.
func startPrometheus(t *testing.T) string {
	t.Helper()
	host, dir := freeHost(t), t.TempDir()
	config := filepath.Join(dir, "prometheus.yml")
	text := fmt.Sprintf("global: {scrape_interval: 1s}\nscrape_configs:\n  - {job_name: self, static_configs: [{targets: [%q]}]}\n", host)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	serve(t, "http://"+host+"/-/ready", nil, "prometheus", "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+host)
	return "http://" + host
}
