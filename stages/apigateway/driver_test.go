package apigateway_test

import (
	"context"
	"reflect"
	"strings"
	"testing"

	"sluice/stages/apigateway/patch"
	"sluice/stages/driver"
)

// The case of Amazon's own page, from the canary on.
func TestPromoteTheDocumentsCanary(t *testing.T) {
	r := newRig(t)
	id := r.deployment()
	r.byHand(
		"/variables/sv1", "val1",
		"/canarySettings/deploymentId", id,
		"/canarySettings/percentTraffic", "10.5",
		"/canarySettings/stageVariableOverrides/sv1", "val2",
		"/canarySettings/stageVariableOverrides/sv2", "val3",
	)
	before := r.stands("prod")
	p, result := r.do(driver.Stable, driver.Change{Target: target("prod")})
	if got := p.Call.Changes[0].Release.ID; got != id || result.Release.ID != id {
		t.Errorf("the call promotes %q and read back %q, want the canary's %s", got, result.Release.ID, id)
	}
	want := []string{`PATCH /restapis/a1b2c3d4e5/stages/prod [replace /canarySettings/percentTraffic "0.0", ` +
		`copy /canarySettings/stageVariableOverrides → /variables, copy /canarySettings/deploymentId → /deploymentId]`}
	if !reflect.DeepEqual(p.Requests, want) {
		t.Errorf("requests %v", p.Requests)
	}
	after := patch.Stage{
		DeploymentID: id,
		Variables:    map[string]string{"sv1": "val2", "sv2": "val3", "environment": before.Variables["environment"]},
		Canary:       &patch.Canary{DeploymentID: id, Overrides: before.Canary.Overrides},
	}
	r.same(after)
	r.do(driver.Disable, driver.Change{Target: target("prod"), Expected: result.After})
	after.Canary = nil
	r.same(after)
}

func TestWeightKeepsDecimalsAndVariables(t *testing.T) {
	r := newRig(t)
	c := change(r.new)
	c.Percent, c.UseStageCache = "10.5", true
	c.Variables = map[string]string{"a_b": "1", "m": "2"}
	before := r.stands("prod")
	p, result := r.do(driver.Weight, c)
	want := before
	want.Canary = &patch.Canary{DeploymentID: r.new, Percent: "10.5", Overrides: c.Variables, UseStageCache: true}
	r.same(want)
	if !strings.Contains(string(result.After), `"percentTraffic":10.5`) || string(result.After) != string(p.After["prod"]) {
		t.Errorf("after %s, predicted %s", result.After, p.After["prod"])
	}
	c.Percent, c.Variables, c.Expected = "50", map[string]string{"m": "3"}, result.After
	r.do(driver.Weight, c)
	want.Canary = &patch.Canary{DeploymentID: r.new, Percent: "50", Overrides: c.Variables, UseStageCache: true}
	r.same(want)
}

// Rolling back restores variables exactly, and leaves no canary traffic.
func TestRollback(t *testing.T) {
	for name, idle := range map[string]bool{"without a canary before": false, "with an idle canary before": true} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.byHand("/variables/only", "here", "/variables/changed", "before")
			if idle {
				r.byHand("/canarySettings/deploymentId", r.old, "/canarySettings/stageVariableOverrides/x", "1")
			}
			baseline := r.stands("prod")
			c := change(r.new)
			c.Percent, c.Variables = "25", map[string]string{"changed": "after", "added": "1"}
			p, result := r.do(driver.Weight, c)
			c.Expected = result.After
			_, result = r.do(driver.Stable, c)
			back := driver.Change{Target: target("prod"), Baseline: p.Before["prod"], Expected: result.After}
			_, result = r.do(driver.Rollback, back)
			r.same(baseline)
			if result.Release.ID != r.old {
				t.Errorf("read back %s, want %s", result.Release.ID, r.old)
			}
		})
	}
}

// What is refused is refused before anything is sent.
func TestRefused(t *testing.T) {
	const canaryOf = "/canarySettings/deploymentId"
	other := target("staging")
	other.Config = []byte(`{"restApi": "z9y8x7w6v5", "stage": "dev", "region": "eu-west-1"}`)
	elsewhere := target("staging")
	elsewhere.Config = []byte(`{"restApi": "a1b2c3d4e5", "stage": "staging", "region": "us-east-1"}`)
	tests := []struct {
		name    string
		byHand  func(*rig) []string
		kind    driver.Kind
		change  func(*rig, *driver.Change)
		message string
	}{
		{"no canary", nil, driver.Stable, func(_ *rig, c *driver.Change) { c.Release = driver.Release{} }, "the stage has no canary: there is nothing to promote"},
		{"its own canary", func(r *rig) []string { return []string{canaryOf, r.old} }, driver.Stable, func(_ *rig, c *driver.Change) { c.Release = driver.Release{} }, "the canary runs the stage's own deployment"},
		{"no canary, another release", nil, driver.Stable, nil, "the stage has no canary"},
		{"another canary, decided", func(r *rig) []string { return []string{canaryOf, r.old} }, driver.Stable, func(_ *rig, c *driver.Change) { c.Options.Resolved = true }, "the canary runs deployment"},
		{"a canary in the way", func(r *rig) []string { return []string{canaryOf, r.old} }, driver.Deploy, nil, "a canary stands on the stage: 0 % to deployment"},
		{"somebody's canary", func(r *rig) []string {
			return []string{canaryOf, r.deployment(), "/canarySettings/percentTraffic", "20"}
		}, driver.Weight, nil, "a canary that this rollout did not make has 20 % of the traffic"},
		{"somebody's canary of our release", func(r *rig) []string { return []string{canaryOf, r.new, "/canarySettings/percentTraffic", "20"} }, driver.Weight, nil, "a canary that this rollout did not make"},
		{"a busy canary", func(r *rig) []string { return []string{canaryOf, r.new, "/canarySettings/percentTraffic", "20"} }, driver.Disable, nil, "the canary still has 20 % of the traffic"},
		{"no percentage", nil, driver.Weight, func(_ *rig, c *driver.Change) { c.Percent = "many" }, `"many" is not a percentage`},
		{"another API", nil, driver.Deploy, func(_ *rig, c *driver.Change) { c.Source = &other }, "on another: z9y8x7w6v5, not a1b2c3d4e5"},
		{"another region", nil, driver.Deploy, func(_ *rig, c *driver.Change) { c.Source = &elsewhere }, "a deployment belongs to one REST API"},
		{"no baseline", nil, driver.Rollback, nil, "was not recorded"},
		{"nothing before", nil, driver.Rollback, func(_ *rig, c *driver.Change) { c.Baseline = []byte(`{}`) }, "nothing ran before"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			if tt.byHand != nil {
				r.byHand(tt.byHand(r)...)
			}
			c := change(r.new)
			c.Percent = "50"
			if tt.change != nil {
				tt.change(r, &c)
			}
			before := r.stands("prod")
			effects := r.counted(func(context.Context) {
				p := r.prepare(tt.kind, c)
				if len(p.Findings) != 1 || p.Findings[0].Severity != driver.Refuse || !strings.Contains(p.Findings[0].Message, tt.message) {
					t.Errorf("findings %+v, want %s", p.Findings, tt.message)
				}
			})
			if effects != 0 {
				t.Errorf("%d effects", effects)
			}
			r.same(before)
		})
	}
}

// What somebody else did in the middle of a rollout is named.
func TestForeign(t *testing.T) {
	tests := []struct {
		name    string
		byHand  func(*rig) []string
		kind    driver.Kind
		message string
	}{
		{"another share", func(*rig) []string { return []string{"/canarySettings/percentTraffic", "90"} }, driver.Weight, "the canary has 90 % of the traffic, not 10 %"},
		{"another deployment", func(r *rig) []string { return []string{"/deploymentId", r.deployment()} }, driver.Stable, "the stage runs deployment"},
		{"another canary", func(r *rig) []string { return []string{"/canarySettings/deploymentId", r.old} }, driver.Stable, "the canary runs deployment"},
		{"a variable", func(*rig) []string { return []string{"/variables/x", "1"} }, driver.Rollback, "variable x is set"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			c := change(r.new)
			c.Percent = "10"
			p, result := r.do(driver.Weight, c)
			r.byHand(tt.byHand(r)...)
			c.Percent, c.Expected, c.Baseline = "50", result.After, p.Before["prod"]
			found := r.prepare(tt.kind, c).Findings
			if len(found) != 1 || found[0].Severity != driver.Foreign || !strings.Contains(found[0].Message, tt.message) || found[0].Remedy == "" {
				t.Errorf("findings %+v, want foreign: %s", found, tt.message)
			}
		})
	}
}

func TestUnchanged(t *testing.T) {
	tests := []struct {
		name   string
		byHand func(*rig) []string
		kind   driver.Kind
		change func(*rig, *driver.Change)
	}{
		{"runs already", func(r *rig) []string { return []string{"/deploymentId", r.new} }, driver.Deploy, nil},
		{"runs already beside an idle canary", func(r *rig) []string {
			return []string{"/deploymentId", r.new, "/canarySettings/percentTraffic", "0"}
		}, driver.Deploy, nil},
		{"a share of what runs already", func(r *rig) []string { return []string{"/deploymentId", r.new} }, driver.Weight, nil},
		{"promoted and disabled already", func(r *rig) []string { return []string{"/deploymentId", r.new} }, driver.Stable, nil},
		{"runs already beside another idle canary", func(r *rig) []string {
			return []string{"/deploymentId", r.new, "/canarySettings/deploymentId", r.old}
		}, driver.Stable, nil},
		{"promoted already", func(r *rig) []string {
			return []string{"/deploymentId", r.new, "/variables/x", "1", "/canarySettings/deploymentId", r.new, "/canarySettings/stageVariableOverrides/x", "1"}
		}, driver.Stable, func(_ *rig, c *driver.Change) { c.Release = driver.Release{} }},
		{"no canary to disable", nil, driver.Disable, nil},
		{"at the baseline, by another's hand", nil, driver.Rollback, func(r *rig, c *driver.Change) {
			c.Baseline, c.Expected = raw(r.T, r.stands("prod")), raw(r.T, patch.Stage{DeploymentID: r.new})
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			if tt.byHand != nil {
				r.byHand(tt.byHand(r)...)
			}
			c := change(r.new)
			c.Percent = "50"
			if tt.change != nil {
				tt.change(r, &c)
			}
			p := r.prepare(tt.kind, c)
			if len(p.Findings) != 0 || !reflect.DeepEqual(p.Unchanged, []string{"prod"}) || len(p.Call.Changes) != 0 {
				t.Errorf("findings %v, unchanged %v, changes %v", p.Findings, p.Unchanged, p.Call.Names())
			}
			if string(p.Before["prod"]) != string(p.After["prod"]) {
				t.Errorf("from %s to %s", p.Before["prod"], p.After["prod"])
			}
		})
	}
}

// Two calls where two suffice: one to read, one to change and read back.
func TestCostsTwoRequests(t *testing.T) {
	r := newRig(t)
	counter := &counting{}
	p := place(t, r.Harness, nil, counter, target("prod"))
	c := change(r.new)
	c.Percent = "10"
	prepared, err := p.Prepare(t.Context(), call(driver.Weight, c))
	r.must(err)
	op, err := p.Begin(t.Context(), prepared.Call)
	r.must(err)
	_, _, err = p.Poll(t.Context(), op)
	r.must(err)
	if counter.requests != 2 {
		t.Errorf("%d requests, want 2", counter.requests)
	}
}

// An operation that another process saved before it knew the end is decided by the stage.
func TestPollDecidesByTheStage(t *testing.T) {
	r := newRig(t)
	prepared := r.prepare(driver.Deploy, change(r.new))
	open := driver.Operation{Status: driver.Running, Call: prepared.Call}
	if op, _, err := r.prod.Poll(t.Context(), open); err != nil || op.Status != driver.Running {
		t.Errorf("before the effect: %+v, %v", op, err)
	}
	r.byHand("/deploymentId", r.new)
	op, _, err := r.prod.Poll(t.Context(), open)
	if err != nil || !op.Finished() || op.Results["prod"].Outcome != driver.Succeeded {
		t.Errorf("after it: %+v, %v", op, err)
	}
}
