package planner_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"sluice/internal/planner"
	"sluice/rollout"
)

// scenes are states and commands of every kind.
func scenes(t *testing.T) map[string]func() (*rig, func() planner.Plan) {
	mixed := func() *rig {
		r := rerun(newRig(t, strings.Replace(several("    onFailure: rollback\n    waves: {sizes: [1, 100%]}\n    verify: [{run: [smoke]}]\n"), "name: shop\n", "name: shop\nlabels: {team: web}\n", 1)))
		r.carry(r.promote("prod"))
		r.drive("a")
		r.drive("b", rollout.JobVerify)
		return r
	}
	return map[string]func() (*rig, func() planner.Plan){
		"promote": func() (*rig, func() planner.Plan) {
			r := rerun(newRig(t, with(one, canary30)))
			return r, func() planner.Plan { return r.promote("prod") }
		},
		"promote beside": func() (*rig, func() planner.Plan) {
			r := mixed()
			r.origin = "another"
			for _, name := range []string{"a-dev", "b-dev", "c-dev"} {
				r.platform.runs[name] = live("r3")
			}
			return r, func() planner.Plan { return r.promote("prod", replace) }
		},
		"again": func() (*rig, func() planner.Plan) {
			r := mixed()
			r.attempt = 2
			return r, func() planner.Plan { return r.promote("prod") }
		},
		"rollback": func() (*rig, func() planner.Plan) {
			r := mixed()
			return r, func() planner.Plan { return r.goBack("a", "b", "c") }
		},
		"rollback to": func() (*rig, func() planner.Plan) {
			r := rerun(newRig(t, one))
			for i, id := range []string{"r2", "r3"} {
				r.origin = fmt.Sprint("run/", i)
				r.promoted(id)
			}
			return r, func() planner.Plan { return r.goBackTo(planner.Back{Release: "r1"}, "web") }
		},
		"promote-canary": func() (*rig, func() planner.Plan) {
			r := rerun(intruded(t, one))
			return r, func() planner.Plan { return r.promoteCanary(true) }
		},
		"retry-job": func() (*rig, func() planner.Plan) {
			r := failed(t, with(one, smoke))
			return r, func() planner.Plan { return r.order(planner.CommandRetryJob, "web") }
		},
		"reconcile": func() (*rig, func() planner.Plan) {
			r := mixed()
			return r, r.reconcile
		},
	}
}

// TestValue: two plans of the same state are equal, making them changes nothing
// in it, and what is done to the state afterwards reaches no plan.
func TestValue(t *testing.T) {
	for name, scene := range scenes(t) {
		t.Run(name, func(t *testing.T) {
			r, plan := scene()
			same := r.frozen()
			first := plan()
			same()
			if second := plan(); !reflect.DeepEqual(first, second) {
				t.Errorf("two plans differ:\n%s\n%s", text(t, first), text(t, second))
			}
			same()
			if len(first.Moves) == 0 {
				t.Fatal("nothing is planned")
			}
			before := text(t, first)
			if !first.Refused() {
				r.carry(first)
			}
			for target, record := range r.state.Records {
				r.drive(target)
				for i := range record.Rollouts {
					record.Rollouts[i].Baseline = scribble(record.Rollouts[i].Baseline)
				}
			}
			if after := text(t, first); after != before {
				t.Errorf("the plan changed with the state:\n%s\n%s", before, after)
			}
		})
	}
}

// scribble overwrites bytes where they are.
func scribble(b []byte) []byte {
	for i := range b {
		b[i] = '#'
	}
	return b
}

// text is all that a plan says.
func text(t *testing.T, plan planner.Plan) string {
	t.Helper()
	data, err := json.Marshal(plan)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
