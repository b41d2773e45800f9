package view

import (
	"slices"
	"testing"
	"time"

	"sluice/analysis"
	"sluice/rollout"
)

// TestPlannedChecks: a plan says job by job what would be checked, and what that
// needs.
func TestPlannedChecks(t *testing.T) {
	metric := rollout.Gate{DryRun: true, Metric: &analysis.Metric{
		Source: analysis.Source{CloudWatch: &analysis.CloudWatch{CloudWatchMetric: analysis.CloudWatchMetric{Metric: "5XXError", Stat: "Average"}}},
		Limits: analysis.Limits{Condition: analysis.Condition{Op: "<", Bound: 0.01}},
	}}
	spec := rollout.Spec{
		SoakUntil: time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC),
		Gates: rollout.Gates{
			Predeploy: []rollout.Gate{{Alarms: &analysis.Alarms{Prefix: "api-"}, StageScope: true}},
			Verify:    []rollout.Gate{{Run: []string{"smoke"}}},
			Analysis:  []rollout.Gate{metric},
		},
	}
	want := []string{
		"predeploy: alarms api-*, once for the stage; needs cloudwatch:DescribeAlarms",
		`verify: run ["smoke"]`,
		"analysis: metric 5XXError Average < 0.01, every 10m, dry run: enforces nothing; needs cloudwatch:GetMetricData",
		"soak: not before 2026-01-01T12:00:00Z",
	}
	got := plannedChecks([]rollout.Transition{rollout.Cancel{}, rollout.Create{Spec: spec}})
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}
