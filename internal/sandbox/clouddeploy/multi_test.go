package clouddeploy_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	api "google.golang.org/api/clouddeploy/v1"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/clouddeploy"
	"sluice/internal/sandbox/sandboxtest"
	"sluice/pipeline"
)

// newMulti is a bench whose second stage is a multi-target of east and west
// with a canary, called both, on which a release runs.
func newMulti(t *testing.T, faults ...string) *bench {
	t.Helper()
	b := &bench{Google: sandboxtest.Google{T: t}, clock: sandboxtest.NewClock(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))}
	b.emulator = clouddeploy.New(b.clock.Now)
	for id, body := range map[string]string{"east": `{}`, "west": `{}`, "both-canary": `{"multiTarget":{"targetIds":["east","west"]}}`} {
		w := httptest.NewRecorder()
		b.emulator.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "POST", "/v1/"+location+"/targets?targetId="+id, strings.NewReader(body)))
		if w.Code != http.StatusOK {
			t.Fatal(w.Body)
		}
	}
	p := shopPipeline(t)
	both := p.Stages[1].Targets[0]
	both.Config = []byte(strings.ReplaceAll(string(both.Config), "prod", "both-canary"))
	b.server = sandboxtest.Start(t, sandbox.Options{
		Emulators: []sandbox.Emulator{b.emulator}, Pipelines: []*pipeline.Pipeline{p}, Faults: sandboxtest.Faults(t, faults...),
	})
	b.Base = b.server.Env()["CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDDEPLOY"] + "v1/"
	b.through(b.create(shop+"/releases/release-002", "r1", "both-canary"))
	return b
}

// through takes a controller through its canary.
func (b *bench) through(name string) {
	b.Helper()
	for _, phase := range []string{"canary-50", "stable"} {
		b.clock.Move(time.Minute)
		b.Must("POST", name+":advance", &api.AdvanceRolloutRequest{PhaseId: phase}, &api.AdvanceRolloutResponse{})
	}
	b.clock.Move(time.Minute)
	b.want(name, "SUCCEEDED")
}

// docs/platforms.md: "Controller phases carry createRolloutJobs and
// advanceRolloutJobs."
func TestController(t *testing.T) {
	b := newMulti(t)
	name := b.create(newest, "r2", "both-canary")
	r := b.want(name, "IN_PROGRESS")
	if jobs := r.Phases[0].ChildRolloutJobs; len(jobs.CreateRolloutJobs) != 2 || r.Phases[1].ChildRolloutJobs.AdvanceRolloutJobs == nil {
		t.Fatalf("%+v", jobs)
	}
	b.through(name)
	child := b.want(newest+"/rollouts/r2-east", "SUCCEEDED")
	if child.ControllerRollout != name || child.TargetId != "east" {
		t.Errorf("%+v", child)
	}
	var run api.JobRun
	b.Must("GET", r.Phases[0].ChildRolloutJobs.CreateRolloutJobs[0].JobRun, nil, &run)
	if run.CreateChildRolloutJobRun.Rollout != child.Name {
		t.Errorf("%+v", run.CreateChildRolloutJobRun)
	}
}

// docs/platforms.md: "HALTED (multi-target): a child failed, another succeeded,
// phases remain; leave it by cancelling, or by retrying or ignoring every failed
// child job."
func TestHalted(t *testing.T) {
	for how, leave := range map[string]func(b *bench, controller, child string) string{
		"retry the child's job": func(b *bench, _, child string) string {
			b.Must("POST", child+":retryJob", &api.RetryJobRequest{PhaseId: "canary-25", JobId: "deploy"}, &api.RetryJobResponse{})
			return "IN_PROGRESS"
		},
		"ignore the child's job": func(b *bench, _, child string) string {
			b.Must("POST", child+":ignoreJob", &api.IgnoreJobRequest{PhaseId: "canary-25", JobId: "deploy"}, &api.IgnoreJobResponse{})
			return "IN_PROGRESS"
		},
		"retry the controller's job": func(b *bench, controller, _ string) string {
			b.Must("POST", controller+":retryJob", &api.RetryJobRequest{PhaseId: "canary-25", JobId: "east"}, &api.RetryJobResponse{})
			return "IN_PROGRESS"
		},
		"ignore the controller's job": func(b *bench, controller, _ string) string {
			b.Must("POST", controller+":ignoreJob", &api.IgnoreJobRequest{PhaseId: "canary-25", JobId: "east"}, &api.IgnoreJobResponse{})
			return "IN_PROGRESS"
		},
		"cancel": func(b *bench, controller, _ string) string {
			b.Must("POST", controller+":cancel", &api.CancelRolloutRequest{}, &api.CancelRolloutResponse{})
			return "CANCELLED"
		},
	} {
		t.Run(how, func(t *testing.T) {
			b := newMulti(t, "web:deploy#2:fail")
			controller := b.create(newest, "r2", "both-canary")
			b.clock.Move(time.Minute)
			child := newest + "/rollouts/r2-east"
			b.want(child, "FAILED")
			r := b.want(controller, "HALTED")
			if r.Phases[0].ChildRolloutJobs.CreateRolloutJobs[0].State != "FAILED" {
				t.Errorf("%+v", r.Phases[0].ChildRolloutJobs.CreateRolloutJobs[0])
			}
			state := leave(b, controller, child)
			b.clock.Move(time.Minute)
			b.want(controller, state)
			if state == "CANCELLED" {
				return
			}
			b.Must("POST", controller+":advance", &api.AdvanceRolloutRequest{PhaseId: "canary-50"}, &api.AdvanceRolloutResponse{})
			b.clock.Move(time.Minute)
			if got := phases(b.rollout(controller)); got != "canary-25 SUCCEEDED, canary-50 SUCCEEDED, stable PENDING" {
				t.Error(got)
			}
		})
	}
}

func TestAllChildrenFailed(t *testing.T) {
	b := newMulti(t, "web:deploy#2:hang")
	controller := b.create(newest, "r2", "both-canary")
	b.clock.Move(time.Minute)
	east := b.want(newest+"/rollouts/r2-east", "IN_PROGRESS") // it hangs
	b.want(controller, "IN_PROGRESS")
	b.Must("POST", east.Name+":cancel", &api.CancelRolloutRequest{}, &api.CancelRolloutResponse{})
	b.clock.Move(time.Minute)
	b.want(controller, "HALTED")
}
