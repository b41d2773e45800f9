package view

import (
	"fmt"
	"testing"

	"sluice/internal/executor"
	"sluice/internal/planner"
	"sluice/rollout"
	"sluice/stages/driver"
)

// BenchmarkResult tells of fleets of which every target waits because one failed:
// the time a target stays the same.
func BenchmarkResult(b *testing.B) {
	for _, n := range []int{100, 1000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			v, plan, result := halted(b, n)
			b.ResetTimer()
			for b.Loop() {
				if out := v.Result(nothing(), plan, result); len(out.Targets) != n || out.Targets[n-1].WaitingFor == nil {
					b.Fatalf("%d targets, the last waits for %v", len(out.Targets), out.Targets[n-1].WaitingFor)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "µs/target")
		})
	}
}

// halted is a promotion whose first target failed.
func halted(b *testing.B, n int) (View, planner.Plan, executor.Result) {
	p := &rollout.Promotion{ID: "p-1", Stage: "production", CreateTime: t0, OnFailure: rollout.OnFailureHalt}
	result := executor.Result{Promotions: map[string]*rollout.Promotion{"p-1": p}}
	plan := planner.Plan{Command: rollout.CommandPromote, Promotion: rollout.Promotion{ID: "p-1"}}
	for i := range n {
		name := fmt.Sprintf("t%d", i)
		r := rollout.New("shop", driver.Target{Name: name, Stage: "production", Platform: "here"})
		spec := rollout.Spec{Promotion: "p-1", Command: rollout.CommandPromote, Target: driver.Target{Name: name}, Release: driver.Release{ID: "r2"}, Phases: rollout.PhasesOf(nil, false)}
		if err := rollout.Apply(&r, rollout.Create{Spec: spec}, t0); err != nil {
			b.Fatal(err)
		}
		p.Members = append(p.Members, name)
		plan.Moves = append(plan.Moves, planner.Move{Target: name})
		result.Rows = append(result.Rows, executor.RowResult{Target: name, Record: &r})
	}
	first := result.Rows[0].Record
	rollout.Settle(first, nil, rollout.Setting{}, t0)
	due := rollout.Next(first, nil, rollout.Setting{}, t0)
	if err := rollout.Apply(first, rollout.Refuse{Due: due, Cause: rollout.ExecutionFailed, Message: "no"}, t0); err != nil {
		b.Fatal(err)
	}
	rollout.Settle(first, nil, rollout.Setting{}, t0)
	p.Halted = &rollout.Halt{By: "t0", Rollout: "r2-to-t0-0001", At: t0}
	return View{Now: t0, Run: "mine"}, plan, result
}
