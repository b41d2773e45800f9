package rollout_test

import (
	"encoding/json"
	"testing"

	"sluice/rollout"
)

// TestControllers: the controller of targets that went together is derived from
// all of them, and a failure beside work that remains is HALTED.
func TestControllers(t *testing.T) {
	child := func(target, controller string, state rollout.State, phase rollout.PhaseState) rollout.Record {
		return rollout.Record{Target: target, Rollouts: []rollout.Execution{{Rollout: rollout.Rollout{
			Name: "r1-to-" + target, TargetID: target, State: state, ControllerRollout: controller,
			Phases: []rollout.Phase{{ID: "canary-10", State: phase}, {ID: "stable", State: rollout.PhasePending}},
		}}}}
	}
	controllers := rollout.Controllers([]rollout.Record{
		child("eu", "r1-to-prod", rollout.StateFailed, rollout.PhaseFailed),
		{Target: "new"},
		child("alone", "", rollout.StateSucceeded, rollout.PhaseSucceeded),
		child("us", "r1-to-prod", rollout.StateInProgress, rollout.PhaseSucceeded),
	})
	if len(controllers) != 1 || controllers[0].Name != "r1-to-prod" || controllers[0].State != rollout.StateHalted {
		t.Fatalf("controllers %+v, want one that is HALTED", controllers)
	}
	data, err := rollout.EncodeRollouts(controllers)
	if err != nil {
		t.Fatal(err)
	}
	var shown []struct {
		Phases []struct {
			ChildRolloutJobs struct{ CreateRolloutJobs, AdvanceRolloutJobs []json.RawMessage }
		}
	}
	if err := json.Unmarshal(data, &shown); err != nil {
		t.Fatal(err)
	}
	first, last := shown[0].Phases[0].ChildRolloutJobs, shown[0].Phases[1].ChildRolloutJobs
	if len(first.CreateRolloutJobs) != 2 || len(last.AdvanceRolloutJobs) != 2 {
		t.Errorf("phases %s, want both children created, then advanced", data)
	}
}
