package prometheus_test

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/prometheus/client_golang/api"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"sluice/internal/sandbox/metrics"
	"sluice/internal/sandbox/prometheus"
)

// TestClient: Prometheus's own client reads what the emulator answers: vectors,
// scalars, matrices, an empty vector and an error.
func TestClient(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	e := prometheus.New(func() time.Time { return now })
	e.Answer("up", metrics.Series{Labels: map[string]string{"job": "api"}, Value: metrics.Steady(0.5)})
	e.Answer("late", metrics.Series{Value: metrics.Steady(1), Late: 5 * time.Minute})
	e.Answer("older", metrics.Series{Value: metrics.Steady(1), Late: 6 * time.Minute})
	e.Answer("much", metrics.Series{Value: metrics.Steady(1), Throttled: true})
	e.Scalar("0/0", 1)
	server := httptest.NewServer(e)
	defer server.Close()
	client, err := api.NewClient(api.Config{Address: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	asks := v1.NewAPI(client)
	query := func(q string) model.Value {
		t.Helper()
		v, _, _, err := asks.Query(t.Context(), q, now)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	if v, ok := query("up").(model.Vector); !ok || len(v) != 1 || v[0].Value != 0.5 || v[0].Metric["job"] != "api" {
		t.Errorf("vector: %v", v)
	}
	if v, ok := query("nothing").(model.Vector); !ok || len(v) != 0 {
		t.Errorf("no series: %v", v)
	}
	if v, ok := query("older").(model.Vector); !ok || len(v) != 0 {
		t.Errorf("a value that is older than what an instant query looks back: %v", v)
	}
	if v, _, _, err := asks.Query(t.Context(), "much", now); err == nil {
		t.Errorf("what is throttled is answered: %v", v)
	}
	if v, ok := query("0/0").(*model.Scalar); !ok || v.Value != 1 {
		t.Errorf("scalar: %v", v)
	}
	for q, points := range map[string]int{"up": 11, "late": 6} {
		v, _, _, err := asks.QueryRange(t.Context(), q, v1.Range{Start: now.Add(-10 * time.Minute), End: now, Step: time.Minute})
		m, ok := v.(model.Matrix)
		if err != nil || !ok || len(m) != 1 || len(m[0].Values) != points {
			t.Errorf("%s over a range: %v, %v", q, v, err)
		}
	}
	e.Throttle(1)
	if _, _, _, err := asks.Query(t.Context(), "up", now); err == nil {
		t.Error("an error is read as an answer")
	}
}
