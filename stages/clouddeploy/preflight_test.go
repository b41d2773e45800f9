package clouddeploy_test

import (
	"net/http"
	"strings"
	"testing"

	"sluice/stages/driver"
)

// freeze is a deploy policy that forbids everything on target id for a day.
func freeze(rules map[string]any) map[string]any {
	restriction := map[string]any{"id": "rule-1", "timeWindows": map[string]any{
		"timeZone": "Europe/Berlin", "weeklyWindows": []any{map[string]any{"daysOfWeek": []string{"MONDAY"}}},
	}}
	for key, value := range rules {
		restriction[key] = value
	}
	return map[string]any{
		"selectors": []any{map[string]any{"deliveryPipeline": map[string]any{"id": "shop"}, "target": map[string]any{"id": "prod"}}},
		"rules":     []any{map[string]any{"rolloutRestriction": restriction}},
	}
}

// Everything that would make a rollout wrong is found before it is made, with
// what to do about it.
func TestPreflight(t *testing.T) {
	tests := map[string]struct {
		faults  []string
		arrange func(t *testing.T, b *bench)
		change  func(*driver.Change)
		words   string
		remedy  string
	}{
		"unknown release": {change: func(c *driver.Change) { c.Release.ID = "gone" }, words: `no release "gone"`, remedy: "of this pipeline"},
		"no id at all":    {change: func(c *driver.Change) { c.Release.ID = "../../x" }, words: `no release "../../x"`},
		"abandoned": {words: "is abandoned", arrange: func(t *testing.T, b *bench) {
			b.post(t, location+"deliveryPipelines/shop/releases/"+running+":abandon", map[string]any{})
		}},
		"not rendered": {
			faults: []string{"prod:other:fail"}, words: "failed to render for target prod: EXECUTION_FAILED", remedy: "log: https://console.cloud.google.com/cloud-build",
			arrange: func(t *testing.T, b *bench) {
				b.post(t, location+"deliveryPipelines/shop/releases?releaseId=broken", map[string]any{})
			},
			change: func(c *driver.Change) { c.Release.ID = "broken" },
		},
		"being rendered": {
			faults: []string{"prod:other:hang"}, words: "still being rendered",
			arrange: func(t *testing.T, b *bench) {
				b.post(t, location+"deliveryPipelines/shop/releases?releaseId=slow", map[string]any{})
			},
			change: func(c *driver.Change) { c.Release.ID = "slow" },
		},
		"older than the target": {
			words: "was made before delivery pipeline shop had target prod",
			arrange: func(t *testing.T, b *bench) {
				edit(t, b.emulator, "releases", func(releases map[string]any) {
					release := releases[location+"deliveryPipelines/shop/releases/"+running].(map[string]any)
					release["deliveryPipelineSnapshot"] = map[string]any{"serialPipeline": map[string]any{"stages": []any{map[string]any{"targetId": "staging"}}}}
				})
			},
		},
		"suspended": {words: "delivery pipeline shop is suspended", arrange: func(t *testing.T, b *bench) {
			b.send(t, http.MethodPatch, location+"deliveryPipelines/shop?updateMask=suspended", map[string]any{"suspended": true})
		}},
		"another pipeline": {words: "belong to one delivery pipeline", change: func(c *driver.Change) {
			other := target("staging")
			other.Config = []byte(strings.Replace(string(other.Config), `"shop"`, `"else"`, 1))
			c.Source = &other
		}},
		"policy": {words: "deploy policy frozen restricts CREATE now, by its rule rule-1", remedy: "--override-policy frozen", arrange: func(t *testing.T, b *bench) {
			b.post(t, location+"deployPolicies?deployPolicyId=frozen", freeze(nil))
		}},
		"policy by labels": {words: "deploy policy frozen", arrange: func(t *testing.T, b *bench) {
			edit(t, b.emulator, "targets", func(targets map[string]any) {
				targets[location+"targets/prod"].(map[string]any)["labels"] = map[string]string{"tier": "one"}
			})
			p := freeze(nil)
			p["selectors"] = []any{map[string]any{"target": map[string]any{"id": "*", "labels": map[string]string{"tier": "one"}}}}
			b.post(t, location+"deployPolicies?deployPolicyId=frozen", p)
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, tt.faults...)
			if tt.arrange != nil {
				tt.arrange(t, b)
			}
			before := len(b.server.Effects())
			c := change("prod")
			if tt.change != nil {
				tt.change(&c)
			}
			p, err := b.driver.Prepare(t.Context(), b.call(driver.Deploy, c))
			if err != nil {
				t.Fatal(err)
			}
			if len(p.Findings) != 1 || p.Findings[0].Severity != driver.Refuse || !strings.Contains(p.Findings[0].Message, tt.words) || !strings.Contains(p.Findings[0].Remedy, tt.remedy) {
				t.Errorf("%+v", p.Findings)
			}
			if len(p.Call.Data) != 0 || len(b.server.Effects()) != before {
				t.Error("a refused call was frozen, or had an effect")
			}
		})
	}
}

// TestRolloutInProgress: a target that another rollout is at work on takes one later.
func TestRolloutInProgress(t *testing.T) {
	b := newBench(t)
	b.begin(t, driver.Deploy, change("prod"))
	before := len(b.server.Effects())
	_, err := b.driver.Prepare(t.Context(), b.call(driver.Deploy, change("prod")))
	if x := b.driver.Explain(err); x.Code != driver.Retryable || !x.Busy || !strings.Contains(err.Error(), "rollout release-003-to-prod-0001 to target prod is IN_PROGRESS") {
		t.Errorf("%v is %+v", err, x)
	}
	if len(b.server.Effects()) != before {
		t.Error("it had an effect")
	}
}

func TestPolicyOverridden(t *testing.T) {
	b := newBench(t)
	b.post(t, location+"deployPolicies?deployPolicyId=frozen", freeze(nil))
	c := change("prod")
	c.Options.OverridePolicies = []string{"weekend", "frozen"} // the first is none of Cloud Deploy's
	p, err := b.driver.Prepare(t.Context(), b.call(driver.Deploy, c))
	if err != nil || len(p.Findings) != 1 || p.Findings[0].Severity != driver.Note {
		t.Fatalf("%v, %+v", err, p.Findings)
	}
	if _, err := b.driver.Begin(t.Context(), p.Call); err != nil {
		t.Fatal(err)
	}
}

// Policies that cannot be read may still block: that is said, and all names are
// passed on.
func TestPoliciesUnreadable(t *testing.T) {
	b := newBench(t)
	forbidden := func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/deployPolicies") {
			w.WriteHeader(http.StatusForbidden)
			w.Write([]byte(`{"error":{"code":403,"message":"no","status":"PERMISSION_DENIED"}}`)) //nolint:errcheck // the client went away
			return
		}
		b.pass(w, r)
	}
	b.driver = open(t, map[string]string{override: serve(t, http.HandlerFunc(forbidden))}, b.clock)
	p, err := b.driver.Prepare(t.Context(), b.call(driver.Deploy, change("prod")))
	if err != nil || len(p.Findings) != 1 || p.Findings[0].Severity != driver.Warn || len(p.Call.Data) == 0 {
		t.Errorf("%v, %+v", err, p)
	}
}

func TestPoliciesThatDoNotApply(t *testing.T) {
	day := map[string]any{"year": 2026, "month": 3, "day": 2}
	next := map[string]any{"year": 2026, "month": 3, "day": 3}
	for name, rules := range map[string]map[string]any{
		"other action": {"actions": []string{"ROLLBACK", "ADVANCE"}},
		"automation":   {"invokers": []string{"DEPLOY_AUTOMATION"}},
		"other labels": {"labels": map[string]string{"tier": "two"}},
		"other day":    {"timeWindows": map[string]any{"timeZone": "Europe/Berlin", "weeklyWindows": []any{map[string]any{"daysOfWeek": []string{"TUESDAY"}}}}},
		"just over":    {"timeWindows": map[string]any{"timeZone": "Europe/Berlin", "weeklyWindows": []any{map[string]any{"startTime": map[string]any{}, "endTime": map[string]any{"hours": 10}}}}},
		"later":        {"timeWindows": map[string]any{"timeZone": "Etc/UTC", "oneTimeWindows": []any{map[string]any{"startDate": day, "startTime": map[string]any{"hours": 9, "seconds": 1}, "endDate": next}}}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			p := freeze(rules)
			if labels, ok := rules["labels"]; ok {
				delete(p["rules"].([]any)[0].(map[string]any)["rolloutRestriction"].(map[string]any), "labels")
				p["selectors"] = []any{map[string]any{"target": map[string]any{"labels": labels}}}
			}
			b.post(t, location+"deployPolicies?deployPolicyId=frozen", p)
			b.prepare(t, b.call(driver.Deploy, change("prod")))
		})
	}
}
