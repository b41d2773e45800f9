package ecs_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"sluice/stages/driver"
	"sluice/stages/stagetest"
)

// told is a rollout in a few words: its state, and that of each phase.
func told(t *testing.T, r driver.Result) string {
	t.Helper()
	var rollout struct {
		State  string
		Phases []struct{ ID, State string }
	}
	if err := json.Unmarshal(r.Rollout, &rollout); err != nil {
		t.Fatalf("%v: %s", err, r.Rollout)
	}
	text := rollout.State
	for _, p := range rollout.Phases {
		text += " " + p.ID + "=" + p.State
	}
	return text
}

// next is the change of a command to the deployment that an operation follows.
func next(op driver.Operation) driver.Change {
	c := op.Call.Changes[0]
	c.Remote = op.Results["prod"].Rollout
	return c
}

// A canary with a pause before each step: what has which traffic is told, and each
// pause is gone past once.
func TestCanaryWithPauses(t *testing.T) {
	b := newBench(t)
	b.configure(t, canary25, types.DeploymentLifecycleHookStagePreProductionTrafficShift)
	op := b.follow(t, b.begin(t, driver.Deploy, b.change()))
	for _, want := range []struct{ told, share string }{
		{"IN_PROGRESS scale-up=SUCCEEDED canary-25=PENDING stable=PENDING bake=PENDING", ""},
		{"IN_PROGRESS scale-up=SUCCEEDED canary-25=SUCCEEDED stable=PENDING bake=PENDING", "25"},
	} {
		r := op.Results["prod"]
		if got := told(t, r); r.Waiting != "advance" || got != want.told {
			t.Fatalf("%s, waits for %q, want %s", got, r.Waiting, want.told)
		}
		if until := r.Until.Format(time.DateOnly); until != "2026-03-03" {
			t.Errorf("it waits until %s, want the pause's own end", until)
		}
		warning := op.Warnings[0].Message
		if !strings.Contains(warning, "`sluice advance` goes on") || !strings.Contains(warning, "at 2026-03-03T09:00:") || !strings.Contains(warning, "ECS rolls the deployment back") {
			t.Errorf("%s", warning)
		}
		live, errs := b.driver.Live(t.Context(), []driver.Target{target("prod")})
		if errs[0] != nil || live[0].Release.ID != "app:1" || live[0].Pending == nil || live[0].Pending.ID != "app:2" || live[0].Shares[len(live[0].Shares)-1].Percent != cmpOr(want.share, "100") {
			t.Errorf("%+v, %v", live, errs)
		}
		b.refused(t, driver.Approve, next(op), "waits for nobody's approve")
		if r := b.do(t, driver.Advance, next(op)); r.Outcome != driver.Succeeded {
			t.Fatalf("%+v", r)
		}
		op = b.follow(t, op)
	}
	r := op.Results["prod"]
	if got := told(t, r); r.Outcome != driver.Succeeded || r.Release.ID != "app:2" || got != "SUCCEEDED scale-up=SUCCEEDED canary-25=SUCCEEDED stable=SUCCEEDED bake=SUCCEEDED" {
		t.Errorf("%s, %+v", got, r)
	}
	if n := len(b.server.Effects()); n != 4 { // the configuration, the update, two steps
		t.Errorf("%d effects: %+v", n, b.server.Effects())
	}
}

func cmpOr(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func (b *bench) refused(t *testing.T, kind driver.Kind, c driver.Change, words string) {
	t.Helper()
	p, err := b.driver.Prepare(t.Context(), b.call(kind, c))
	if err != nil || !slices.ContainsFunc(p.Findings, func(f driver.Finding) bool { return f.Severity == driver.Refuse && strings.Contains(f.Message, words) }) {
		t.Errorf("%s: %v, %+v, want %q", kind, err, p.Findings, words)
	}
}

// A pause before anything happened is an approval; rejected, the deployment failed,
// and the service runs what it ran.
func TestPauseBeforeAnything(t *testing.T) {
	for kind, want := range map[driver.Kind]driver.Outcome{driver.Approve: driver.Succeeded, driver.Reject: driver.Failed, driver.Cancel: driver.Failed} {
		t.Run(string(kind), func(t *testing.T) {
			b := newBench(t)
			b.configure(t, types.DeploymentConfiguration{Strategy: types.DeploymentStrategyBlueGreen}, types.DeploymentLifecycleHookStagePreScaleUp)
			op := b.follow(t, b.begin(t, driver.Deploy, b.change()))
			if got := told(t, op.Results["prod"]); op.Results["prod"].Waiting != "approval" || got != "PENDING_APPROVAL scale-up=PENDING stable=PENDING bake=PENDING" {
				t.Fatalf("%s", got)
			}
			if r := b.do(t, kind, next(op)); r.Outcome != driver.Succeeded {
				t.Fatalf("the word: %+v", r)
			}
			r := b.follow(t, op).Results["prod"]
			if r.Outcome != want || want == driver.Failed && !strings.Contains(fmt.Sprint(r.Errors), "ROLLBACK_SUCCESSFUL: Service deployment rolled back because a stop was requested") {
				t.Errorf("%+v", r)
			}
			runs := map[driver.Outcome]string{driver.Succeeded: "app:2", driver.Failed: "app:1"}[want]
			if now := stagetest.Currents(t, b.driver, target("prod"))[0]; now.ID != runs {
				t.Errorf("it runs %s, want %s", now.ID, runs)
			}
		})
	}
}

// A pause that nobody ends does what its hook says.
func TestPausesEndByThemselves(t *testing.T) {
	for action, want := range map[types.DeploymentLifecycleHookAction]driver.Outcome{"": driver.Failed, types.DeploymentLifecycleHookActionContinue: driver.Succeeded} {
		b := newBench(t)
		c := types.DeploymentConfiguration{Strategy: types.DeploymentStrategyBlueGreen, LifecycleHooks: []types.DeploymentLifecycleHook{{
			TargetType: types.DeploymentLifecycleHookTargetTypePause, LifecycleStages: []types.DeploymentLifecycleHookStage{types.DeploymentLifecycleHookStagePostScaleUp},
			TimeoutConfiguration: &types.DeploymentLifecycleHookTimeoutConfiguration{TimeoutInMinutes: aws.Int32(30), Action: action},
		}}}
		b.configure(t, c)
		p := b.prepare(t, b.call(driver.Deploy, b.change()))
		if !strings.Contains(fmt.Sprint(p.Findings), "pauses at POST_SCALE_UP; after 30 minutes") {
			t.Errorf("%+v", p.Findings)
		}
		op := b.follow(t, b.begin(t, driver.Deploy, b.change()))
		if w := op.Warnings[0].Message; strings.Contains(w, "goes on by itself") != (want == driver.Succeeded) {
			t.Errorf("%s", w)
		}
		b.clock.Move(31 * time.Minute)
		if r := b.follow(t, op).Results["prod"]; r.Outcome != want {
			t.Errorf("%q: %+v", action, r)
		}
	}
}

// A service that was rolled back is stable, and its release failed.
func TestRolledBackIsFailed(t *testing.T) {
	b := newBench(t, "prod:deploy:fail")
	r := b.do(t, driver.Deploy, b.change())
	if r.Outcome != driver.Failed || !strings.Contains(fmt.Sprint(r.Errors), "circuit breaker threshold was exceeded") || r.Errors[1].Code != "CIRCUIT_BREAKER" {
		t.Errorf("%+v", r)
	}
	if got := told(t, r); !strings.HasPrefix(got, "FAILED") {
		t.Error(got)
	}
}

// A deployment that goes on is not replaced.
func TestBusy(t *testing.T) {
	b := newBench(t)
	op := b.begin(t, driver.Deploy, b.change())
	_, err := b.driver.Prepare(t.Context(), b.call(driver.Deploy, b.change()))
	if x := b.driver.Explain(err); err == nil || x.Code != driver.Retryable || !x.Busy || !strings.Contains(err.Error(), "to app:2 is PENDING") {
		t.Errorf("%v, %+v", err, x)
	}
	if r := b.follow(t, op).Results["prod"]; r.Outcome != driver.Succeeded {
		t.Errorf("%+v", r)
	}
}

func TestRefusals(t *testing.T) {
	b := newBench(t)
	with := func(id string) driver.Change {
		return driver.Change{Target: target("prod"), Release: driver.Release{ID: id}}
	}
	b.refused(t, driver.Deploy, with("app"), "is no task definition with its revision")
	b.refused(t, driver.Deploy, with("app:9"), "there is no task definition app:9")
	b.refused(t, driver.Cancel, with("app:1"), "no deployment of the service goes on")
	if _, err := b.sdk().DeregisterTaskDefinition(t.Context(), &sdk.DeregisterTaskDefinitionInput{TaskDefinition: aws.String("app:2")}); err != nil {
		t.Fatal(err)
	}
	b.refused(t, driver.Deploy, with("app:2"), "is INACTIVE")
	for controller, words := range map[string]string{"CODE_DEPLOY": "deployed by AWS CodeDeploy", "EXTERNAL": "somebody else's program"} {
		if err := b.emulator.Controller("prod", controller); err != nil {
			t.Fatal(err)
		}
		b.refused(t, driver.Deploy, with("app:1"), words)
	}
}

// The newest is of the family that the target runs; its images tell people what it is.
func TestResolve(t *testing.T) {
	b := newBench(t)
	r, err := b.driver.Resolve(t.Context(), target("prod"), driver.Latest)
	if err != nil || r.ID != "app:2" || r.CreateTime.IsZero() || r.Comment != "registry.example.com/app:2.0" {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := b.driver.Resolve(t.Context(), target("prod"), "app"); b.driver.Explain(err).Code != driver.NotFound {
		t.Errorf("%v", err)
	}
}
