package patch

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
)

// document is the stage of Amazon's page on promoting a canary, with the
// fields that it leaves out.
const document = `{
	"accessLogSettings": {"format": "x", "destinationArn": "arn:aws:logs:eu-west-1:1:log-group:y"},
	"cacheClusterEnabled": false,
	"canarySettings": {
		"deploymentId": "eh1sby",
		"useStageCache": false,
		"stageVariableOverrides": {"sv2": "val3", "sv1": "val2"},
		"percentTraffic": 10.5
	},
	"createdDate": 1511152939,
	"deploymentId": "nfcn0x",
	"stageName": "prod",
	"variables": {"sv1": "val1"}
}`

func stage(t *testing.T, text string) Stage {
	t.Helper()
	var s Stage
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func predict(t *testing.T, s Stage, ops []Operation) Stage {
	t.Helper()
	next, err := Predict(s, ops, nil)
	if err != nil {
		t.Fatalf("%v: %v", ops, err)
	}
	return next
}

func same(t *testing.T, have, want Stage) {
	t.Helper()
	if d := Diff(have, want); d != "" {
		t.Errorf("not as wanted: %s", d)
	}
}

// restored is what Restore leads to: the baseline without canary traffic.
func restored(baseline Stage) Stage {
	s := baseline.clone()
	if s.Canary != nil {
		s.Canary.Percent = "0"
	}
	return s
}

func TestStageKeepsEveryField(t *testing.T) {
	data, err := json.Marshal(stage(t, document))
	if err != nil {
		t.Fatal(err)
	}
	var have, want any
	if err := errors.Join(json.Unmarshal(data, &have), json.Unmarshal([]byte(document), &want)); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(have, want) {
		t.Errorf("have %s\nwant %s", data, document)
	}
	if !strings.Contains(string(data), `"percentTraffic":10.5`) {
		t.Errorf("10.5 is not 10.5 in %s", data)
	}
}

func TestStageRefusesNonsense(t *testing.T) {
	for _, text := range []string{`[]`, `{"deploymentId": 1}`, `{"canarySettings": {"percentTraffic": 101}}`, `{"canarySettings": {"percentTraffic": "ten"}}`} {
		if err := json.Unmarshal([]byte(text), new(Stage)); err == nil {
			t.Errorf("%s was read as a stage", text)
		}
	}
	if _, err := json.Marshal(Canary{Percent: "1 0"}); err == nil {
		t.Error("a share that is no decimal was written")
	}
}

// The document's own promotion, to the letter.
func TestPromoteAndDisable(t *testing.T) {
	before := stage(t, document)
	promoted := predict(t, before, Promote())
	want := stage(t, `{"deploymentId": "eh1sby", "variables": {"sv1": "val2", "sv2": "val3"},
		"canarySettings": {"deploymentId": "eh1sby", "percentTraffic": 0, "stageVariableOverrides": {"sv1": "val2", "sv2": "val3"}}}`)
	same(t, promoted, want)
	if string(promoted.rest["stageName"]) != `"prod"` {
		t.Errorf("the stage's name is %s", promoted.rest["stageName"])
	}
	want.Canary = nil
	same(t, predict(t, promoted, Disable()), want)
	same(t, before, stage(t, document)) // left as it was
}

func TestPromoteMergesVariables(t *testing.T) {
	s := stage(t, document)
	s.Variables["only/in~production"] = "stays"
	if got := predict(t, s, Promote()).Variables["only/in~production"]; got != "stays" {
		t.Errorf("a variable that no override names is %q", got)
	}
}

// Recorded: without a canary the three operations make an empty one and
// promote nothing; the copies alone are refused.
func TestPromoteWithoutCanary(t *testing.T) {
	s := Stage{DeploymentID: "d1", Variables: map[string]string{"a": "1"}}
	same(t, predict(t, s, Promote()), Stage{DeploymentID: "d1", Variables: s.Variables, Canary: &Canary{DeploymentID: "d1"}})
	_, err := Predict(s, Promote()[1:], nil)
	if r, ok := errors.AsType[*Refusal](err); !ok || r.Message != "Promotion not available. Canary does not exist." {
		t.Errorf("the copies alone: %v", err)
	}
}

func TestWeight(t *testing.T) {
	idle := &Canary{DeploymentID: "d1", Overrides: map[string]string{"a/b": "1", "m~n": "2", "same": "3"}, UseStageCache: true}
	tests := []struct {
		name  string
		stage Stage
		want  []Operation
	}{
		{"no canary", Stage{DeploymentID: "d1"}, []Operation{
			replace("/canarySettings/deploymentId", "d2"),
			replace("/canarySettings/percentTraffic", "10.5"),
			replace("/canarySettings/stageVariableOverrides/m~0n", "9"),
			replace("/canarySettings/stageVariableOverrides/same", "3"),
		}},
		{"idle canary", Stage{DeploymentID: "d1", Canary: idle}, []Operation{
			replace("/canarySettings/deploymentId", "d2"),
			replace("/canarySettings/percentTraffic", "10.5"),
			{Op: "remove", Path: "/canarySettings/stageVariableOverrides/a~1b"},
			replace("/canarySettings/stageVariableOverrides/m~0n", "9"),
			replace("/canarySettings/useStageCache", "false"),
		}},
		{"nothing differs", Stage{DeploymentID: "d1", Canary: &Canary{
			DeploymentID: "d2", Percent: "10.5", Overrides: map[string]string{"m~n": "9", "same": "3"},
		}}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			overrides := map[string]string{"m~n": "9", "same": "3"}
			ops := Weight(tt.stage, "d2", "10.5", overrides, false)
			if !reflect.DeepEqual(ops, tt.want) {
				t.Errorf("have %v\nwant %v", ops, tt.want)
			}
			want := tt.stage
			want.Canary = &Canary{DeploymentID: "d2", Percent: "10.5", Overrides: overrides}
			same(t, predict(t, tt.stage, ops), want)
		})
	}
}

func TestRestore(t *testing.T) {
	plain := Stage{DeploymentID: "d1", Variables: map[string]string{"changed": "1", "removed": "2"}}
	idle := plain.clone()
	idle.Canary = &Canary{DeploymentID: "d0", Overrides: map[string]string{"x": "1"}}
	busy := idle.clone()
	busy.Canary.Percent = "20"
	now := Stage{
		DeploymentID: "d2", Variables: map[string]string{"changed": "9", "added": "3"},
		Canary: &Canary{DeploymentID: "d2", Percent: "50", Overrides: map[string]string{"changed": "9"}, UseStageCache: true},
	}
	disabled := now.clone()
	disabled.Canary = nil
	for name, baseline := range map[string]Stage{"plain": plain, "idle canary": idle, "canary with traffic": busy} {
		for from, s := range map[string]Stage{"canary": now, "disabled": disabled, "itself": baseline} {
			t.Run(name+" from "+from, func(t *testing.T) {
				after := predict(t, s, Restore(s, baseline))
				same(t, after, restored(baseline))
				if after.Canary != nil && !after.Canary.Percent.IsZero() {
					t.Errorf("%s %% of the traffic still goes to a canary", after.Canary.Percent)
				}
			})
		}
	}
	if ops := Restore(plain, plain); len(ops) != 0 {
		t.Errorf("nothing to restore, but %v", ops)
	}
}

func TestPredictRefuses(t *testing.T) {
	known := func(id string) bool { return id != "unknown" }
	tests := []struct {
		op      Operation
		message string
	}{
		{replace("/deploymentId", "unknown"), "Deployment id does not exist"},
		{replace("/canarySettings/deploymentId", "unknown"), "Deployment id does not exist"},
		{replace("/canarySettings", "test"), "Invalid method setting path: /canarySettings. Must be one of: ["},
		{replace("/canarySettings/badPath", "x"), "Invalid method setting path: /canarySettings/badPath. Must"},
		{replace("/canarySettings/percentTraffic", "101"), "Invalid canary traffic"},
		{replace("/canarySettings/useStageCache", "maybe"), "Invalid method setting path"},
		{replace("/variables/a/b", "1"), "Invalid method setting path"},
		{replace("/variables/a~2", "1"), "Invalid method setting path"},
		{Operation{Op: "add", Path: "/canarySettings/deploymentId", Value: "d"}, "Invalid add operation with path: /canarySettings/deploymentId"},
		{Operation{Op: "remove", Path: "/canarySettings/stageVariableOverrides"}, "Cannot remove method setting canarySettings/stageVariableOverrides because there is no method setting for this method "},
		{Operation{Op: "remove", Path: "/canarySettings/badPath"}, "Cannot remove method setting canarySettings/badPath because"},
		{Operation{Op: "remove", Path: "/variables/none"}, "Cannot remove method setting variables/none because"},
		{Operation{Op: "copy", From: "/variables", Path: "/canarySettings/stageVariableOverrides"}, "Invalid copy operation with path: /canarySettings/stageVariableOverrides and from /variables. Valid copy:path are [/deploymentId, /variables] and valid copy:from are [/canarySettings/deploymentId, /canarySettings/stageVariableOverrides]"},
		{Operation{Op: "copy", From: "/canarySettings/deploymentId", Path: "/variables"}, "Invalid copy operation"},
	}
	for _, tt := range tests {
		t.Run(tt.op.String(), func(t *testing.T) {
			before := stage(t, document)
			after, err := Predict(before, []Operation{replace("/variables/first", "1"), tt.op}, known)
			r, ok := errors.AsType[*Refusal](err)
			if !ok || r.Code != "BadRequestException" || !strings.HasPrefix(r.Message, tt.message) {
				t.Errorf("%v, want %s", err, tt.message)
			}
			same(t, after, before) // all or nothing
		})
	}
}

func TestDiffNamesWhatDiffers(t *testing.T) {
	have := stage(t, document)
	want := Stage{
		DeploymentID: "d9", Variables: map[string]string{"sv1": "secret", "sv9": "x"},
		Canary: &Canary{DeploymentID: "d8", Percent: "0", Overrides: map[string]string{"sv1": "val2"}, UseStageCache: true},
	}
	const text = "the stage runs deployment nfcn0x, not d9; variable sv1 has another value; variable sv9 is missing; " +
		"the canary runs deployment eh1sby, not d8; the canary has 10.5 % of the traffic, not 0 %; " +
		"canary variable sv2 is set; the canary's useStageCache is false, not true"
	if d := Diff(have, want); d != text {
		t.Errorf("have %s\nwant %s", d, text)
	}
	if d := Diff(have, Stage{DeploymentID: "nfcn0x", Variables: have.Variables}); d != "there is a canary, 10.5 % to deployment eh1sby" {
		t.Error(d)
	}
	if d := Diff(Stage{}, Stage{DeploymentID: "d1", Canary: &Canary{}}); d != "the stage runs deployment (none), not d1; there is no canary" {
		t.Error(d)
	}
	if !Equal(have, stage(t, document)) || Equal(have, want) {
		t.Error("Equal is not Diff")
	}
}

func TestOperationKeepsValuesOfVariablesToItself(t *testing.T) {
	for op, want := range map[Operation]string{
		replace("/canarySettings/percentTraffic", "0.0"): `replace /canarySettings/percentTraffic "0.0"`,
		replace("/variables/token", "hush"):              "replace /variables/token",
		Promote()[1]:                                     "copy /canarySettings/stageVariableOverrides → /variables",
		Disable()[0]:                                     "remove /canarySettings",
	} {
		if op.String() != want {
			t.Errorf("have %s, want %s", op, want)
		}
	}
}
