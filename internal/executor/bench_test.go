package executor_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"sluice/analysis"
	"sluice/internal/check"
	"sluice/internal/executor"
	"sluice/internal/ledger"
	"sluice/internal/store/storetest"
	"sluice/internal/work"
	"sluice/rollout"
	"sluice/stages/driver"
)

// quickly is a platform that takes a time for every answer and does what it is
// told.
type quickly struct {
	*fake
	lag time.Duration
}

func (q quickly) Prepare(_ context.Context, c driver.Call) (driver.Prepared, error) {
	time.Sleep(q.lag)
	return driver.Prepared{Call: c}, nil
}

func (q quickly) Begin(_ context.Context, c driver.Call) (driver.Operation, error) {
	time.Sleep(q.lag)
	op := driver.Operation{Status: driver.Done, Results: map[string]driver.Result{}}
	for _, change := range c.Changes {
		op.Results[change.Target.Name] = driver.Result{Outcome: driver.Succeeded, Release: change.Release}
	}
	return op, nil
}

// checksPass run nothing.
type checksPass struct{}

func (checksPass) Look(context.Context, rollout.Gate, check.Vars, analysis.Window) analysis.Sample {
	return analysis.Pass("")
}
func (checksPass) Preflight(rollout.Gate) error                        { return nil }
func (checksPass) Run(context.Context, rollout.Gate, check.Vars) error { return nil }

// BenchmarkPromotion promotes many targets, 64 at once, at 50 ms a request. Ratio
// is to the ideal: two requests a target (Prepare and Begin) and nothing else. The
// store is in memory.
func BenchmarkPromotion(b *testing.B) {
	for _, n := range []int{1000, 10_000} {
		b.Run(fmt.Sprintf("targets=%d", n), func(b *testing.B) {
			const lag, places = 50 * time.Millisecond, 64
			ideal := time.Duration((n+places-1)/places) * 2 * lag
			for b.Loop() {
				begun := time.Now()
				promoteMany(b, n, places, lag)
				b.ReportMetric(float64(time.Since(begun))/float64(ideal), "ratio")
			}
		})
	}
}

func promoteMany(b *testing.B, n, places int, lag time.Duration) {
	w := &world{targets: map[string]driver.Target{}, platform: newFake()}
	for _, name := range many(n) {
		w.add("plain", name)
	}
	wk := work.Begin(b.Context(), work.Clock{}, work.Limits{Places: places})
	defer wk.End()
	l := ledger.Open(b.Context(), ledger.Config{Store: storetest.NewMemory(), Pipeline: "shop", Run: rollout.Run{ID: "run"}, Work: wk})
	state, err := l.Load(b.Context(), w.order...)
	if err != nil {
		b.Fatal(err)
	}
	c := executor.Config{Pipeline: "shop", Run: "run", Platform: quickly{w.platform, lag}, Checks: checksPass{}, Ledger: l, Work: wk}
	fresh := func(target string) rollout.Record { return rollout.New("shop", w.targets[target]) }
	r := executor.Run(b.Context(), c, state, fresh, w.plan(promotion{}))
	if err := l.Close(); err != nil || r.Err != nil {
		b.Fatal(r.Err, err)
	}
	for _, one := range r.Rows {
		if x, ok := one.Record.Newest(); !ok || x.Rollout.State != rollout.StateSucceeded {
			b.Fatalf("%s: %v", one.Target, one.Err)
		}
	}
}
