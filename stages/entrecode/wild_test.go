package entrecode_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice/stages/driver"
	"sluice/stages/entrecode"
	"sluice/stages/stagetest"
)

// wild is a server that answers by script, for what the emulator does not do.
type wild struct {
	*httptest.Server
	mu      sync.Mutex
	answers map[string]string // by path; after a blank the query, where it matters
	status  map[string]int
	header  http.Header
	strict  string // a path that answers 400 without the right query
	posts   []string
}

func newWild(t *testing.T, answers map[string]string) *wild {
	w := &wild{answers: answers, status: map[string]int{}, header: http.Header{}}
	w.Server = httptest.NewServer(w)
	t.Cleanup(w.Close)
	return w
}

// ServeHTTP answers a POST with what the path "POST" has.
func (w *wild) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	key := r.URL.Path
	if r.Method == http.MethodPost {
		w.posts = append(w.posts, r.URL.String())
		key = "POST"
		if next, ok := w.answers["after"]; ok {
			w.answers["/deps"] = next
		}
	}
	body, ok := w.answers[key+" "+r.URL.RawQuery]
	if !ok {
		body, ok = w.answers[key]
	}
	for name, values := range w.header {
		rw.Header()[name] = values
	}
	switch status := w.status[key]; {
	case w.strict == key && !strings.Contains(r.URL.RawQuery, "platformID"):
		rw.WriteHeader(http.StatusBadRequest)
	case status != 0:
		rw.WriteHeader(status)
	case !ok:
		rw.WriteHeader(http.StatusNotFound)
		body = `{"status":404,"code":3100,"title":"Resource not found"}`
	case r.Method == http.MethodPost:
		rw.WriteHeader(http.StatusCreated)
	}
	fmt.Fprint(rw, body)
}

func (w *wild) driver(t *testing.T) driver.Driver {
	t.Helper()
	env := map[string]string{"ENTRECODE_ACCESS_TOKEN": "x", "ENTRECODE_APPSERVER_URL": w.URL + "/"}
	d, err := entrecode.Open(t.Context(), driver.Env{Getenv: func(name string) string { return env[name] }})
	must(t, err)
	return d
}

// documented is what a server shows that knows the documents and nothing else:
// no templates, no ids inlined in deployments. "after" is the list of
// deployments after a POST.
func documented() map[string]string {
	return map[string]string{
		"/":    `{"_links":{"ec:apps":{"href":"all"}}}`,
		"/all": `{"_embedded":{"ec:app":{"appID":"a","_links":{"self":{"href":"/one"}}}}}`,
		"/one": `{"appID":"a","_links":{"ec:app/platforms":[{"href":"/plats"}]}}`,
		"/plats": `{"_embedded":{"ec:app/platform":[
			{"platformID":"q"},{"platformID":"p","_links":{"ec:app/deployments":{"href":"/deps?k=v"}}}]}}`,
		"/deps": `{"total":3,"_embedded":{"ec:app/deployment":[` + deployed() + `]}}`,
		"after": `{"total":4,"_embedded":{"ec:app/deployment":[` + deployed() + `,
			{"deploymentID":10,"successful":"success","started":"2026-01-04T00:00:00Z","_links":{"ec:app/build":{"href":"/b/70"},` + both + `}}]}}`,
		"/t/1":  `{"targetID":"t1"}`,
		"/t/2":  `{"targetID":"t2"}`,
		"/b/70": `{"buildID":70,"successful":"success","started":"2026-01-01T00:00:00.5Z"}`,
		"/b/80": `{"buildID":"80","successful":"success","started":"2026-01-01 12:00:00+00"}`,
		"POST":  `{"deploymentID":10,"successful":"running","_links":{"self":{"href":"/d/10"}}}`,
		"/d/10": `{"deploymentID":10,"successful":"success","results":{"a":1},"_links":{"ec:app/build":{"href":"/b/70"},` + both + `}}`,
	}
}

// both are the links of a deployment to both targets.
const both = `"ec:app/target":[{"href":"/t/1"},{"href":"/t/2"}]`

// deployed are the deployments that a documented server starts with.
func deployed() string {
	return `{"deploymentID":"7","successful":"success","started":"2026-01-01T00:00:00Z","_links":{"ec:app/build":{"href":"/b/70"},` + both + `}},
		{"deploymentID":8,"successful":"success","started":"2026-01-02T00:00:00Z","_links":{"self":{"href":"/d/8"},"ec:app/build":{"href":"/b/80"},` + both + `}},
		{"deploymentID":9,"successful":"error","started":"2026-01-03T00:00:00Z","_links":{"ec:app/build":{"href":"/b/80"},` + both + `}}`
}

func wildTarget() driver.Target {
	t := place("wild", "p", "t2", "t1")
	t.Config = []byte(strings.Replace(string(t.Config), "a-shop", "a", 1))
	return t
}

func TestDocumentedServerAlone(t *testing.T) {
	w := newWild(t, documented())
	d := w.driver(t)
	now, err := stagetest.Current(t.Context(), d, wildTarget())
	must(t, err)
	if now.ID != "80" || now.Platform != "8" || !now.CreateTime.Equal(time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)) {
		t.Errorf("runs %+v", now)
	}
	p := prepare(t, d, deploy("70", wildTarget(), nil))
	if text := messages(p, driver.Refuse); text != "" {
		t.Fatalf("refused: %s", text)
	}
	op := follow(t, d, p, 1)
	if !op.Finished() || op.Results["wild"].Outcome != driver.Succeeded || string(op.Results["wild"].Data) != `{"a":1}` {
		t.Errorf("%+v", op)
	}
	if want := []string{"/deps?buildID=70&k=v&platformID=p&targetID=t1%2Ct2"}; !slices.Equal(w.posts, want) {
		t.Errorf("posted %v, want %v", w.posts, want)
	}
}

// A success that carries another build than ours is not ours.
func TestSuccessOfAnotherBuild(t *testing.T) {
	answers := documented()
	answers["/d/10"] = `{"deploymentID":10,"successful":"success","_links":{"ec:app/build":{"href":"/b/80"}}}`
	w := newWild(t, answers)
	d := w.driver(t)
	p := prepare(t, d, deploy("70", wildTarget(), nil))
	op := follow(t, d, p, 0)
	op.Call = p.Call
	if _, _, err := d.Poll(t.Context(), op); err == nil || !strings.Contains(err.Error(), "has build 80, not 70") {
		t.Errorf("%v", err)
	}
}

func TestAnswersToAnEffect(t *testing.T) {
	tests := []struct {
		name, body, text string
		status           int
		code             driver.Code
	}{
		{"another build", `{"deploymentID":10,"successful":"running","buildID":71}`, "build 71, not 70", 0, driver.Lost},
		{"another platform", `{"deploymentID":10,"successful":"running","platformID":"q"}`, "platform q, not p", 0, driver.Lost},
		{"other targets", `{"deploymentID":10,"successful":"running","targetIDs":"t1"}`, "targets [t1]", 0, driver.Lost},
		{"no number", `{"deploymentID":"x"}`, "no number", 0, driver.Lost},
		{"no status", `{"deploymentID":10}`, "neither that it runs nor how it ended", 0, driver.Lost},
		{"a status of another type", `{"deploymentID":10,"successful":true}`, "no text but true", 0, driver.Lost},
		{"nothing", `{}`, "without deploymentID", 0, driver.Lost},
		{"null", `null`, "null", 0, driver.Lost},
		{"no HAL", `created`, "not a JSON object", 0, driver.Lost},
		{"a proxy's page", `<h1>Bad   gateway</h1>`, "Bad Gateway: <h1>Bad gateway</h1> (HTTP 502)", 502, driver.Lost},
		{"internal error", `{"code":3000,"title":"Internal Error."}`, "3000 Internal Error. (HTTP 500)", 500, driver.Lost},
		{"malformed", `{"code":3212,"title":"Invalid format","detail":"buildID","verbose":{"is":"x"}}`, `3212 Invalid format: buildID: {"is":"x"} (HTTP 400)`, 400, driver.Invalid},
		{"more errors", `{"code":"3202","title":"Missing","_embedded":{"error":{"code":3201,"title":"Also"}}}`, "3202 Missing; 3201 Also (HTTP 400)", 400, driver.Invalid},
		{"outdated", `{"code":3402,"title":"Outdated Access Token"}`, "3402", 401, driver.Denied},
		{"plan", `{"code":3511,"title":"Insufficient plan"}`, "3511", 403, driver.Denied},
		{"method", `{"code":3411,"title":"Insufficient rights"}`, "3411", 405, driver.Denied},
		{"conflict", `{"code":3300,"title":"Conflict"}`, "3300 Conflict (HTTP 409)", 409, driver.Conflict},
		{"nobody's conflict", ``, "Conflict (HTTP 409)", 409, driver.Lost},
		{"nobody's 404", `<html>`, "Not Found: <html> (HTTP 404)", 404, driver.Lost},
		{"throttled", ``, "Too Many Requests", 429, driver.Retryable},
		{"moved", ``, "Temporary Redirect", 307, driver.Lost},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWild(t, documented())
			d := w.driver(t)
			p := prepare(t, d, deploy("70", wildTarget(), nil))
			w.answers["POST"], w.status["POST"] = tt.body, tt.status
			w.header.Set("Location", "/deps")
			w.header.Set("Retry-After", "7")
			_, err := d.Begin(t.Context(), p.Call)
			x := d.Explain(err)
			if err == nil || !strings.Contains(err.Error(), tt.text) || x.Code != tt.code || len(w.posts) != 1 {
				t.Errorf("%v (%s) after posts %v, want %q (%s)", err, x.Code, w.posts, tt.text, tt.code)
			}
			if x.Code == driver.Retryable && x.RetryAfter != 7*time.Second {
				t.Errorf("retry after %s", x.RetryAfter)
			}
			if x.Code == driver.Denied && x.Remedy == "" {
				t.Error("no remedy")
			}
		})
	}
}

// list has pages of one deployment each, as the scripts make them.
func list(rest string) map[string]string {
	answers := documented()
	answers["/plats"] = `{"_embedded":{"ec:app/platform":{"platformID":"p","_links":{
		"ec:app/deployments/options":{"href":"/list{?platformID,page,size}"}}}}}`
	answers["/list"] = rest
	return answers
}

func TestPages(t *testing.T) {
	page := func(id int, more string) string {
		return fmt.Sprintf(`{%s"_embedded":{"ec:app/deployment":{"deploymentID":%d,"buildID":%d,"successful":"success","targetIDs":["t1","t2"]}}}`, more, id, id*10)
	}
	tests := []struct {
		name    string
		answers map[string]string
		build   string
		text    string
	}{
		{"next", map[string]string{
			"/list":   page(7, `"_links":{"next":{"href":"/second"}},`),
			"/second": page(9, `"_links":{"next":{"href":"third"}},`),
			"/third":  page(8, `"total":3,`),
		}, "90", ""},
		{"no next, a page template", map[string]string{
			"/list":                              page(7, `"total":3,`),
			"/list platformID=p&page=2&size=100": page(9, `"total":3,`),
			"/list platformID=p&page=3&size=100": page(8, `"total":3,`),
		}, "90", ""},
		{"an empty page before the end", map[string]string{
			"/list":                              page(7, `"total":3,`),
			"/list platformID=p&page=2&size=100": `{"total":3,"_links":{"next":{"href":"/list?platformID=p&page=3&size=100"}}}`,
		}, "", "3 entries and gave 1"},
		{"a loop", map[string]string{"/list": page(7, `"_links":{"next":{"href":"/second"}},`), "/second": page(8, `"_links":{"next":{"href":"/second"}},`)}, "", "leads back"},
		{"half a list", map[string]string{"/list": page(7, `"_links":{"next":{"href":"/second"}},`), "/second": `{"total":5,"_embedded":{"x":{}}}`, "/list platformID=p&page=3&size=100": ""}, "", "5 entries and gave 1"},
		{"away", map[string]string{"/list": page(7, `"_links":{"next":{"href":"https://192.0.2.1/"}},`)}, "", "leads away"},
		{"no number", map[string]string{"/list": `{"_embedded":{"ec:app/deployment":{"deploymentID":true}}}`}, "", "without deploymentID"},
		{"an id that is no number", map[string]string{"/list": `{"total":1,"_embedded":{"ec:app/deployment":{"deploymentID":"x"}}}`}, "", "no number"},
		{"one twice", map[string]string{"/list": page(7, `"total":2,"_links":{"next":{"href":"/second"}},`), "/second": page(7, `"total":2,`)}, "", "in the list twice"},
		{"another platform's", map[string]string{"/list": `{"total":1,"_embedded":{"ec:app/deployment":{"deploymentID":7,"successful":"success","platformID":"q"}}}`}, "", "of platform q in the list of platform p"},
		{"no total", map[string]string{"/list": page(7, "")}, "", "does not say its total"},
		{"a total of another type", map[string]string{"/list": page(7, `"total":{},`)}, "", "whose total is {}"},
		{"more than it says", map[string]string{"/list": page(7, `"total":0,`)}, "", "a list of 0 that embeds 1"},
		{"without targets", map[string]string{"/list": `{"total":1,"_embedded":{"ec:app/deployment":{"deploymentID":7,"successful":"success"}}}`}, "", "names no targets"},
		{"nothing at all", map[string]string{"/list": `{}`}, "", "neither a deployment nor a list"},
		{"nothing that is null", map[string]string{"/list": `{"total":null}`}, "", "whose total is null"},
		{"one and no list", map[string]string{"/list": `{"deploymentID":5,"buildID":50,"successful":"success"}`}, "", "deployment 5 instead of a list"},
		{"nothing", map[string]string{"/list": `{"count":0,"total":0,"_embedded":{}}`}, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			answers := list("")
			for path, body := range tt.answers {
				answers[path] = body
			}
			d := newWild(t, answers).driver(t)
			now, err := stagetest.Current(t.Context(), d, wildTarget())
			if now.ID != tt.build || (err == nil) != (tt.text == "") || err != nil && !strings.Contains(err.Error(), tt.text) {
				t.Errorf("runs %q, %v; want %q, %q", now.ID, err, tt.build, tt.text)
			}
		})
	}
}

func TestHalfAListIsNoList(t *testing.T) {
	answers := documented()
	answers["/deps"] = `{"total":2,"_embedded":{"ec:app/deployment":{"deploymentID":5,"buildID":50,"successful":"success","targetIDs":["t1","t2"]}}}`
	if _, err := stagetest.Current(t.Context(), newWild(t, answers).driver(t), wildTarget()); err == nil || !strings.Contains(err.Error(), "2 entries and gave 1") {
		t.Errorf("%v", err)
	}
}

// Relations may be written out as the addresses of their documentation.
func TestWrittenOutRelations(t *testing.T) {
	answers := documented()
	answers["/"] = `{"_links":{"curies":{"href":"https://doc.example.com/#relation-{rel}","templated":true},
		"https://doc.example.com/#relation-app/by-id":{"href":"/app{?appID}"}}}`
	answers["/app appID=a"] = answers["/one"]
	if now, err := stagetest.Current(t.Context(), newWild(t, answers).driver(t), wildTarget()); err != nil || now.ID != "80" {
		t.Errorf("runs %v, %v", now, err)
	}
}

func TestBuilds(t *testing.T) {
	tests := []struct {
		name, build string
		severity    driver.Severity
		text        string
	}{
		{"success", `{"buildID":70,"successful":"success"}`, "", ""},
		{"running", `{"buildID":70,"successful":"running"}`, driver.Refuse, "still running"},
		{"failed", `{"buildID":70,"successful":"error"}`, driver.Refuse, "failed"},
		{"unknown", `{"buildID":70,"successful":"partly"}`, driver.Refuse, `"partly"`},
		{"silent", `{"buildID":70}`, driver.Warn, "does not say"},
		{"of another platform", `{"buildID":70,"successful":"success","_links":{"ec:app/platform":{"href":"/q"}}}`, driver.Warn, `"ionic"`},
		{"of a deleted platform", `{"buildID":70,"successful":"success","_links":{"ec:app/platform":{"href":"/gone"}}}`, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			answers := documented()
			answers["/b/70"], answers["/q"] = tt.build, `{"platformID":"q","platformType":"ionic"}`
			p := prepare(t, newWild(t, answers).driver(t), deploy("70", wildTarget(), nil))
			if tt.severity == "" {
				if len(p.Findings) != 0 {
					t.Errorf("findings %+v", p.Findings)
				}
			} else if !strings.Contains(messages(p, tt.severity), tt.text) {
				t.Errorf("findings %+v, want %s %q", p.Findings, tt.severity, tt.text)
			}
		})
	}
}

// A build that was deleted does not keep others from being deployed.
func TestDeletedBuildRuns(t *testing.T) {
	answers := documented()
	delete(answers, "/b/80")
	d := newWild(t, answers).driver(t)
	if _, err := stagetest.Current(t.Context(), d, wildTarget()); d.Explain(err).Code != driver.NotFound || !strings.Contains(err.Error(), "no build in deployment 8") {
		t.Errorf("%v", err)
	}
	p := prepare(t, d, deploy("70", wildTarget(), nil))
	if messages(p, driver.Refuse) != "" || len(p.First) != 0 {
		t.Errorf("%+v", p)
	}
}

func TestReadsAreSafeToRepeat(t *testing.T) {
	w := newWild(t, documented())
	w.status["/one"] = http.StatusBadGateway
	d := w.driver(t)
	_, err := stagetest.Current(t.Context(), d, wildTarget())
	if x := d.Explain(err); x.Code != driver.Retryable {
		t.Errorf("%v: %+v", err, x)
	}
	w.answers["/"], w.status = "<html>", map[string]int{}
	_, err = stagetest.Current(t.Context(), d, wildTarget())
	if x := d.Explain(err); x.Code != driver.Unknown || !strings.Contains(x.Remedy, "ENTRECODE_APPSERVER_URL") {
		t.Errorf("%v: %+v", err, x)
	}
	delete(w.answers, "/")
	_, err = stagetest.Current(t.Context(), d, wildTarget())
	if x := d.Explain(err); x.Code != driver.NotFound || !strings.Contains(err.Error(), "no entry point") {
		t.Errorf("%v: %+v", err, x)
	}
}

// A redirect is followed on the same host only: the token stays there.
func TestRedirects(t *testing.T) {
	for to, text := range map[string]string{"/here": "", "https://192.0.2.1/x": "Found (HTTP 302)"} {
		w := newWild(t, documented())
		w.answers["/here"] = w.answers["/"]
		w.header.Set("Location", to)
		w.status["/"] = http.StatusFound
		d := w.driver(t)
		_, err := stagetest.Current(t.Context(), d, wildTarget())
		if (err == nil) != (text == "") || err != nil && (!strings.Contains(err.Error(), text) || d.Explain(err).Code != driver.Unknown) {
			t.Errorf("%s: %v", to, err)
		}
	}
}

// Where templates are missing, whatever is embedded, listed or linked leads on.
func TestWaysToTheBuild(t *testing.T) {
	const good = `{"buildID":70,"successful":"success"}`
	platform := func(links string) string {
		return `{"_embedded":{"ec:app/platform":{"platformID":"p","_links":{"ec:app/deployments":{"href":"/deps"},` + links + `}}}}`
	}
	tests := []struct {
		name    string
		answers map[string]string
		strict  string
	}{
		{"a template that wants the platform too", map[string]string{
			"/plats":                          platform(`"ec:app/builds/options":{"href":"/builds{?buildID,platformID}"}`),
			"/builds buildID=70&platformID=p": good,
		}, "/builds"},
		{"a template that answers a list", map[string]string{
			"/plats":  platform(`"ec:app/builds/options":{"href":"/builds{?buildID}"}`),
			"/builds": `{"_embedded":{"ec:app/build":[{"buildID":"70","_links":{"self":{"href":"/b/70"}}}]}}`,
		}, ""},
		{"a list", map[string]string{
			"/plats":  platform(`"ec:app/builds":{"href":"/builds"}`),
			"/builds": `{"_embedded":{"ec:app/build":[{"buildID":1},` + good + `]}}`,
		}, ""},
		{"links", map[string]string{
			"/plats": platform(`"ec:app/build":[{"href":"/b/80"},{"href":"/b/70"}]`),
		}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			answers := documented()
			answers["/deps"] = `{"total":0}`
			for path, body := range tt.answers {
				answers[path] = body
			}
			w := newWild(t, answers)
			w.strict = tt.strict
			d := w.driver(t)
			if r, err := d.Resolve(t.Context(), wildTarget(), "70"); err != nil || r.ID != "70" {
				t.Errorf("%+v, %v", r, err)
			}
			if _, err := d.Resolve(t.Context(), wildTarget(), "71"); err == nil {
				t.Error("a build that is nowhere is found")
			}
		})
	}
}

func TestAppsShareNothing(t *testing.T) {
	answers := documented()
	answers["/all"] = `{"_embedded":{"ec:app":[{"appID":"a","_links":{"self":{"href":"/one"}}},{"appID":"b","_links":{"self":{"href":"/two"}}}]}}`
	answers["/two"] = `{"appID":"b","_links":{"self":{"href":"/two"},"ec:app/platforms":{"href":"/plats"}}}`
	answers["/plats"] = `{"_embedded":{"ec:app/platform":{"platformID":"p","_links":{"ec:app":{"href":"/one"},"ec:app/deployments":{"href":"/deps"}}}}}`
	d := newWild(t, answers).driver(t)
	foreign := wildTarget()
	foreign.Config = []byte(strings.Replace(string(foreign.Config), `"a"`, `"b"`, 1))
	p := prepare(t, d, deploy("70", wildTarget(), &foreign))
	if refused := messages(p, driver.Refuse); !strings.Contains(refused, "apps share no builds") {
		t.Errorf("refused: %q", refused)
	}
	p = prepare(t, d, deploy("70", foreign, nil))
	if refused := messages(p, driver.Refuse); !strings.Contains(refused, "platform p belongs to app a, not to b") {
		t.Errorf("refused: %q", refused)
	}
}

func TestPlatformWithoutDeploymentsRelation(t *testing.T) {
	answers := documented()
	answers["/plats"] = `{"_embedded":{"ec:app/platform":{"platformID":"p"}}}`
	d := newWild(t, answers).driver(t)
	_, err := stagetest.Current(t.Context(), d, wildTarget())
	if x := d.Explain(err); x.Code != driver.Unknown || x.Remedy == "" || !strings.Contains(err.Error(), "ec:app/deployments") {
		t.Errorf("%v: %+v", err, x)
	}
}

// What the token may not see is no reason to refuse, but is said.
func TestTargetsThatCannotBeRead(t *testing.T) {
	answers := documented()
	answers["/plats"] = `{"_embedded":{"ec:app/platform":{"platformID":"p","_links":{"ec:app/target":{"href":"/secret"},"ec:app/deployments":{"href":"/deps"}}}}}`
	w := newWild(t, answers)
	w.status["/secret"] = http.StatusForbidden
	p := prepare(t, w.driver(t), deploy("70", wildTarget(), nil))
	if len(p.Findings) != 1 || p.Findings[0].Severity != driver.Note {
		t.Errorf("findings %+v", p.Findings)
	}
}

// A target that was deleted since is none that a deployment is looked for on.
func TestDeletedTargets(t *testing.T) {
	answers := documented()
	answers["/deps"] = `{"total":2,"_embedded":{"ec:app/deployment":[
		{"deploymentID":8,"buildID":80,"successful":"success","_links":{"ec:app/target":[{"href":"/gone"}]}},
		{"deploymentID":7,"buildID":70,"successful":"success","_embedded":{"ec:app/target":[{"targetID":"t1"},{"targetID":"t2"}]}}]}}`
	if now, err := stagetest.Current(t.Context(), newWild(t, answers).driver(t), wildTarget()); err != nil || now.ID != "70" {
		t.Errorf("runs %v, %v", now, err)
	}
}
