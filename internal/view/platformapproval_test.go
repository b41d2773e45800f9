package view

import (
	"errors"
	"strings"
	"testing"

	"sluice/internal/ledger"
	"sluice/rollout"
)

// What the platform asks for by itself comes after the file's approval, whose
// approvers have spoken: it is told as another one.
func TestPlatformsOwnApproval(t *testing.T) {
	record := &rollout.Record{Target: "api"}
	state := &ledger.State{Records: map[string]*rollout.Record{"api": record}}
	e := &rollout.Execution{Spec: rollout.Spec{Approval: &rollout.ApprovalSpec{Approvers: []string{"octocat"}, Quorum: 1}}, Approvals: []rollout.Decision{{Approve: true, Actor: "octocat"}}}
	told := View{}.tell(state)
	ours := told.approval(record, e, rollout.Waiting{Approval: e.Spec.Approval})
	if got, want := ours.what(), "waits for approval by octocat (octocat did)"; got != want {
		t.Errorf("ours: %q, want %q", got, want)
	}
	theirs := told.approval(record, e, rollout.Waiting{Approval: e.Spec.Approval, State: rollout.StatePendingApproval})
	if got, want := theirs.what(), "waits for approval on the platform itself by octocat"; got != want {
		t.Errorf("the platform's: %q, want %q", got, want)
	}
}

// What a plan says of the platform's own approval, and that it could not be read.
func TestPlannedPlatformApproval(t *testing.T) {
	for want, plan := range map[string]TargetPlan{
		"": {},
		"on the platform itself could not be read: 403, PERMISSION_DENIED": asking(false, errors.New("403, PERMISSION_DENIED")),
		"on the platform itself is asked for, too":                         asking(true, nil),
	} {
		if got := plan.PlatformApproval.text(); !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%+v is told as %q, want %q", plan.PlatformApproval, got, want)
		}
	}
	if got := asking(false, nil).PlatformApproval.text(); got != "" {
		t.Errorf("one that is not asked for is told: %q", got)
	}
}

func asking(asks bool, err error) TargetPlan {
	var plan TargetPlan
	plan.Approves(asks, err)
	return plan
}
