package entrecode_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/entrecode"
	"sluice/internal/sandbox/sandboxtest"
	"sluice/pipeline"
)

func start() time.Time { return time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC) }

func shop(t *testing.T) *pipeline.Pipeline {
	keys := func(platform string, targets ...string) map[string]any {
		return map[string]any{"appID": "a-shop", "platformID": platform, "targetIDs": targets}
	}
	return sandboxtest.Pipeline(t, "entrecode",
		[]sandboxtest.Target{{Name: "staging", Config: keys("p-staging", "t-1")}},
		[]sandboxtest.Target{{Name: "production", Config: keys("p-production", "t-2", "t-3")}},
	)
}

func TestConformance(t *testing.T) {
	sandboxtest.RunConformance(t, func() sandbox.Emulator { return entrecode.New(start) }, shop(t))
}

// browser follows links by hand, as a person would.
type browser struct {
	*testing.T
	server *sandbox.Server
	clock  *sandboxtest.Clock
	token  string
}

func open(t *testing.T, faults ...string) *browser {
	clock := sandboxtest.NewClock(start())
	s := sandboxtest.Start(t, sandbox.Options{
		Emulators: []sandbox.Emulator{entrecode.New(clock.Now)},
		Pipelines: []*pipeline.Pipeline{shop(t)},
		Faults:    sandboxtest.Faults(t, faults...),
	})
	return &browser{t, s, clock, s.Env()["ENTRECODE_ACCESS_TOKEN"]}
}

// page is an answer, and where it came from.
type page struct {
	status int
	media  string
	at     *url.URL
	body   map[string]any
}

func (b *browser) send(method, address, body string) page {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), method, address, strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	if b.token != "" {
		req.Header.Set("Authorization", "Bearer "+b.token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		b.Fatal(err)
	}
	p := page{status: resp.StatusCode, media: resp.Header.Get("Content-Type"), at: req.URL}
	if err := json.Unmarshal(data, &p.body); err != nil {
		b.Fatalf("%s: %v", data, err)
	}
	return p
}

func (b *browser) get(address string) page {
	b.Helper()
	return b.send(http.MethodGet, address, "")
}

func (b *browser) entry() page {
	b.Helper()
	return b.get(b.server.Env()["ENTRECODE_APPSERVER_URL"])
}

// link is where a relation of p leads, its template cut off.
func (b *browser) link(p page, rel string) string {
	b.Helper()
	l, ok := p.body["_links"].(map[string]any)[rel].(map[string]any)
	if !ok {
		b.Fatalf("no single link %s in %v", rel, p.body["_links"])
	}
	href, _, _ := strings.Cut(l["href"].(string), "{")
	u, err := p.at.Parse(href)
	if err != nil {
		b.Fatal(err)
	}
	return u.String()
}

func (b *browser) app() page {
	return b.get(b.link(b.entry(), "ec:app/by-id") + "/a-shop")
}

func (b *browser) platform(id string) page {
	return b.get(b.link(b.app(), "ec:app/platform/by-id") + "?platformID=" + id)
}

func (b *browser) deploy(query string) page {
	b.Helper()
	return b.send(http.MethodPost, b.link(b.platform("p-production"), "ec:app/deployments/options")+"?"+query, "")
}

// deployments reads the list of a platform page by page.
func (b *browser) deployments(platform string) (all []map[string]any, pages int) {
	b.Helper()
	next := b.link(b.platform(platform), "ec:app/deployments")
	for next != "" {
		p := b.get(next)
		pages++
		switch items := p.body["_embedded"].(map[string]any)["ec:app/deployment"].(type) {
		case []any:
			for _, item := range items {
				all = append(all, item.(map[string]any))
			}
		case map[string]any:
			all = append(all, items)
		}
		next = ""
		if _, ok := p.body["_links"].(map[string]any)["next"]; ok {
			next = b.link(p, "next")
		}
	}
	return all, pages
}

func TestUsualPathsLeadNowhere(t *testing.T) {
	b := open(t)
	base := strings.TrimSuffix(b.server.Env()["ENTRECODE_APPSERVER_URL"], "/")
	for _, path := range []string{"/platform?platformID=p-production", "/platform/deployment?platformID=p-production", "/platform/build?buildID=101", "/?appID=a-shop&_"} {
		if p := b.get(base + path); p.status == http.StatusOK && p.body["msg"] == nil {
			t.Errorf("%s answers %v", path, p.body)
		}
	}
}

func TestTokens(t *testing.T) {
	for token, code := range map[string]float64{"": 3400, entrecode.RejectedToken: 3401} {
		b := open(t)
		b.token = token
		p := b.entry()
		if p.status != http.StatusUnauthorized || p.body["code"] != code || p.media != "application/problem+json" {
			t.Errorf("token %q: %+v", token, p)
		}
	}
}

// Lists have pages, no order, and a single item stands alone.
func TestListsAreLoose(t *testing.T) {
	b := open(t)
	for range 3 {
		b.deploy("platformID=p-production&buildID=103&targetID=t-2,t-3")
	}
	all, pages := b.deployments("p-production")
	if len(all) != 5 || pages != 3 {
		t.Fatalf("%d deployments on %d pages", len(all), pages)
	}
	var texts, inlined int
	for _, d := range all {
		if _, ok := d["deploymentID"].(string); ok {
			texts++
		}
		if d["buildID"] != nil {
			inlined++
		}
	}
	if texts == 0 || texts == len(all) || inlined == 0 || inlined == len(all) {
		t.Errorf("%d of %d ids are strings, %d builds are inlined: want some of each", texts, len(all), inlined)
	}
	if l := b.platform("p-staging").body["_links"].(map[string]any); l["ec:app/target"].(map[string]any)["href"] == "" {
		t.Error("a single target is not linked alone")
	}
}

func TestDeploymentEndsWithPolling(t *testing.T) {
	tests := []struct {
		fault, status string
		results       bool
	}{
		{"", "success", true},
		{"production:deploy:fail", "error", false},
		{"production:deploy:unknown", "skipped", false},
		{"production:deploy:hang", "running", false},
	}
	for _, tt := range tests {
		t.Run(tt.status, func(t *testing.T) {
			var faults []string
			if tt.fault != "" {
				faults = append(faults, tt.fault)
			}
			b := open(t, faults...)
			p := b.deploy("platformID=p-production&buildID=103&targetID=t-2,t-3")
			if p.status != http.StatusCreated || p.body["successful"] != "running" {
				t.Fatalf("%+v", p)
			}
			self := b.link(p, "self")
			for range 5 {
				p = b.get(self)
			}
			if p.body["successful"] != tt.status || (p.body["results"] != nil) != tt.results {
				t.Errorf("ended %v with %v", p.body["successful"], p.body["results"])
			}
			if want := []sandbox.Effect{{Platform: "entrecode", Targets: []string{"production"}, Kind: "deploy"}}; !slices.EqualFunc(b.server.Effects(), want, func(x, y sandbox.Effect) bool {
				return x.Kind == y.Kind && slices.Equal(x.Targets, y.Targets)
			}) {
				t.Errorf("effects %v", b.server.Effects())
			}
		})
	}
}

func TestDeploymentEndsByTheClock(t *testing.T) {
	b := open(t)
	b.deploy("platformID=p-production&buildID=103&targetID=t-2,t-3")
	b.clock.Move(time.Minute)
	all, _ := b.deployments("p-production")
	for _, d := range all {
		if d["successful"] != "success" {
			t.Errorf("%v is %v", d["deploymentID"], d["successful"])
		}
	}
}

func TestRefusedDeployments(t *testing.T) {
	tests := []struct {
		query  string
		status int
		code   float64
		detail string
	}{
		{"buildID=103&targetID=t-2", 400, 3202, "platformID"},
		{"platformID=p-production&targetID=t-2", 400, 3202, "buildID"},
		{"platformID=p-production&buildID=103", 400, 3202, "targetID"},
		{"platformID=nowhere&buildID=103&targetID=t-2", 404, 3102, "platformID"},
		{"platformID=p-production&buildID=999&targetID=t-2", 404, 3102, "buildID"},
		{"platformID=p-production&buildID=x&targetID=t-2", 400, 3212, "buildID"},
		{"platformID=p-production&buildID=103&targetID=t-2,t-1", 404, 3102, "targetID"},
	}
	for _, tt := range tests {
		b := open(t)
		p := b.deploy(tt.query)
		if p.status != tt.status || p.body["code"] != tt.code || p.body["detail"] != tt.detail {
			t.Errorf("%s: %+v", tt.query, p)
		}
		if len(b.server.Effects()) != 0 {
			t.Errorf("%s had effects", tt.query)
		}
	}
}

func TestBodyIsEmptyOrAnEmptyObject(t *testing.T) {
	b := open(t)
	at := b.link(b.platform("p-production"), "ec:app/deployments/options") + "?platformID=p-production&buildID=103&targetID=t-2"
	for body, want := range map[string]int{"": 201, "{}": 201, `{"comment": 1}`: 400} {
		if p := b.send(http.MethodPost, at, body); p.status != want {
			t.Errorf("body %q: %+v", body, p)
		}
	}
}

// Going back to a build that ran before is what the journal calls a rollback.
func TestRollbackIsTold(t *testing.T) {
	b := open(t)
	for _, build := range []string{"103", "101", "102"} { // 102 runs, and 101 before it
		b.deploy("platformID=p-production&targetID=t-2,t-3&buildID=" + build)
		b.clock.Move(time.Minute)
	}
	var kinds []string
	for _, e := range b.server.Effects() {
		kinds = append(kinds, e.Kind)
	}
	if want := []string{"deploy", "rollback", "deploy"}; !slices.Equal(kinds, want) {
		t.Errorf("%v, want %v", kinds, want)
	}
}
