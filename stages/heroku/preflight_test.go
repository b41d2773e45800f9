package heroku_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sluice/internal/sandbox/sandboxtest"
	"sluice/stages/driver"
)

// with is a target with more keys than its app.
func with(t driver.Target, keys map[string]any) driver.Target {
	var config map[string]any
	_ = json.Unmarshal(t.Config, &config)
	for k, v := range keys {
		config[k] = v
	}
	t.Config, _ = json.Marshal(config)
	return t
}

// refusals are the messages of what stops a prepared call.
func refusals(p driver.Prepared) string {
	var all []string
	for _, f := range p.Findings {
		if f.Severity == driver.Refuse {
			all = append(all, f.Target+": "+f.Message+"; "+f.Remedy)
		}
	}
	return strings.Join(all, "\n")
}

func TestPreflightRefuses(t *testing.T) {
	type setting func(a *account, c *driver.Call)
	move := func(app, stage string) setting {
		return func(a *account, _ *driver.Call) {
			var c struct{ ID string }
			a.call("GET", "/apps/"+app+"/pipeline-couplings", nil, &c)
			if stage == "" {
				a.call("DELETE", "/pipeline-couplings/"+c.ID, nil, nil)
				return
			}
			a.call("PATCH", "/pipeline-couplings/"+c.ID, map[string]string{"stage": stage}, nil)
		}
	}
	tests := map[string]struct {
		set  setting
		want string
	}{
		"a source on containers": {func(a *account, _ *driver.Call) {
			a.call("PATCH", "/apps/storefront-staging", map[string]string{"build_stack": "container"}, nil)
		}, "source app storefront-staging is on the container stack"},
		"a target on containers": {func(a *account, _ *driver.Call) {
			a.call("PATCH", "/apps/storefront-eu", map[string]string{"build_stack": "container"}, nil)
		}, "app storefront-eu is on the container stack"},
		"itself, by its id": {func(a *account, c *driver.Call) {
			c.Changes[0].Target = target("web-again", "staging", a.appID("storefront-staging"))
		}, "would be promoted to itself"},
		"one app twice": {func(a *account, c *driver.Call) {
			twin := c.Changes[0]
			twin.Target = target("web-twin", "production", a.appID("storefront-eu"))
			c.Changes = append(c.Changes, twin)
		}, "web-twin: app storefront-eu is target web-eu too"},
		"backward": {func(a *account, c *driver.Call) {
			c.Changes[0].Target = a.target("web-dev")
		}, "promoting storefront-staging (staging) to storefront-dev (development) goes backward"},
		"within a stage": {func(a *account, c *driver.Call) {
			move("storefront-eu", "staging")(a, c)
			c.Changes[0].Target.Stage = "eu"
		}, "goes within one stage"},
		"off the order": {func(a *account, c *driver.Call) {
			move("storefront-eu", "review")(a, c)
			c.Changes[0].Target.Stage = "eu"
		}, "goes off Heroku's order"},
		"a target in no pipeline":   {move("storefront-eu", ""), "web-eu: app storefront-eu is in no pipeline; couple it"},
		"a source in no pipeline":   {move("storefront-staging", ""), "web-eu: app storefront-staging is in no pipeline; couple it"},
		"a target in another stage": {move("storefront-eu", "staging"), "app storefront-eu is in stage staging of pipeline storefront, not in production"},
		"a source in another stage": {move("storefront-staging", "development"), "app storefront-staging is in stage development of pipeline storefront, not in staging"},
		"a target in another pipeline": {func(a *account, c *driver.Call) {
			move("storefront-eu", "")(a, c)
			var p struct{ ID string }
			a.call("POST", "/pipelines", map[string]string{"name": "elsewhere"}, &p)
			a.call("POST", "/pipeline-couplings", map[string]string{"app": "storefront-eu", "pipeline": p.ID, "stage": "production"}, nil)
		}, "app storefront-eu is coupled to pipeline elsewhere, not to storefront"},
		"another pipeline declared": {func(a *account, c *driver.Call) {
			a.call("POST", "/pipelines", map[string]string{"name": "elsewhere"}, nil)
			source := with(*c.Changes[0].Source, map[string]any{"pipeline": "storefront"})
			c.Changes[0].Source = &source
			c.Changes[0].Target = with(c.Changes[0].Target, map[string]any{"pipeline": "elsewhere"})
		}, "target web-eu declares pipeline elsewhere, but the promotion is in pipeline storefront"},
		"a source without a slug": {func(a *account, c *driver.Call) {
			empty := a.emptyApp("storefront-empty", "staging")
			c.Changes[0].Source = &empty
		}, "source app storefront-empty has no release with a slug"},
		"a source that moved on": {func(a *account, _ *driver.Call) {
			a.must(a.emulator.Intrude("web-staging"))
		}, "not the pinned"},
		"an app that nobody can see": {func(_ *account, c *driver.Call) {
			c.Changes[0].Target = target("web-eu", "production", "storefront-nowhere")
		}, "app storefront-nowhere cannot be used: GET /apps/storefront-nowhere: 404 not_found"},
		"a source that nobody can see": {func(_ *account, c *driver.Call) {
			from := target("web-staging", "staging", "storefront-nowhere")
			c.Changes[0].Source = &from
		}, "app storefront-nowhere cannot be used"},
		"no release": {func(_ *account, c *driver.Call) {
			c.Changes[0].Release = driver.Release{}
		}, "no release is named"},
		"couple without a pipeline": {func(a *account, c *driver.Call) {
			move("storefront-eu", "")(a, c)
			c.Changes[0].Target = with(c.Changes[0].Target, map[string]any{"couple": true})
		}, "couple: true names none"},
		"couple without a stage": {func(a *account, c *driver.Call) {
			move("storefront-eu", "")(a, c)
			c.Changes[0].Target = with(c.Changes[0].Target, map[string]any{"couple": true, "pipeline": "storefront"})
			c.Changes[0].Target.Stage = "eu"
		}, `Heroku has no stage "eu"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a := newAccount(t)
			c := a.promotion("web-staging", "web-eu")
			test.set(a, &c)
			p, err := a.open().Prepare(t.Context(), c)
			a.must(err)
			if got := refusals(p); !strings.Contains(got, test.want) {
				t.Errorf("refused with %q, want %q", got, test.want)
			}
			if len(a.effects()) != 0 {
				t.Errorf("effects: %v", a.effects())
			}
		})
	}
}

// One refusal refuses all, and says whose it is.
func TestRefusalNamesItsTarget(t *testing.T) {
	a := newAccount(t)
	c := a.promotion("web-staging", "web-eu", "web-us")
	a.call("PATCH", "/apps/storefront-us", map[string]string{"build_stack": "container"}, nil)
	p, err := a.open().Prepare(t.Context(), c)
	a.must(err)
	if got := refusals(p); !strings.HasPrefix(got, "web-us: ") || strings.Contains(got, "web-eu") || len(p.Requests) != 0 {
		t.Errorf("refused with %q, would send %v", got, p.Requests)
	}
}

func TestAnyOrderOnPurpose(t *testing.T) {
	a := newAccount(t)
	c := a.promotion("web-staging", "web-dev")
	c.Changes[0].Options.AnyOrder = true
	if r := a.do(c).Results["web-dev"]; r.Outcome != driver.Succeeded {
		t.Errorf("%+v", r)
	}
}

func TestAmbiguousPipelineName(t *testing.T) {
	a := newAccount(t)
	var second struct{ ID string }
	a.call("POST", "/pipelines", map[string]any{"name": "storefront", "owner": map[string]string{"id": "11111111-2222-3333-4444-555555555555", "type": "user"}}, &second)
	c := a.promotion("web-staging", "web-eu")
	c.Changes[0].Target = with(c.Changes[0].Target, map[string]any{"pipeline": "storefront"})
	_, err := a.open().Prepare(t.Context(), c)
	x := a.open().Explain(err)
	if x.Code != driver.Invalid || !strings.Contains(x.Remedy, second.ID) || strings.Count(x.Remedy, "created 20") != 2 || x.RequestID == "" {
		t.Errorf("%v: %+v", err, x)
	}
	c.Changes[0].Target = with(c.Changes[0].Target, map[string]any{"pipeline": second.ID})
	p, err := a.open().Prepare(t.Context(), c)
	a.must(err)
	if got := refusals(p); !strings.Contains(got, "coupled to pipeline") {
		t.Errorf("by its id: %q", got)
	}
}

func TestWarnings(t *testing.T) {
	a := newAccount(t)
	a.call("PATCH", "/apps/storefront-staging/config-vars", map[string]string{"STRIPE_KEY": "sk_live_1", "REGION": "eu"}, nil)
	a.call("PATCH", "/apps/storefront-eu/config-vars", map[string]string{"REGION": "eu"}, nil)
	a.call("PUT", "/apps/storefront-eu/buildpack-installations", map[string]any{"updates": []any{map[string]string{"buildpack": "heroku/ruby"}}}, nil)
	a.call("PATCH", "/apps/storefront-eu", map[string]string{"build_stack": "heroku-26"}, nil)
	a.must(a.emulator.Intrude("web-eu")) // its next release is on the new stack
	for range 2 {
		a.call("GET", "/apps/storefront-staging/releases", nil, nil) // the release phase ends
	}
	p := a.prepare(a.promotion("web-staging", "web-eu", "web-us"))
	var said []string
	for _, f := range p.Findings {
		if f.Severity != driver.Warn {
			t.Errorf("%+v", f)
		}
		said = append(said, f.Target+": "+f.Message)
	}
	want := []string{
		"web-eu: the stacks differ: storefront-staging is on heroku-24, storefront-eu on heroku-26",
		"web-eu: app storefront-eu lacks config vars that storefront-staging has: STRIPE_KEY",
		"web-eu: the buildpacks differ: storefront-staging has heroku/nodejs, storefront-eu has heroku/ruby",
		"web-us: app storefront-us lacks config vars that storefront-staging has: REGION, STRIPE_KEY",
	}
	if strings.Join(said, "\n") != strings.Join(want, "\n") {
		t.Errorf("warned of\n%s\nwant\n%s", strings.Join(said, "\n"), strings.Join(want, "\n"))
	}
	if kept, _ := json.Marshal(p); strings.Contains(string(kept), "sk_live_1") {
		t.Errorf("a config var's value is kept: %s", kept)
	}
}

func TestAdviceIsLeftOutWhereItCostsTooMuch(t *testing.T) {
	a := newAccount(t)
	c := a.promotion("web-staging", "web-eu")
	d := a.openWith(func(r *http.Request) (*http.Response, error) {
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err == nil {
			resp.Header.Set("RateLimit-Remaining", "101")
		}
		return resp, err
	})
	p, err := d.Prepare(t.Context(), c)
	a.must(err)
	if len(p.Findings) != 1 || p.Findings[0].Severity != driver.Note || !strings.Contains(p.Findings[0].Message, "few left") {
		t.Errorf("findings: %+v", p.Findings)
	}
	if asked := strings.Join(a.requests(), "\n"); strings.Contains(asked, "/config-vars") {
		t.Errorf("asked all the same:\n%s", asked)
	}
	if len(p.Requests) != 1 {
		t.Errorf("would send %v", p.Requests)
	}
}

// A promotion that goes in many calls compares each app once, and says the same of
// it each time.
func TestAdviceIsReadOnce(t *testing.T) {
	a := newAccount(t)
	a.call("PATCH", "/apps/storefront-staging/config-vars", map[string]string{"STRIPE_KEY": "sk_live_1"}, nil)
	var asked atomic.Int64 // the apps are read side by side
	d := a.openThrough(func(_, path string) {
		if strings.HasSuffix(path, "/config-vars") || strings.HasSuffix(path, "/buildpack-installations") {
			asked.Add(1)
		}
	})
	compare := func(want int, targets ...string) {
		t.Helper()
		asked.Store(0)
		p, err := d.Prepare(t.Context(), a.promotion("web-staging", targets...))
		a.must(err)
		if got := int(asked.Load()); got != want || len(p.Findings) != len(targets) {
			t.Errorf("%v: %d requests, want %d; %+v", targets, got, want, p.Findings)
		}
	}
	compare(4, "web-eu")
	compare(0, "web-eu")
	compare(2, "web-us")
	compare(0, "web-eu", "web-us")
	a.clock.Move(time.Hour)
	compare(4, "web-eu")
}

func TestUnreadableConfigVarsAreSaid(t *testing.T) {
	a := newAccount(t)
	d := a.openWith(func(r *http.Request) (*http.Response, error) {
		if strings.HasSuffix(r.URL.Path, a.appID("storefront-eu")+"/config-vars") {
			return answer(http.StatusForbidden, `{"id":"forbidden","message":"You do not have access to the app."}`), nil
		}
		return http.DefaultTransport.RoundTrip(r)
	})
	p, err := d.Prepare(t.Context(), a.promotion("web-staging", "web-eu"))
	a.must(err)
	if len(p.Findings) != 1 || p.Findings[0].Severity != driver.Note || !strings.Contains(p.Findings[0].Message, "not compared") || len(p.Requests) != 1 {
		t.Errorf("%+v", p)
	}
}

// The stages and the pipeline are made where the file says so, each once.
func TestCouple(t *testing.T) {
	stages := [][]sandboxtest.Target{
		{{Name: "web-staging", Config: map[string]any{"app": "storefront-staging", "couple": true}}},
		{{Name: "web-eu", Config: map[string]any{"app": "storefront-eu", "couple": true}}},
	}
	for _, fault := range []string{"", "web-eu:other:cut", "web-eu:other:drop", "web-eu:other#2:cut", "web-eu:other#3:cut", "web-eu:other#3:throttle"} {
		t.Run(fault, func(t *testing.T) {
			var faults []string
			if fault != "" {
				faults = []string{fault}
			}
			a := newAccountOf(t, stages, faults...)
			couple := map[string]any{"pipeline": "storefront", "couple": true}
			c := a.promotion("web-staging", "web-eu")
			source := with(*c.Changes[0].Source, couple)
			c.Changes[0].Source, c.Changes[0].Target = &source, with(c.Changes[0].Target, couple)

			p := a.prepare(c)
			if len(p.Requests) != 4 {
				t.Errorf("planned %v", p.Requests)
			}
			want := []string{
				"heroku pipelines:create storefront --app storefront-staging --stage staging",
				"heroku pipelines:add storefront --app storefront-eu --stage production",
				"heroku pipelines:promote --app storefront-staging --to storefront-eu",
			}
			if !slices.Equal(p.Commands, want) {
				t.Errorf("by hand:\n%s", strings.Join(p.Commands, "\n"))
			}
			op, err := a.open().Begin(t.Context(), p.Call)
			if err != nil {
				if x := a.open().Explain(err); x.Code != driver.Retryable {
					t.Fatalf("%v: %+v; nothing was promoted, so it may be sent again", err, x)
				}
				op, err = a.open().Begin(t.Context(), p.Call)
				a.must(err)
			}
			if r := a.follow(p.Call, op).Results["web-eu"]; r.Outcome != driver.Succeeded {
				t.Errorf("%+v", r)
			}
			a.posted()
			for app, want := range map[string]string{"storefront-staging": "staging", "storefront-eu": "production"} {
				var have struct {
					Stage    string
					Pipeline struct{ Name string }
				}
				a.call("GET", "/apps/"+app+"/pipeline-couplings", nil, &have)
				if have.Stage != want || have.Pipeline.Name != "storefront" {
					t.Errorf("%s: %+v", app, have)
				}
			}
			var pipelines []struct{ Name string }
			a.call("GET", "/pipelines", nil, &pipelines)
			if fmt.Sprint(pipelines) != "[{storefront}]" {
				t.Errorf("pipelines %v", pipelines)
			}
		})
	}
}
