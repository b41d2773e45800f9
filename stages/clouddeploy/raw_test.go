package clouddeploy_test

import (
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"sluice/internal/sandbox/sandboxtest"
	"sluice/stages/driver"
)

const override = "CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDDEPLOY"

// pass hands a request on to the bench's own server.
func (b *bench) pass(w http.ResponseWriter, r *http.Request) {
	url := strings.TrimSuffix(b.base, "/v1/") + r.URL.RequestURI()
	req, err := http.NewRequestWithContext(r.Context(), r.Method, url, r.Body)
	if err != nil {
		panic(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		panic(err)
	}
	defer res.Body.Close()
	w.WriteHeader(res.StatusCode)
	io.Copy(w, res.Body) //nolint:errcheck // the client went away
}

const rolloutName = "projects/shop-1234/locations/europe-west1/deliveryPipelines/shop/releases/r7/rollouts/r7-to-prod-0001"

// notOver is what answers takes for the path of a list of what is not over, where
// that is another text than the list's: no rollouts unless it is there.
const notOver = "/releases/-/rollouts?notOver"

// answers serves fixed texts by path, 404 elsewhere.
func answers(t *testing.T, texts map[string]string) driver.Driver {
	t.Helper()
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := strings.TrimPrefix(r.URL.Path, "/v1/")
		text, ok := texts[path]
		if strings.Contains(r.URL.Query().Get("filter"), `state!="SUCCEEDED"`) {
			text, ok = cmp.Or(texts[strings.TrimSuffix(path, "/releases/-/rollouts")+notOver], "{}"), true
		}
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			text = `{"error":{"code":404,"message":"not there","status":"NOT_FOUND"}}`
		}
		w.Write([]byte(text)) //nolint:errcheck // the client went away
	})
	return open(t, map[string]string{override: serve(t, h)}, sandboxtest.NewClock(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)))
}

// begun is a deployment that was sent.
func begun() driver.Operation {
	data, _ := json.Marshal(map[string]string{"rollout": rolloutName, "request": "mark"}) //nolint:errchkjson // two strings
	call := driver.Call{Key: "k", Kind: driver.Deploy, Data: data, Changes: []driver.Change{{Target: target("prod"), Release: driver.Release{ID: "r7"}}}}
	return driver.Operation{Call: call, Status: driver.Running}
}

func poll(t *testing.T, d driver.Driver, op driver.Operation) driver.Operation {
	t.Helper()
	next, _, err := d.Poll(t.Context(), op)
	if err != nil {
		t.Fatal(err)
	}
	next.Call = op.Call
	return next
}

// What this version does not know is shown as it is and not guessed at.
func TestUnknownIsMirrored(t *testing.T) {
	const text = `{"name":"` + rolloutName + `","uid":"u","targetId":"prod","state":"PONDERING","annotations":{"sluice/call":"mark"},"color":"blue",
		"phases":[{"id":"stable","state":"DREAMING","deploymentJobs":{"smokeJob":{"id":"smoke","state":"IN_PROGRESS","smokeJob":{}},"deployJob":{"id":"deploy","state":"SUCCEEDED"}}}]}`
	op := poll(t, answers(t, map[string]string{rolloutName: text}), begun())
	r := resultOf(op)
	if string(r.Rollout) != text {
		t.Errorf("the rollout became %s", r.Rollout)
	}
	if r.Outcome != driver.Open || r.Waiting != "" || op.Status != driver.Running || len(op.Warnings) != 1 || op.Warnings[0].Code != "PONDERING" {
		t.Errorf("%s, %+v, %+v", op.Status, r, op.Warnings)
	}
}

// jobRun is the beginning of a job run's text.
func jobRun(id string) string {
	return `{"name":"` + rolloutName + "/jobRuns/" + id + `","uid":"u","phaseId":"p","jobId":"` + id + `","state":"FAILED",`
}

// Why a rollout failed is told from the outside in, with where the logs are.
func TestFailureIsExplained(t *testing.T) {
	const run = rolloutName + "/jobRuns/"
	const build = `"build":"projects/shop-1234/locations/europe-west1/builds/b-1"`
	d := answers(t, map[string]string{
		rolloutName: `{"name":"` + rolloutName + `","uid":"u","targetId":"prod","state":"FAILED","annotations":{"sluice/call":"mark"},
			"failureReason":"verification failed","deployFailureCause":"VERIFICATION_CONFIG_NOT_FOUND","deployingBuild":"projects/shop-1234/locations/europe-west1/builds/b-0",
			"phases":[{"id":"canary-25","state":"FAILED","deploymentJobs":{
				"verifyJob":{"id":"verify","state":"FAILED","jobRun":"` + run + `v"},
				"deployJob":{"id":"deploy","state":"FAILED","jobRun":"` + run + `d"},
				"analysisJob":{"id":"analysis","state":"FAILED","jobRun":"` + run + `a"},
				"smokeJob":{"id":"smoke","state":"FAILED","jobRun":"` + run + `gone"},
				"postdeployJob":{"id":"postdeploy","state":"ABORTED"}}}]}`,
		run + "v": jobRun("v") + `"verifyJobRun":{` + build + `,"failureCause":"EXECUTION_FAILED","failureMessage":"smoke test answered 500"}}`,
		run + "d": jobRun("d") + `"deployJobRun":{"failureCause":"MISSING_RESOURCES_FOR_CANARY"}}`,
		run + "a": jobRun("a") + `"analysisJobRun":{"failedCheckId":"latency"}}`,
	})
	r := resultOf(poll(t, d, begun()))
	want := []string{
		"VERIFICATION_CONFIG_NOT_FOUND: verification failed (at rollout r7-to-prod-0001)",
		"MISSING_RESOURCES_FOR_CANARY: the job failed and no message is given (at phase canary-25, job deploy)",
		"EXECUTION_FAILED: smoke test answered 500 (log: https://console.cloud.google.com/cloud-build/builds;region=europe-west1/b-1?project=shop-1234) (at phase canary-25, job verify)",
		"FAILED: check latency failed (at phase canary-25, job analysis)",
	}
	if r.Outcome != driver.Failed || len(r.Errors) != len(want)+1 {
		t.Fatalf("%+v", r)
	}
	for i, text := range want {
		if got := r.Errors[i].String(); got != text {
			t.Errorf("got  %s\nwant %s", got, text)
		}
	}
	if last := r.Errors[4].String(); !strings.Contains(last, "could not be read") || !strings.Contains(last, "job smoke") {
		t.Error(last)
	}
}

// Where no job failed, the rollout's own build has the log.
func TestFailureWithoutAJob(t *testing.T) {
	d := answers(t, map[string]string{rolloutName: `{"name":"` + rolloutName + `","uid":"u","targetId":"prod","state":"FAILED","annotations":{"sluice/call":"mark"},
		"deployFailureCause":"FAILURE_CAUSE_UNSPECIFIED","deployingBuild":"projects/shop-1234/locations/europe-west1/builds/b-0"}`})
	r := resultOf(poll(t, d, begun()))
	const want = "FAILED: the rollout failed and Cloud Deploy gives no reason (log: https://console.cloud.google.com/cloud-build/builds;region=europe-west1/b-0?project=shop-1234) (at rollout r7-to-prod-0001)"
	if len(r.Errors) != 1 || r.Errors[0].String() != want {
		t.Errorf("%+v", r.Errors)
	}
}

// A controller's failure leads to its child's, and HALTED waits for a person.
func TestHaltedController(t *testing.T) {
	const child = "projects/shop-1234/locations/europe-west1/deliveryPipelines/shop/releases/r7/rollouts/r7-to-prod-0001-east"
	controller := func(state string) string {
		return `{"name":"` + rolloutName + `","uid":"u","targetId":"prod","state":"` + state + `","annotations":{"sluice/call":"mark"},"phases":[{"id":"stable","state":"FAILED","childRolloutJobs":{
			"createRolloutJobs":[{"id":"east","state":"FAILED","jobRun":"` + rolloutName + `/jobRuns/e"},{"id":"west","state":"SUCCEEDED"}]}},{"id":"later","state":"PENDING"}]}`
	}
	texts := map[string]string{
		rolloutName:                controller("HALTED"),
		rolloutName + "/jobRuns/e": jobRun("e") + `"createChildRolloutJobRun":{"rollout":"` + child + `"}}`,
		child:                      `{"name":"` + child + `","uid":"u","targetId":"east","state":"FAILED","failureReason":"east is down","deployFailureCause":"EXECUTION_FAILED"}`,
	}
	d := answers(t, texts)
	op := poll(t, d, begun())
	if r := resultOf(op); r.Outcome != driver.Open || r.Waiting != "retryJob" || len(op.Warnings) != 1 || !strings.Contains(op.Warnings[0].Message, "retry or ignore every failed job, or cancel") {
		t.Errorf("%+v, %+v", r, op.Warnings)
	}
	texts[rolloutName] = controller("FAILED")
	r := resultOf(poll(t, d, begun()))
	if r.Outcome != driver.Failed || len(r.Errors) != 2 || r.Errors[1].String() != "EXECUTION_FAILED: child rollout r7-to-prod-0001-east failed: east is down (at phase stable, job east)" {
		t.Errorf("%+v", r)
	}
	// Retrying the only failed child job needs no name.
	texts["projects/shop-1234/locations/europe-west1/deliveryPipelines/shop"] = `{"name":"projects/shop-1234/locations/europe-west1/deliveryPipelines/shop","uid":"u","serialPipeline":{"stages":[{"targetId":"prod"}]}}`
	texts["projects/shop-1234/locations/europe-west1/deployPolicies"] = `{}`
	op.Call.Data = nil
	c := seen(t, op)
	p, err := d.Prepare(t.Context(), driver.Call{Key: "k2", Kind: driver.RetryJob, Changes: []driver.Change{c}})
	if err != nil || len(p.Findings) != 0 || p.Call.Changes[0].Phase != "stable" || p.Call.Changes[0].Job != "east" {
		t.Errorf("%v, %+v", err, p)
	}
}

// A rollout that is being made is not there yet; one that cannot be made ends.
func TestCreationIsFollowed(t *testing.T) {
	const operation = "projects/shop-1234/locations/europe-west1/operations/op-1"
	for name, tt := range map[string]struct {
		text    string
		outcome driver.Outcome
		problem string
	}{
		"at work": {`{"name":"` + operation + `"}`, driver.Open, ""},
		"failed":  {`{"name":"` + operation + `","done":true,"error":{"code":9,"message":"the target is gone"}}`, driver.Failed, "code 9: the target is gone"},
		"gone":    {`{"name":"` + operation + `","done":true,"response":{}}`, driver.Failed, "NOT_FOUND: the rollout was made and is gone"},
	} {
		t.Run(name, func(t *testing.T) {
			op := begun()
			op.ID = operation
			op.Results = map[string]driver.Result{"prod": {Outcome: driver.Open}}
			r := resultOf(poll(t, answers(t, map[string]string{operation: tt.text}), op))
			if r.Outcome != tt.outcome || tt.problem != "" && r.Errors[0].String() != tt.problem {
				t.Errorf("%+v", r)
			}
		})
	}
	if _, _, err := answers(t, nil).Poll(t.Context(), begun()); err == nil {
		t.Error("a rollout that is nowhere is no error")
	}
}

// Somebody else's rollout of our name is not ours.
func TestForeignRolloutOfOurName(t *testing.T) {
	text := `{"name":"` + rolloutName + `","uid":"u","targetId":"prod","state":"SUCCEEDED","annotations":{"sluice/call":"another mark"}}`
	verdict, op, err := answers(t, map[string]string{rolloutName: text}).Lookup(t.Context(), begun().Call)
	if err != nil || verdict != driver.Found {
		t.Fatalf("%s, %v", verdict, err)
	}
	op.Call = begun().Call
	if r := resultOf(op); r.Outcome != driver.Failed || r.Errors[0].Code != "FOREIGN" {
		t.Errorf("%+v", r)
	}
}

// Every command is decided by the rollout alone.
func TestLookupOfCommands(t *testing.T) {
	rollout := func(state, approval, phase, job, run string) string {
		return `{"name":"` + rolloutName + `","uid":"u","targetId":"prod","state":"` + state + `","approvalState":"` + approval + `","phases":[{"id":"first","state":"SUCCEEDED"},
			{"id":"stable","state":"` + phase + `","deploymentJobs":{"verifyJob":{"id":"verify","state":"` + job + `","jobRun":"` + run + `"}}}]}`
	}
	for name, tt := range map[string]struct {
		kind    driver.Kind
		text    string
		verdict driver.Verdict
	}{
		"approved":      {driver.Approve, rollout("PENDING", "APPROVED", "PENDING", "PENDING", ""), driver.Found},
		"not approved":  {driver.Approve, rollout("PENDING_APPROVAL", "NEEDS_APPROVAL", "PENDING", "PENDING", ""), driver.Absent},
		"too late":      {driver.Approve, rollout("APPROVAL_REJECTED", "REJECTED", "ABORTED", "ABORTED", ""), driver.Absent},
		"rejected":      {driver.Reject, rollout("APPROVAL_REJECTED", "REJECTED", "ABORTED", "ABORTED", ""), driver.Found},
		"not rejected":  {driver.Reject, rollout("PENDING_APPROVAL", "NEEDS_APPROVAL", "PENDING", "PENDING", ""), driver.Absent},
		"advanced":      {driver.Advance, rollout("IN_PROGRESS", "", "IN_PROGRESS", "PENDING", ""), driver.Found},
		"over already":  {driver.Advance, rollout("SUCCEEDED", "", "SUCCEEDED", "SUCCEEDED", "v"), driver.Found},
		"not advanced":  {driver.Advance, rollout("IN_PROGRESS", "", "PENDING", "PENDING", ""), driver.Absent},
		"retried":       {driver.RetryJob, rollout("IN_PROGRESS", "", "IN_PROGRESS", "PENDING", "v"), driver.Found},
		"failed again":  {driver.RetryJob, rollout("FAILED", "", "FAILED", "FAILED", "w"), driver.Found},
		"not retried":   {driver.RetryJob, rollout("FAILED", "", "FAILED", "FAILED", "v"), driver.Absent},
		"ignored":       {driver.IgnoreJob, rollout("IN_PROGRESS", "", "IN_PROGRESS", "IGNORED", "v"), driver.Found},
		"not ignored":   {driver.IgnoreJob, rollout("FAILED", "", "FAILED", "FAILED", "v"), driver.Absent},
		"cancelling":    {driver.Cancel, rollout("CANCELLING", "", "IN_PROGRESS", "IN_PROGRESS", "v"), driver.Found},
		"cancelled":     {driver.Cancel, rollout("CANCELLED", "", "ABORTED", "ABORTED", "v"), driver.Found},
		"not cancelled": {driver.Cancel, rollout("IN_PROGRESS", "", "IN_PROGRESS", "IN_PROGRESS", "v"), driver.Absent},
	} {
		t.Run(name, func(t *testing.T) {
			call := begun().Call
			call.Kind = tt.kind
			call.Data, _ = json.Marshal(map[string]string{"rollout": rolloutName, "phase": "stable", "job": "verify", "jobRun": "v"}) //nolint:errchkjson // strings
			verdict, op, err := answers(t, map[string]string{rolloutName: tt.text}).Lookup(t.Context(), call)
			if err != nil || verdict != tt.verdict {
				t.Errorf("%s, %v", verdict, err)
			}
			if op.Call = call; verdict == driver.Found && resultOf(op).Outcome != driver.Succeeded {
				t.Errorf("%+v", op)
			}
		})
	}
}

// What does not show yet is not called absent before it had time to.
func TestLookupWaitsForTheEffectToShow(t *testing.T) {
	text := `{"name":"` + rolloutName + `","uid":"u","targetId":"prod","state":"PENDING_APPROVAL","approvalState":"NEEDS_APPROVAL"}`
	d := answers(t, map[string]string{rolloutName: text})
	call := begun().Call
	call.Kind = driver.Approve
	for ago, want := range map[time.Duration]driver.Verdict{0: driver.Undecided, 2 * time.Second: driver.Undecided, 3 * time.Second: driver.Absent} {
		call.Intended = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC).Add(-ago)
		if verdict, _, err := d.Lookup(t.Context(), call); err != nil || verdict != want {
			t.Errorf("after %s: %s, %v, want %s", ago, verdict, err, want)
		}
	}
}

// Names come from saved state and from answers: they lead nowhere else.
func TestNamesLeadNowhereElse(t *testing.T) {
	asked := 0
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	defer s.Close()
	d := open(t, map[string]string{override: s.URL}, &sandboxtest.Clock{})
	for _, name := range []string{rolloutName + "?alt=media", rolloutName + "/../../x", "/" + rolloutName, rolloutName + "%2e", rolloutName + "#x"} {
		op := begun()
		op.Call.Data, _ = json.Marshal(map[string]string{"rollout": name}) //nolint:errchkjson // a string
		if _, _, err := d.Poll(t.Context(), op); d.Explain(err).Code != driver.Invalid && !strings.HasPrefix(name, "/") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if asked != 1 { // the one with a slash too many stays within the API
		t.Errorf("%d requests", asked)
	}
}
