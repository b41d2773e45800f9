package check

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sluice/analysis"
	"sluice/rollout"
)

// answered is one answer as the vendor's documents have it.
type answered struct {
	status int // 200 unless given
	header http.Header
	body   string
}

// wire answers requests in turn, and keeps them.
type wire struct {
	answers []answered
	asked   []*http.Request
}

func (w *wire) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	w.asked = append(w.asked, r)
	if len(w.answers) == 0 {
		http.Error(out, "nothing more was expected", http.StatusTeapot)
		return
	}
	next := w.answers[0]
	w.answers = w.answers[1:]
	for name, values := range next.header {
		out.Header()[name] = values
	}
	out.Header().Set("Content-Type", "application/json")
	out.WriteHeader(max(next.status, http.StatusOK))
	fmt.Fprint(out, next.body) //nolint:errcheck // a recorder
}

// at is a time in milliseconds, as Datadog writes it.
func at(before time.Duration) int64 { return start.Add(-before).UnixMilli() }

// queried is the answer to GET /api/v1/query with these points, in the form of
// https://docs.datadoghq.com/api/latest/metrics/query-timeseries-points/.
func queried(points string) string {
	return fmt.Sprintf(`{"status":"ok","resp_version":1,"res_type":"time_series","query":"avg:trace.http.request.errors{env:prod} by {service}",
		"from_date":%d,"to_date":%d,"message":"","group_by":["service"],"times":[],"values":[],
		"series":[{"unit":[{"family":"percentage","id":17,"name":"percent","short_name":"%%","plural":"percent","scale_factor":1.0},null],
			"query_index":0,"aggr":"avg","metric":"trace.http.request.errors","tag_set":["service:shop"],"expression":"avg:trace.http.request.errors{env:prod,service:shop}",
			"scope":"env:prod,service:shop","interval":60,"length":3,"start":%d,"end":%d,"display_name":"trace.http.request.errors","attributes":{},"pointlist":[%s]}]}`,
		at(10*time.Minute), at(0), at(10*time.Minute), at(0), points)
}

// gateSaid is the answer to GET …/evaluation/{id}, in the form of
// https://docs.datadoghq.com/deployment_gates/.
func gateSaid(status string, dryRun bool, rules string) answered {
	return answered{body: fmt.Sprintf(`{"data":{"id":"4f0a6f9e-6f2c-4d3c-9a27-51f4f1d9a3b1","type":"deployment_gates_evaluation_result_response","attributes":{
		"dry_run":%t,"evaluation_id":"e9d2f04f-4f4b-494b-86e5-52f03e10c8e9","evaluation_url":"https://app.datadoghq.com/ci/deployment-gates/evaluations?index=cdgates",
		"gate_id":"e140302e-0cba-40d2-978c-6780647f8f1c","gate_status":%q,"rules":[%s]}}}`, dryRun, status, rules)}
}

func ruleSaid(status, reason string, dryRun bool) string {
	return fmt.Sprintf(`{"name":"Service monitors","status":%q,"reason":%q,"dry_run":%t}`, status, reason, dryRun)
}

var (
	gateBegun = answered{status: http.StatusAccepted, body: `{"data":{"id":"9b1f…","type":"deployment_gates_evaluation_response","attributes":{"evaluation_id":"e9d2f04f-4f4b-494b-86e5-52f03e10c8e9"}}}`}
	tooSoon   = answered{status: http.StatusNotFound, body: `{"errors":[{"status":"404","title":"Generic Error","detail":"evaluation not found"}]}`}
	limited   = answered{status: http.StatusTooManyRequests, header: http.Header{
		"X-Ratelimit-Limit": {"100"}, "X-Ratelimit-Period": {"60"}, "X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {"12"}, "X-Ratelimit-Name": {"metrics_query"},
	}, body: `{"errors":["Too many requests"]}`}
	forbidden = answered{status: http.StatusForbidden, body: `{"errors":["Forbidden"]}`}
)

// inMonitor is an instant PromQL answer of Cloud Monitoring: as Prometheus answers.
func inMonitor(result string) answered {
	return answered{body: `{"status":"success","data":{"resultType":"vector","result":[` + result + `]}}`}
}

func policySaid(enabled string) answered {
	return answered{body: `{"alertPolicies":[{"name":"projects/my-project-123/alertPolicies/12345","displayName":"Errors","combiner":"OR",` + enabled + `
		"conditions":[{"name":"projects/my-project-123/alertPolicies/12345/conditions/1","displayName":"5xx","conditionThreshold":{"comparison":"COMPARISON_GT","duration":"0s"}}],
		"creationRecord":{"mutateTime":"2026-01-01T00:00:00Z","mutatedBy":"anna@example.com"}}],"totalSize":1}`}
}

func alertSaid(state string) string {
	return `{"name":"projects/my-project-123/alerts/0.nabcdef","state":"` + state + `","openTime":"2026-01-01T00:00:00Z",
		"resource":{"type":"cloud_run_revision","labels":{"service_name":"shop"}},"metric":{"type":"run.googleapis.com/request_count"},
		"policy":{"name":"projects/my-project-123/alertPolicies/12345","displayName":"Errors","severity":"CRITICAL"}}`
}

// TestWire: what measures reads the vendors' own answers, as their documents show
// them; the emulators' are not the only ones it knows.
func TestWire(t *testing.T) {
	query := "avg:trace.http.request.errors{env:prod} by {service}"
	metric := func(answers ...answered) wireCase { return wireCase{gate: datadogMetric(query, 0.1), answers: answers} }
	gates := func(answers ...answered) wireCase { return wireCase{gate: gate("shop"), answers: answers} }
	google := func(answers ...answered) wireCase { return wireCase{gate: googleMetric("up", 0.1), answers: answers} }
	alerts := func(answers ...answered) wireCase { return wireCase{gate: policies("Errors"), answers: answers} }
	point := func(before time.Duration, value string) string { return fmt.Sprintf("[%d.0,%s]", at(before), value) }
	for name, c := range map[string]wireCase{
		"datadog: good": metric(answered{body: queried(point(4*time.Minute, "0.05") + "," + point(3*time.Minute, "0.02"))}).
			says(analysis.Passed, "0.05", "").asks("GET /api/v1/query", "from=946683600", "to=946684800", "query=avg"),
		"datadog: bad":               metric(answered{body: queried(point(4*time.Minute, "0.05") + "," + point(3*time.Minute, "0.7"))}).says(analysis.Failed, "0.7", "env:prod,service:shop"),
		"datadog: nothing measured":  metric(answered{body: queried(point(4*time.Minute, "null"))}).says(analysis.Inconclusive, "", "no points"),
		"datadog: a hole":            metric(answered{body: queried(point(4*time.Minute, "null") + "," + point(3*time.Minute, "0.01"))}).says(analysis.Passed, "0.01", ""),
		"datadog: late":              metric(answered{body: queried("")}).says(analysis.Inconclusive, "", "no points"),
		"datadog: the last grows":    metric(answered{body: queried(point(2*time.Minute, "0.01") + "," + point(0, "0.9"))}).says(analysis.Passed, "0.01", ""),
		"datadog: no series":         metric(answered{body: `{"status":"ok","res_type":"time_series","series":[],"from_date":1,"to_date":2,"group_by":[],"message":"","query":"x"}`}).says(analysis.Inconclusive, "", "no series"),
		"datadog: wrong query":       metric(answered{body: `{"status":"error","error":"Rule 'scope_expr' didn't match at ')'","series":[],"query":"x"}`}).says(analysis.Inconclusive, "", "scope_expr"),
		"datadog: NaN is no JSON":    metric(answered{body: queried(point(4*time.Minute, "NaN"))}).says(analysis.Inconclusive, "", "not JSON"),
		"datadog: a page of HTML":    metric(answered{body: "<html>maintenance</html>"}).says(analysis.Inconclusive, "", "not JSON"),
		"datadog: throttled":         metric(limited).says(analysis.Inconclusive, "", "Too many requests"),
		"datadog: wrong keys":        metric(forbidden).says(analysis.Inconclusive, "", "Forbidden").decides(),
		"datadog: out of order":      metric(answered{status: http.StatusServiceUnavailable, body: "upstream connect error"}).says(analysis.Inconclusive, "", "503"),
		"datadog: an answer of null": metric(answered{body: "null"}).says(analysis.Inconclusive, "", ""),

		"gate: passes": gates(gateBegun, tooSoon, gateSaid("in_progress", false, ""), gateSaid("pass", false, ruleSaid("pass", "", false))).
			says(analysis.Passed, "", "").asks("POST /api/v2/deployments/gates/evaluation", "GET /api/v2/deployments/gates/evaluation/e9d2f04f-4f4b-494b-86e5-52f03e10c8e9"),
		"gate: fails":                       gates(gateBegun, gateSaid("fail", false, ruleSaid("fail", "One or more monitors in ALERT state", false))).says(analysis.Failed, "", "One or more monitors"),
		"gate: is a dry run":                gates(gateBegun, gateSaid("pass", true, ruleSaid("fail", "ALERT", false))).says(analysis.Inconclusive, "", "dry run").decides(),
		"gate: its rules are dry runs":      gates(gateBegun, gateSaid("pass", false, ruleSaid("fail", "ALERT", true))).says(analysis.Inconclusive, "", "dry run").decides(),
		"gate: passes against its own rule": gates(gateBegun, gateSaid("pass", false, ruleSaid("fail", "ALERT", false))).says(analysis.Inconclusive, "", "rule Service monitors: fail ALERT").decides(),
		"gate: not there":                   gates(answered{status: http.StatusNotFound, body: `{"errors":[{"status":"404","title":"Generic Error","detail":"gate not found"}]}`}).says(analysis.Inconclusive, "", "gate not found").decides(),
		"gate: a status of tomorrow":        gates(gateBegun, gateSaid("warn", false, "")).says(analysis.Inconclusive, "", `"warn"`),
		"gate: throttled":                   gates(limited).says(analysis.Inconclusive, "", "Too many requests"),
		"gate: throttled while it is asked": gates(gateBegun, limited).says(analysis.Inconclusive, "", "Too many requests"),
		"gate: names no evaluation":         gates(answered{status: http.StatusAccepted, body: `{"data":{}}`}).says(analysis.Inconclusive, "", "names no evaluation"),

		"monitoring: good": google(inMonitor(`{"metric":{"__name__":"up"},"value":[946684800.000,"0.05"]}`)).
			says(analysis.Passed, "0.05", "").asks("GET /v1/projects/my-project-123/location/global/prometheus/api/v1/query", "query=up", "time=946684800.000"),
		"monitoring: one series is bad": google(inMonitor(`{"metric":{"a":"1"},"value":[946684800,"0.05"]},{"metric":{"a":"2"},"value":[946684800,"0.2"]}`)).says(analysis.Failed, "0.2", `a="2"`),
		"monitoring: NaN":               google(inMonitor(`{"metric":{},"value":[946684800,"NaN"]}`)).says(analysis.Inconclusive, "", "NaN"),
		"monitoring: missing":           google(inMonitor("")).says(analysis.Inconclusive, "", "no series"),
		"monitoring: throttled": google(answered{status: http.StatusTooManyRequests, body: `{"error":{"code":429,"message":"Quota exceeded for quota metric 'Time series queries'","status":"RESOURCE_EXHAUSTED"}}`}).
			says(analysis.Inconclusive, "", "429"),
		"monitoring: not allowed": google(answered{status: http.StatusForbidden, body: `{"error":{"code":403,"message":"Permission monitoring.timeSeries.list denied","status":"PERMISSION_DENIED"}}`}).
			says(analysis.Inconclusive, "", "403").decides(),
		"monitoring: a wrong query": google(answered{status: http.StatusBadRequest, body: `{"status":"error","errorType":"bad_data","error":"invalid parameter \"query\": parse error"}`}).
			says(analysis.Inconclusive, "", "parse error").decides(),
		"monitoring: a type of tomorrow": google(answered{body: `{"status":"success","data":{"resultType":"string","result":[946684800,"well"]}}`}).says(analysis.Inconclusive, "", "not numbers"),

		"policies: quiet": alerts(policySaid(`"enabled":true,`), answered{body: `{"totalSize":0}`}).
			says(analysis.Passed, "OK", "").asks("GET /v3/projects/my-project-123/alertPolicies", "GET /v3/projects/my-project-123/alerts", `filter=state="OPEN"`),
		"policies: closed is quiet": alerts(policySaid(`"enabled":true,`), answered{body: `{"alerts":[` + alertSaid("CLOSED") + `],"totalSize":1}`}).says(analysis.Passed, "OK", ""),
		"policies: open":            alerts(policySaid(`"enabled":true,`), answered{body: `{"alerts":[` + alertSaid("OPEN") + `],"totalSize":1}`}).says(analysis.Failed, "Errors", "incidents are open: Errors"),
		"policies: open on page two": alerts(policySaid(`"enabled":true,`), answered{body: `{"alerts":[` + alertSaid("CLOSED") + `],"nextPageToken":"abc","totalSize":2}`}, answered{body: `{"alerts":[` + alertSaid("OPEN") + `],"totalSize":2}`}).
			says(analysis.Failed, "Errors", ""),
		"policies: switched off":           alerts(policySaid(`"enabled":false,`), answered{body: `{}`}).says(analysis.Inconclusive, "", "disabled").decides(),
		"policies: not there":              alerts(answered{body: `{}`}, answered{body: `{}`}).says(analysis.Inconclusive, "", "is called Errors").decides(),
		"policies: a state of tomorrow":    alerts(policySaid(`"enabled":true,`), answered{body: `{"alerts":[` + alertSaid("SNOOZED") + `]}`}).says(analysis.Failed, "Errors", ""),
		"policies: throttled at incidents": alerts(policySaid(`"enabled":true,`), answered{status: http.StatusTooManyRequests, body: `{"error":{"code":429,"message":"Quota exceeded","status":"RESOURCE_EXHAUSTED"}}`}).says(analysis.Inconclusive, "", "429"),
	} {
		t.Run(name, func(t *testing.T) { synctest.Test(t, c.look) })
	}
}

// wireCase is a look, how the vendor answers, and what must come of it.
type wireCase struct {
	gate    rollout.Gate
	answers []answered
	verdict analysis.Verdict
	value   string
	text    string
	decide  bool
	asked   []string // "METHOD PATH", or a part of a request's query
}

func (c wireCase) says(v analysis.Verdict, value, text string) wireCase {
	c.verdict, c.value, c.text = v, value, text
	return c
}

// decides is says of what a person decides at once: no later look mends it.
func (c wireCase) decides() wireCase {
	c.decide = true
	return c
}

func (c wireCase) asks(what ...string) wireCase {
	c.asked = what
	return c
}

func (c wireCase) look(t *testing.T) {
	b, vendor := newBed(), &wire{answers: c.answers}
	b.Transport = hosts{"127.0.0.1:3": vendor, "127.0.0.1:4": vendor}
	now := time.Now()
	w := analysis.Window{Begin: now.Add(-20 * time.Minute), Now: now, End: now.Add(time.Hour), Interval: 10 * time.Minute}
	got := b.Look(t.Context(), c.gate, Vars{}, w)
	if got.Verdict != c.verdict || got.Value != c.value || got.Decide != c.decide || !strings.Contains(got.Text, c.text) {
		t.Errorf("%+v", got)
	}
	if len(vendor.answers) > 0 {
		t.Errorf("%d answers were not asked for", len(vendor.answers))
	}
	var asked []string
	for _, r := range vendor.asked {
		asked = append(asked, r.Method+" "+r.URL.Path)
		for name, values := range r.URL.Query() {
			asked = append(asked, name+"="+strings.Join(values, ","))
		}
		if r.URL.Host == "127.0.0.1:4" && (r.Header.Get("DD-API-KEY") == "" || r.Header.Get("DD-APPLICATION-KEY") == "") {
			t.Errorf("%s was sent without keys", r.URL)
		}
	}
	for _, part := range c.asked {
		if !slices.ContainsFunc(asked, func(one string) bool {
			return one == part || strings.Contains(part, "=") && strings.HasPrefix(one, part)
		}) {
			t.Errorf("asked %q, want %q", asked, part)
		}
	}
}
