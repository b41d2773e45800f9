package deploymentmanager_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"sluice/stages/driver"
	"sluice/stages/stagetest"
)

// release is the digest of a configuration without imports, by its definition.
func release(config string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "sluice.deploymentmanager/v1\n%d\n%s\n", len(config), config))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// deployed is a platform on which prod runs a configuration, with texts laid
// over it by path; a text "403" or such is that status.
func deployed(t *testing.T, config string, over map[string]string) driver.Driver {
	t.Helper()
	const deployment = "deployments/prod"
	texts := map[string]string{
		deployment:                   `{"name":"prod","fingerprint":"bmV3","manifest":"https://x/manifests/m1","operation":{"name":"op-1","status":"DONE","progress":100}}`,
		deployment + "/manifests/m1": manifest("m1", config),
		deployment + "/manifests":    `{"manifests":[` + manifest("m1", config) + `]}`,
		"deployments":                `{}`,
	}
	for path, text := range over {
		texts[path] = text
	}
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, ok := texts[strings.TrimPrefix(r.URL.Path, "/deploymentmanager/v2/projects/shop-1234/global/")]
		status := http.StatusOK
		if !ok {
			text = "404"
		}
		if n, err := fmt.Sscanf(text, "%d", &status); n == 1 && err == nil {
			text = fmt.Sprintf(`{"error":{"code":%d,"message":"the platform says %d","errors":[{"reason":"x","message":"m"}]}}`, status, status)
		}
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(status)
		w.Write([]byte(text)) //nolint:errcheck // the client went away
	})
	return open(t, map[string]string{override: serve(t, h)})
}

func manifest(name, config string) string {
	text, _ := json.Marshal(map[string]any{"name": name, "config": map[string]string{"content": config}, "insertTime": "2026-03-02T09:00:00.000-07:00"}) //nolint:errchkjson // strings
	return string(text)
}

const (
	before = "resources: []\n"
	wanted = "resources: [one]\n"
)

// begun is an update of prod to what is wanted.
func begun(kind driver.Kind) driver.Operation {
	data, _ := json.Marshal(map[string]any{ //nolint:errchkjson // strings
		"release": release(wanted), "fingerprint": "b2xk", "before": map[string]string{"release": release(before), "manifest": "m0"},
	})
	call := driver.Call{
		Key: "k", Kind: kind, Data: data, Intended: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC),
		Changes: []driver.Change{{Target: target("prod"), Release: driver.Release{ID: release(wanted)}}},
	}
	return driver.Operation{Call: call, ID: "op-1", Status: driver.Running}
}

// Every way an operation can be, as the platform's documents and records have it.
func TestOperations(t *testing.T) {
	const nested = `{\"ResourceType\":\"compute.v1.instance\",\"ResourceErrorCode\":\"404\",\"ResourceErrorMessage\":{\"code\":404,\"errors\":[{\"message\":\"outer\"}],\"message\":\"the image was not found\"}}`
	const nestedString = `{\"ResourceErrorCode\":\"409\",\"ResourceErrorMessage\":\"You already own this bucket.\"}`
	const twice = `{\"ResourceErrorMessage\":\"{\\\"error\\\":{\\\"message\\\":\\\"deep down\\\"}}\"}`
	done := func(rest string) string { return `{"name":"op-1","status":"DONE","progress":100` + rest + `}` }
	tests := map[string]struct {
		text     string
		runs     string
		outcome  driver.Outcome
		status   driver.Status
		errors   []string
		warnings []string
	}{
		"pending":           {text: `{"name":"op-1","status":"PENDING"}`, runs: before, outcome: driver.Open, status: driver.Pending},
		"running":           {text: `{"name":"op-1","status":"RUNNING","progress":30}`, runs: before, outcome: driver.Open, status: driver.Running},
		"done before 100":   {text: `{"name":"op-1","status":"DONE","progress":90}`, runs: wanted, outcome: driver.Open, status: driver.Running},
		"unknown status":    {text: `{"name":"op-1","status":"PONDERING","progress":100}`, runs: wanted, outcome: driver.Open, status: driver.Running, warnings: []string{"PONDERING: Deployment Manager gives the operation a status that this version does not know; it is followed until it is DONE"}},
		"success":           {text: done(``), runs: wanted, outcome: driver.Succeeded, status: driver.Done},
		"empty error":       {text: done(`,"error":{}`), runs: wanted, outcome: driver.Succeeded, status: driver.Done},
		"not read back":     {text: done(``), runs: before, outcome: driver.Failed, status: driver.Done, errors: []string{"NOT_DEPLOYED: the operation ended without an error, but the deployment runs " + release(before) + " by manifest m1"}},
		"warnings":          {text: done(`,"warnings":[{"code":"DEPRECATED_RESOURCE_USED","message":"old","data":[{"key":"resource","value":"vm"}]},{"message":"no code"}]`), runs: wanted, outcome: driver.Succeeded, status: driver.Done, warnings: []string{"DEPRECATED_RESOURCE_USED: old (resource: vm)", "no code"}},
		"one error":         {text: done(`,"error":{"errors":[{"code":"RESOURCE_ERROR","location":"/deployments/prod/resources/vm","message":"plain words"}]}`), runs: wanted, outcome: driver.Failed, status: driver.Done, errors: []string{"RESOURCE_ERROR: plain words (at /deployments/prod/resources/vm)"}},
		"error while at 0":  {text: `{"name":"op-1","status":"DONE","error":{"errors":[{"message":"x"}]}}`, runs: wanted, outcome: driver.Failed, status: driver.Done, errors: []string{"x"}},
		"several errors":    {text: done(`,"error":{"errors":[{"code":"A","message":"` + nested + `"},{"code":"B","message":"` + nestedString + `"},{"message":"` + twice + `"}]}`), runs: before, outcome: driver.Failed, status: driver.Done, errors: []string{"A: the image was not found", "B: You already own this bucket.", "deep down"}},
		"without location":  {text: done(`,"error":{"errors":[{"code":"A","message":"m"}]}`), runs: before, outcome: driver.Failed, status: driver.Done, errors: []string{"A: m"}},
		"object as message": {text: done(`,"error":{"errors":[{"code":7,"message":{"error":{"message":"inside"}}}]}`), runs: before, outcome: driver.Failed, status: driver.Done, errors: []string{"7: inside"}},
		"broken message":    {text: done(`,"error":{"errors":[{"message":"{\"half\":"}]}`), runs: before, outcome: driver.Failed, status: driver.Done, errors: []string{`{"half":`}},
		"no message":        {text: done(`,"error":{"errors":[{"code":"A"}]}`), runs: before, outcome: driver.Failed, status: driver.Done, errors: []string{"A: no message is given"}},
		"http error":        {text: done(`,"httpErrorStatusCode":400,"httpErrorMessage":"BAD REQUEST"`), runs: before, outcome: driver.Failed, status: driver.Done, errors: []string{"400: BAD REQUEST"}},
		"vanished, done":    {text: "404", runs: wanted, outcome: driver.Succeeded, status: driver.Done},
		"vanished, not":     {text: "404", runs: before, outcome: driver.Failed, status: driver.Done, errors: []string{"404: Deployment Manager does not know the operation any more (at operation op-1)", "NOT_DEPLOYED: the operation ended without an error, but the deployment runs " + release(before) + " by manifest m1"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := deployed(t, tt.runs, map[string]string{"operations/op-1": tt.text})
			op, _, err := d.Poll(t.Context(), begun(driver.Deploy))
			if err != nil {
				t.Fatal(err)
			}
			r := op.Results["prod"]
			if r.Outcome != tt.outcome || op.Status != tt.status {
				t.Errorf("%s, %+v", op.Status, r)
			}
			if got := texts(r.Errors); got != strings.Join(tt.errors, "\n") {
				t.Errorf("errors\n%s\nwant\n%s", got, strings.Join(tt.errors, "\n"))
			}
			if got := texts(op.Warnings); got != strings.Join(tt.warnings, "\n") {
				t.Errorf("warnings\n%s", got)
			}
			if r.Outcome == driver.Succeeded && r.Release.ID != release(wanted) {
				t.Errorf("read back %s", r.Release.ID)
			}
		})
	}
}

func texts(problems []driver.Problem) string {
	lines := make([]string, len(problems))
	for i, p := range problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Polling that is refused is no failure of the operation; the platform's word on
// when to ask again is passed on.
func TestPollRefused(t *testing.T) {
	for text, want := range map[string]driver.Code{"403": driver.Denied, "429": driver.Retryable, "503": driver.Lost} {
		d := deployed(t, before, map[string]string{"operations/op-1": text})
		_, wait, err := d.Poll(t.Context(), begun(driver.Deploy))
		if x := d.Explain(err); x.Code != want || x.Message == "" || want == driver.Denied && x.Remedy == "" {
			t.Errorf("%s: %+v", text, x)
		}
		if wait != 7*time.Second {
			t.Errorf("%s: ask again after %s", text, wait)
		}
	}
}

// Every state in which a lost answer can leave the deployment.
func TestLookups(t *testing.T) {
	deployment := func(rest string) string {
		return `{"name":"prod","fingerprint":"bmV3","manifest":"https://x/manifests/m1"` + rest + `}`
	}
	const running, failed = `,"operation":{"name":"op-2","status":"RUNNING","progress":50}`, `,"operation":{"name":"op-2","status":"DONE","progress":100,"error":{"errors":[{"message":"no"}]}}`
	const update = `,"update":{"manifest":"https://x/manifests/m2"}`
	late := strings.Replace(manifest("m2", wanted), "09:00:00", "12:00:00", 1)
	tests := map[string]struct {
		kind    driver.Kind
		runs    string
		over    map[string]string
		verdict driver.Verdict
		outcome driver.Outcome
	}{
		"same fingerprint":    {driver.Deploy, before, map[string]string{"deployments/prod": strings.Replace(deployment(""), "bmV3", "b2xk", 1)}, driver.Absent, ""},
		"never made":          {driver.Deploy, before, map[string]string{"deployments/prod": "404"}, driver.Absent, ""},
		"runs ours":           {driver.Deploy, wanted, nil, driver.Found, driver.Succeeded},
		"at work on ours":     {driver.Deploy, before, map[string]string{"deployments/prod": deployment(update + running), "deployments/prod/manifests/m2": late}, driver.Found, driver.Open},
		"failed on ours":      {driver.Deploy, before, map[string]string{"deployments/prod": deployment(update + failed), "deployments/prod/manifests/m2": late}, driver.Found, driver.Failed},
		"failed and forgot":   {driver.Deploy, before, map[string]string{"deployments/prod": strings.Replace(deployment(failed), "m1", "m0", 1), "deployments/prod/manifests/m0": manifest("m0", before), "deployments/prod/manifests": `{"manifests":[` + late + `]}`}, driver.Found, driver.Failed},
		"failed on ours once": {driver.Deploy, before, map[string]string{"deployments/prod": strings.Replace(deployment(strings.Replace(failed, `"op-2"`, `"op-2","insertTime":"2026-03-02T13:00:00.000-07:00"`, 1)), "m1", "m0", 1), "deployments/prod/manifests/m0": manifest("m0", before), "deployments/prod/manifests": `{"manifests":[` + late + `]}`}, driver.Absent, ""},
		"failed on another":   {driver.Deploy, before, map[string]string{"deployments/prod": strings.Replace(deployment(failed), "m1", "m0", 1), "deployments/prod/manifests/m0": manifest("m0", before)}, driver.Absent, ""},
		"at work on another":  {driver.Deploy, before, map[string]string{"deployments/prod": deployment(update + running), "deployments/prod/manifests/m2": manifest("m2", "x")}, driver.ForeignChange, driver.Failed},
		"runs another":        {driver.Deploy, "resources: [two]\n", nil, driver.ForeignChange, driver.Failed},
		"approved, at work":   {driver.Approve, before, map[string]string{"deployments/prod": deployment(update + running), "deployments/prod/manifests/m2": late}, driver.Found, driver.Open},
		"approval waits":      {driver.Approve, before, map[string]string{"deployments/prod": deployment(update), "deployments/prod/manifests/m2": late}, driver.Absent, ""},
		"approved":            {driver.Approve, wanted, nil, driver.Found, driver.Succeeded},
		"rejected":            {driver.Reject, before, nil, driver.Found, driver.Succeeded},
		"rejection at work":   {driver.Reject, before, map[string]string{"deployments/prod": deployment(update + running), "deployments/prod/manifests/m2": late}, driver.Found, driver.Open},
		"rejection waits":     {driver.Reject, before, map[string]string{"deployments/prod": deployment(update), "deployments/prod/manifests/m2": late}, driver.Absent, ""},
		"approved by another": {driver.Reject, wanted, nil, driver.ForeignChange, driver.Failed},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			verdict, op, err := deployed(t, tt.runs, tt.over).Lookup(t.Context(), begun(tt.kind).Call)
			if err != nil || verdict != tt.verdict || op.Results["prod"].Outcome != tt.outcome {
				t.Errorf("%s, %+v, %v", verdict, op.Results, err)
			}
		})
	}
}

// A project that is not to be seen is no deployment that is not there yet.
func TestProjects(t *testing.T) {
	for text, want := range map[string]driver.Code{"403": driver.Denied, "404": driver.NotFound} {
		d := deployed(t, before, map[string]string{"deployments/prod": "404", "deployments": text})
		_, err := stagetest.Current(t.Context(), d, target("prod"))
		if x := d.Explain(err); x.Code != want || x.Remedy == "" {
			t.Errorf("%s: %+v", text, x)
		}
	}
	d := deployed(t, before, map[string]string{"deployments/prod": "404"})
	if r, err := stagetest.Current(t.Context(), d, target("prod")); err != nil || r.ID != "" {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestNotPrepared(t *testing.T) {
	d := deployed(t, before, nil)
	for name, c := range map[string]driver.Call{
		"no data":    {Kind: driver.Deploy, Changes: []driver.Change{{Target: target("prod")}}},
		"no changes": {Kind: driver.Deploy},
		"no project": {Kind: driver.Deploy, Data: begun(driver.Deploy).Call.Data, Changes: []driver.Change{{Target: driver.Target{Config: []byte(`{}`)}}}},
	} {
		_, begin := d.Begin(t.Context(), c)
		_, _, lookup := d.Lookup(t.Context(), c)
		_, _, poll := d.Poll(t.Context(), driver.Operation{Call: c})
		for _, err := range []error{begin, lookup, poll} {
			if x := d.Explain(err); x.Code != driver.Invalid {
				t.Errorf("%s: %+v (%v)", name, x, err)
			}
		}
	}
}

// TestErrorsWithinErrors: what operations said in the field is shown whole, of
// operations that somebody else began too.
func TestErrorsWithinErrors(t *testing.T) {
	data, err := os.ReadFile("testdata/nested.json")
	if err != nil {
		t.Fatal(err)
	}
	var said []json.RawMessage
	if err := json.Unmarshal(data, &said); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"RESOURCE_ERROR: \n\t(1) timed out waiting for the load balancer\n\t(2) deadline (at /deployments/shop/resources/cluster)",
		`CONDITION_NOT_MET: "": domain: validation; keyword: properties; missing: ["clusterId"] (at /deployments/shop/resources/c->$.properties)`,
		"RESOURCE_ERROR: There were concurrent policy changes.",
		"NO_METHOD_TO_UPDATE_FIELD: no message is given\nno message is given",
		"RESOURCE_ERROR: Not Found (POST https://example.com/v1/keyRings/k) (at /d)",
	}
	if len(said) != len(want) {
		t.Fatalf("%d entries, want %d", len(said), len(want))
	}
	for i, errors := range said {
		text := fmt.Sprintf(`{"kind":"deploymentmanager#operation","id":"7","name":"op-1","operationType":"insert","targetId":"8","targetLink":"https://x/typeProviders/p","status":"DONE","progress":100,"error":{"errors":%s}}`, errors)
		d := deployed(t, before, map[string]string{"operations/op-1": text})
		op, _, err := d.Operation(t.Context(), target("prod"), "op-1")
		if err != nil {
			t.Fatal(err)
		}
		r := op.Results["prod"]
		if got := texts(r.Errors); r.Outcome != driver.Failed || op.Kind != "insert" || got != want[i] {
			t.Errorf("%s of %q:\n%q\nwant\n%q", r.Outcome, op.Kind, got, want[i])
		}
		if about := `{"kind":"deploymentmanager#operation","id":"7","targetLink":"https://x/typeProviders/p","targetId":"8"}`; string(r.Data) != about {
			t.Errorf("it says of itself %s, want %s", r.Data, about)
		}
	}
}

// TestOthersOperations: an operation of somebody else's, as far as it is.
func TestOthersOperations(t *testing.T) {
	for text, want := range map[string]driver.Outcome{
		`{"name":"op-1","status":"RUNNING","progress":30}`:                     driver.Open,
		`{"name":"op-1","status":"PONDERING","progress":100}`:                  driver.Open,
		`{"name":"op-1","status":"DONE","progress":100,"error":{"errors":[]}}`: driver.Succeeded,
		`{"name":"op-1","status":"DONE","progress":100,"error":null}`:          driver.Succeeded,
	} {
		d := deployed(t, before, map[string]string{"operations/op-1": text})
		op, _, err := d.Operation(t.Context(), target("prod"), "https://www.googleapis.com/deploymentmanager/v2/projects/shop-1234/global/operations/op-1")
		if err != nil {
			t.Fatal(err)
		}
		if got := op.Results["prod"].Outcome; got != want || op.Finished() != (want != driver.Open) {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
		if unknown := strings.Contains(text, "PONDERING"); unknown != (len(op.Warnings) == 1) {
			t.Errorf("%s: warnings %v", text, op.Warnings)
		}
	}
}
