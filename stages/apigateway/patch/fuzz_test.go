package patch

import (
	"encoding/json"
	"testing"
)

func FuzzEscape(f *testing.F) {
	for _, key := range []string{"plain", "a/b", "m~n", "~1", "~01", "~", ""} {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		if got, ok := unescape(escape(key)); !ok || got != key {
			t.Errorf("%q became %q (%t)", key, got, ok)
		}
		if got, ok := unescape(key); ok && escape(got) != key {
			t.Errorf("%q is read as %q, which is written %q", key, got, escape(got))
		}
	})
}

// Whatever the operations, the stage is predicted or refused, never both, and
// the stage that was given stays as it was.
func FuzzPredict(f *testing.F) {
	f.Add(document, `[{"op":"replace","path":"/canarySettings/percentTraffic","value":"0.0"},{"op":"copy","path":"/variables","from":"/canarySettings/stageVariableOverrides"}]`)
	f.Add(`{}`, `[{"op":"remove","path":"/canarySettings"}]`)
	f.Add(`{"variables":{"a/b":"1"}}`, `[{"op":"remove","path":"/variables/a~1b"},{"op":"replace","path":"/variables/x","value":""}]`)
	f.Fuzz(func(t *testing.T, stageText, opsText string) {
		var before, again Stage
		var ops []Operation
		if json.Unmarshal([]byte(stageText), &before) != nil || json.Unmarshal([]byte(opsText), &ops) != nil {
			return
		}
		if err := json.Unmarshal([]byte(stageText), &again); err != nil {
			t.Fatal(err)
		}
		after, err := Predict(before, ops, nil)
		if !Equal(before, again) {
			t.Errorf("the given stage changed: %s", Diff(before, again))
		}
		if err != nil && !Equal(after, before) {
			t.Errorf("refused (%v) and changed: %s", err, Diff(after, before))
		}
	})
}

// From wherever a stage is, Restore leads to the baseline without canary
// traffic, and a second Restore finds nothing to do.
func FuzzRestore(f *testing.F) {
	f.Add(document, `{"deploymentId":"d1","variables":{"sv1":"val0","a/b":"1"}}`)
	f.Add(`{"deploymentId":"d1"}`, document)
	f.Add(document, `{"deploymentId":"d1","canarySettings":{"deploymentId":"d2","percentTraffic":50,"useStageCache":true}}`)
	f.Fuzz(func(t *testing.T, nowText, baselineText string) {
		var now, baseline Stage
		if json.Unmarshal([]byte(nowText), &now) != nil || json.Unmarshal([]byte(baselineText), &baseline) != nil {
			return
		}
		if !possible(now) || !possible(baseline) {
			return
		}
		after, err := Predict(now, Restore(now, baseline), nil)
		if err != nil {
			t.Fatalf("%v: %v", Restore(now, baseline), err)
		}
		if d := Diff(after, restored(baseline)); d != "" {
			t.Errorf("not restored: %s", d)
		}
		if again := Restore(after, baseline); len(again) != 0 {
			t.Errorf("a second time: %v", again)
		}
	})
}

// possible reports whether AWS could have such a stage: nothing is unnamed.
func possible(s Stage) bool {
	_, unnamed := s.Variables[""]
	if s.Canary != nil {
		_, override := s.Canary.Overrides[""]
		unnamed = unnamed || override || s.Canary.DeploymentID == ""
	}
	return !unnamed && s.DeploymentID != ""
}
