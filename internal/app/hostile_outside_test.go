package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/outside/outsidetest"
	"sluice/internal/proof/prooftest"
	"sluice/internal/publish/githubtest"
	"sluice/internal/store"
	"sluice/pipeline"
	"sluice/stages"
	"sluice/stages/all"
)

// carried answers requests in this process, one at a time.
type carried struct {
	mu sync.Mutex
	by http.Handler
}

// RoundTrip implements [http.RoundTripper].
func (c *carried) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	served := r.Clone(r.Context())
	if served.Body == nil {
		served.Body = http.NoBody
	}
	defer served.Body.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.by.ServeHTTP(w, served)
	answer := w.Result()
	answer.Request = r
	return answer, nil
}

// outspoken is GitHub, one of whose texts says something else: the one of a number, counted
// over all answers, or all that it says of why it refuses a request.
type outspoken struct {
	honest  http.Handler
	words   string
	text    int // which text of which answer; -1 for none
	refusal int // which request is refused; -1 for none

	texts, requests int // so far
}

// ServeHTTP implements [http.Handler].
func (o *outspoken) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer := httptest.NewRecorder()
	o.honest.ServeHTTP(answer, r)
	o.requests++
	if o.requests-1 == o.refusal {
		answer = httptest.NewRecorder()
		answer.WriteHeader(http.StatusUnprocessableEntity)
		text, err := json.Marshal(map[string]any{"message": o.words, "documentation_url": o.words, "errors": []map[string]string{{"message": o.words, "code": o.words, "field": o.words}}})
		if err != nil {
			panic(err) // strings are always encoded
		}
		_, _ = answer.Write(text) // to memory
	}
	var all any
	if json.Unmarshal(answer.Body.Bytes(), &all) == nil {
		text, err := json.Marshal(o.saying(all))
		if err != nil {
			panic(err) // it was just decoded
		}
		answer.Body.Reset()
		_, _ = answer.Body.Write(text) // to memory
	}
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes()) // to memory
}

// saying is a value with the words in the place of its text that they are for.
func (o *outspoken) saying(v any) any {
	switch v := v.(type) {
	case string:
		if o.texts++; o.texts-1 == o.text {
			return o.words
		}
		return v
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			v[name] = o.saying(v[name])
		}
		return v
	case []any:
		for i := range v {
			v[i] = o.saying(v[i])
		}
		return v
	default:
		return v
	}
}

// onGitHub are a pipeline that uses everything of GitHub's API, and what people do with it.
const onGitHub = `name: shop
deployments: own
comment: true
stages:
  - name: staging
    targets: [{name: source, moon: {crater: a}}]
  - name: production
    url: https://shop.example.com/
    approval: {approvers: ["@octo/owners", hubot], comments: true}
    targets: [{name: api, moon: {crater: b}}]
  - name: reviewed
    soak: 1s
    approval: {environment: reviewed}
    targets: [{name: web, moon: {crater: c}}]
`

// newGitHub is GitHub with something of everything that is asked for.
func newGitHub() http.Handler {
	const commit = "feedfaceb00cfeedfaceb00cfeedfaceb00cfeed"
	rest := githubtest.New("deployments: write", "pull-requests: write")
	rest.Enforce = false
	rest.Commits = []string{commit}
	rest.Merged(12, commit)
	rest.Roles["hubot"], rest.Roles["anna"] = "write", "read"
	rest.Comments[12] = []githubtest.Comment{{ID: 1, Body: "fine", User: githubtest.User{Login: "anna", Type: "User"}, Association: "MEMBER"}}
	mux := http.NewServeMux()
	says := func(pattern, body string) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(body)) // to memory
		})
	}
	says("GET /orgs/octo/teams/owners/memberships/{login}", `{"url":"https://api.github.example/teams/1/memberships/anna","role":"member","state":"pending"}`)
	says("GET /repos/octo/shop/environments/{name}", `{"name":"reviewed","protection_rules":[{"type":"branch_policy"},{"type":"required_reviewers"}]}`)
	says("GET /repos/octo/shop/actions/runs/{run}/approvals", `[{"state":"approved","comment":"yes","environments":[{"name":"another"}],"user":{"login":"hubot","type":"User"}}]`)
	mux.Handle("/", rest)
	return mux
}

// onGitHubSteps are command lines, each with what brought its run about.
func onGitHubSteps(t *testing.T, dir string) [][2]any {
	t.Helper()
	event := func(name, actor, payload string) map[string]string {
		file := filepath.Join(dir, name+actor+".json")
		if err := os.WriteFile(file, []byte(payload), 0o600); err != nil {
			t.Fatal(err)
		}
		return map[string]string{"GITHUB_EVENT_NAME": name, "GITHUB_EVENT_PATH": file, "GITHUB_ACTOR": actor, "GITHUB_TRIGGERING_ACTOR": actor}
	}
	comment := func(actor string) map[string]string {
		return event("issue_comment", actor, `{"action":"created","comment":{"body":"/sluice approve api","created_at":"2099-01-01T00:00:00Z","user":{"login":"`+actor+`"}},"issue":{"number":12,"pull_request":{}},"sender":{"type":"User"},"repository":{"id":1,"default_branch":"main"}}`)
	}
	dispatch := event("workflow_dispatch", "anna", `{"repository":{"id":1,"default_branch":"main"}}`)
	return [][2]any{
		{event("pull_request", "anna", `{"action":"opened","pull_request":{"number":12,"head":{"sha":"feedfaceb00cfeedfaceb00cfeedfaceb00cfeed","repo":{"id":1,"full_name":"octo/shop"}}},"repository":{"id":1,"default_branch":"main"}}`), []string{"plan", "--to", "production"}},
		{dispatch, []string{"promote", "--to", "production"}},
		{comment("anna"), []string{"on-comment"}},
		{comment("hubot"), []string{"on-comment"}},
		{dispatch, []string{"approve", "--stage", "production"}},
		{dispatch, []string{"approve", "--stage", "production", "--emergency", "--reason", "fire"}},
		{dispatch, []string{"promote", "--to", "reviewed"}},
		{dispatch, []string{"status"}},
	}
}

// TestHostileGitHub: each text of each answer of GitHub's API, and why it refuses each
// request, is hostile, one after the other, and has a credential of the program's in it.
// Nothing of it acts in anything that is told, and the credential is nowhere. The texts
// are those of the answers that the program gets.
func TestHostileGitHub(t *testing.T) {
	t.Parallel()
	h := from(t, "GitHub")
	honest := &outspoken{text: -1, refusal: -1}
	synctest.Test(t, func(t *testing.T) {
		for _, one := range onGitHubOnce(t, honest, 0, inSteps()[0]) {
			t.Error(one)
		}
	})
	if honest.texts < 30 || honest.requests < 12 {
		t.Fatalf("GitHub was asked %d times and said %d texts: the program asks for less than it can", honest.requests, honest.texts)
	}
	for n := range honest.texts {
		if prooftest.Whole() || n%5 == 0 {
			h.try(t, "answers", "text "+strconv.Itoa(n), n, inSteps(), func(t *testing.T, n int, as mode) []string {
				return onGitHubOnce(t, &outspoken{text: n, refusal: -1}, n, as)
			})
		}
	}
	for n := range honest.requests {
		if prooftest.Whole() || n%5 == 0 {
			h.try(t, "refusals", "request "+strconv.Itoa(n), n, inSteps(), func(t *testing.T, n int, as mode) []string {
				return onGitHubOnce(t, &outspoken{text: -1, refusal: n}, n, as)
			})
		}
	}
}

// onGitHubOnce goes through what people do on GitHub, and finds what acted and what of a
// credential was seen or saved.
func onGitHubOnce(t *testing.T, o *outspoken, n int, as mode) []string {
	t.Helper()
	o.honest = newGitHub()
	b := newBase(t, &moon{way: goesWell, runs: map[string]string{"source": "r2", "api": "r1", "web": "r1"}})
	secret := b.plant(n)
	o.words, b.asked, b.stdin = secret+" "+outsidetest.Words, o, onGitHub
	planted := b.env
	var wrong []string
	for _, step := range onGitHubSteps(t, b.dir) {
		b.env = map[string]string{"GITHUB_API_URL": "https://api.github.example", "GITHUB_TOKEN": "ghs_theTokenOfTheStep", "GITHUB_SHA": "feedfaceb00cfeedfaceb00cfeedfaceb00cfeed"}
		maps.Copy(b.env, step[0].(map[string]string))
		maps.Copy(b.env, planted)
		wrong = append(wrong, b.told(t, as, secret, step[1].([]string))...)
		time.Sleep(time.Minute)
	}
	return append(wrong, b.saved(t, secret)...)
}

// complaining is a store one of whose methods says something in place of doing its work.
type complaining struct {
	store.Store
	method string
	err    error
}

func (c complaining) Load(ctx context.Context, keys ...store.Key) ([]store.Entry, error) {
	if c.method == "Load" {
		return nil, c.err
	}
	return c.Store.Load(ctx, keys...)
}

func (c complaining) List(ctx context.Context, pipeline, kind string) ([]store.Key, error) {
	if c.method == "List" {
		return nil, c.err
	}
	return c.Store.List(ctx, pipeline, kind)
}

func (c complaining) Commit(ctx context.Context, entries ...store.Entry) ([]store.Entry, error) {
	if c.method == "Commit" {
		return nil, c.err
	}
	return c.Store.Commit(ctx, entries...)
}

// complaints are the errors of the contract, each with words in every text that it has.
func complaints(words string) []error {
	said := errors.New(words)
	return []error{
		said, worded(&store.UnreadableError{Err: said}, words), worded(&store.BusyError{Err: said, Until: time.Now().Add(time.Hour)}, words),
		worded(&store.LostError{}, words), worded(&store.ConflictError{Who: []string{""}}, words),
	}
}

// worded is a value with words in every text that it has.
func worded[E any](e *E, words string) *E {
	for _, place := range outsidetest.PlacesOf[E]() {
		place.Put(e, words)
	}
	return e
}

// TestHostileStore: each method of a store ends in each error of the contract, with
// hostile words and a credential in every text of it.
func TestHostileStore(t *testing.T) {
	t.Parallel()
	h := from(t, "store")
	n := 0
	for _, method := range []string{"Load", "List", "Commit"} {
		for i, kind := range complaints("") {
			n++
			h.try(t, "errors", fmt.Sprintf("%s ends with %T", method, kind), n, modes(), func(t *testing.T, n int, as mode) []string {
				b := newBase(t, &moon{way: goesWell})
				secret := b.plant(n)
				err := complaints(secret + " " + outsidetest.Words)[i]
				b.before = func(s store.Store) store.Store { return complaining{s, method, err} }
				commands := append(tour(), []string{"state", "list"}, []string{"lock", "--target", "api", "--reason", "r"})
				return b.told(t, as, secret, commands...)
			})
		}
	}
}

// echo answers each request with the credentials that came with it, in one of the ways in
// which an answer can say something.
type echo struct {
	how   string
	token string   // what it gives for Google's credentials
	words string   // what it says beside them
	after int      // 0, or after how many characters it says the token, and nothing else
	came  []string // what came in headers and in the address
}

func (e *echo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Host == "oauth2.googleapis.com" {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"access_token": e.token, "expires_in": 3600, "token_type": "Bearer"}) // to memory
		return
	}
	var sent []string
	for _, values := range r.Header {
		sent = append(sent, values...)
	}
	text := strings.Join(append(sent, r.URL.String(), e.words), " ")
	e.came = append(e.came, text)
	if e.after > 0 {
		text = strings.Repeat("x ", e.after/2) + e.token
	}
	switch e.how {
	case "body":
		w.WriteHeader(http.StatusForbidden)
	case "redirect":
		w.Header().Set("Location", "https://elsewhere.invalid/"+strings.Join(strings.Fields(text), "/"))
		w.WriteHeader(http.StatusTemporaryRedirect)
	case "message":
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]any{"message": text, "id": text, "title": text, "__type": text, "error": map[string]any{"message": text, "status": text, "code": 400}}) // to memory
		return
	case "header":
		for _, name := range []string{"X-Amzn-ErrorType", "Request-Id", "X-Amzn-RequestId", "X-GitHub-Request-Id", "WWW-Authenticate", "Warning", "Retry-After"} {
			w.Header().Set(name, text)
		}
		w.WriteHeader(http.StatusUnauthorized)
	}
	_, _ = fmt.Fprint(w, text) // to memory
}

// onPlatform is a pipeline file of a platform, with the stage that is promoted to; false
// for a platform that is asked by no request.
func onPlatform(t *testing.T, platform string) (file, stage string, ok bool) {
	t.Helper()
	text := read(t, filepath.Join("..", "..", "examples", platform, "sluice.yaml"))
	p, _ := pipeline.Parse("sluice.yaml", []byte(text), (&invocation{platforms: all.Platforms()}).facts())
	if text == "" || p == nil || len(p.Stages) < 2 {
		t.Fatalf("examples/%s/sluice.yaml is no pipeline of two stages", platform)
	}
	return text, p.Stages[len(p.Stages)-1].Name.Value, platform != "exec"
}

// overHTTP runs a few commands on a platform whose requests are answered by somebody, with
// credentials in the environment, and returns what of a secret is seen in what they tell.
func overHTTP(t *testing.T, platform string, by http.Handler, as mode, env map[string]string, secret string) []string {
	t.Helper()
	file, stage, _ := onPlatform(t, platform)
	b := newBase(t, &moon{})
	b.stdin, b.platforms, b.asked, b.env = file, all.Platforms(), by, env
	var wrong []string
	for _, args := range [][]string{{"status"}, {"promote", "--to", stage, "--wait-budget", "1m", "--debug"}} {
		wrong = append(wrong, b.run(t, as, args...).shows(secret)...)
	}
	return wrong
}

// credentialsOf are a platform's, by the environment variable that each is in. Google's are
// a file, for which there is a token.
func credentialsOf(t *testing.T, p stages.Platform) map[string]string {
	t.Helper()
	env := map[string]string{}
	for _, name := range p.Facts.Secrets {
		env[name] = "a-credential-of-ours"
	}
	if _, google := env["GOOGLE_CREDENTIALS"]; google {
		file := filepath.Join(t.TempDir(), "credentials.json")
		if err := os.WriteFile(file, []byte(`{"type": "authorized_user", "client_id": "c", "client_secret": "a-secret-of-ours", "refresh_token": "a-token-of-ours"}`), 0o600); err != nil {
			t.Fatal(err)
		}
		return map[string]string{"GOOGLE_APPLICATION_CREDENTIALS": file}
	}
	return env
}

// echoed are the ways in which an answer says the credentials that came.
func echoed() []string { return []string{"body", "redirect", "message", "header"} }

// TestHostileEchoes: whoever is asked says the credentials that came with the request:
// in the body, in the fields of an error, in headers, and in where it redirects to. They
// are not told, whatever else is.
func TestHostileEchoes(t *testing.T) {
	t.Parallel()
	h := from(t, "echoes")
	n := 0
	for _, p := range all.Platforms() {
		platform := p.Facts.Platform
		if _, _, asked := onPlatform(t, platform); !asked {
			continue
		}
		for _, how := range echoed() {
			n++
			h.try(t, "credentials", platform+", in the "+how, n, modes(), func(t *testing.T, n int, as mode) []string {
				secret := secretOf(n)
				e, env := &echo{how: how, token: secret}, credentialsOf(t, p)
				names := slices.Sorted(maps.Keys(env))
				if name := names[n%len(names)]; name != "GOOGLE_APPLICATION_CREDENTIALS" {
					env[name] = secret
				}
				wrong := overHTTP(t, platform, e, as, env, secret)
				if len(e.came) == 0 {
					wrong = append(wrong, "nobody was asked")
				}
				return wrong
			})
		}
	}
}

// isAddress are the environment variables that hold one.
var isAddress = regexp.MustCompile(`_URL|ENDPOINT|_HOST|_URI$`)

// TestHostileAddresses: each address that the environment gives has a password within.
// It is in nothing that is told, also where nobody answers there.
func TestHostileAddresses(t *testing.T) {
	t.Parallel()
	h := from(t, "addresses")
	refuse := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Error(w, r.URL.String(), http.StatusForbidden) })
	n := 0
	for _, name := range variables(t) {
		if !isAddress.MatchString(name) || strings.HasPrefix(name, "INPUT_") {
			continue
		}
		n++
		for i, p := range all.Platforms() {
			platform := p.Facts.Platform
			if _, _, asked := onPlatform(t, platform); !asked || !prooftest.Whole() && i%4 != n%4 {
				continue
			}
			h.try(t, "credentials", name+" on "+platform, n, modes(), func(t *testing.T, n int, as mode) []string {
				address := url.URL{Scheme: "https", User: url.UserPassword("somebody", secretOf(n)), Host: "api.example.com", Path: "/"}
				env := credentialsOf(t, p)
				env[name] = address.String()
				return overHTTP(t, platform, refuse, as, env, secretOf(n))
			})
		}
	}
}

// measures are checks, one for each system that is asked for what is measured.
func measures() map[string]string {
	return map[string]string{
		"alarms":        `alarms: {names: [shop-5xx], region: eu-west-1}`,
		"cloudwatch":    `metric: {cloudwatch: {namespace: N, metric: M, stat: p90, region: eu-west-1}, condition: "< 1"}`,
		"prometheus":    `metric: {prometheus: {url: https://prometheus.example.com, query: up, headers: {Authorization: "Bearer ${PROMETHEUS_TOKEN}"}}, condition: "< 1"}`,
		"datadog":       `metric: {datadog: {query: "avg:shop.latency{*}"}, condition: "< 1"}`,
		"monitoring":    `metric: {monitoring: {project: my-project-123, query: up}, condition: "< 1"}`,
		"alertPolicies": `alarms: {monitoring: {project: my-project-123, policies: [Errors]}}`,
		"http":          `http: {url: https://shop.example.com/health}`,
	}
}

// TestHostileCuts: what whoever is asked says is long, and is shortened within a credential,
// wherever that is done. What is left of the credential is not told.
func TestHostileCuts(t *testing.T) {
	t.Parallel()
	h, n, secret := from(t, "cuts"), 0, outsidetest.Secrets()[0]
	step := 24 // so that one of the cuts has enough of the credential before it
	if prooftest.Whole() {
		step = 4
	}
	everywhere := func(who string, look func(t *testing.T, e *echo, as mode) []string) {
		for _, how := range []string{"body", "message", "header"} {
			n++
			h.try(t, "credentials", who+", in the "+how, n, modes(), func(t *testing.T, _ int, as mode) []string {
				var wrong []string
				for after := step; after <= 320; after += step {
					wrong = append(wrong, look(t, &echo{how: how, token: secret, after: after}, as)...)
				}
				return wrong
			})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(measures())) {
		everywhere(name, func(t *testing.T, e *echo, as mode) []string { return measuredBy(t, name, e, secret, as) })
	}
	for _, p := range all.Platforms() {
		platform := p.Facts.Platform
		if _, _, asked := onPlatform(t, platform); !asked {
			continue
		}
		everywhere(platform, func(t *testing.T, e *echo, as mode) []string {
			env := credentialsOf(t, p)
			for name := range env {
				if name != "GOOGLE_APPLICATION_CREDENTIALS" {
					env[name] = secret
				}
			}
			return overHTTP(t, platform, e, as, env, secret)
		})
	}
}

// TestHostileMeasures: whoever is asked for what is measured answers with hostile words and
// the credentials that came: as a body, in the fields of an error, in headers, in a redirect.
func TestHostileMeasures(t *testing.T) {
	t.Parallel()
	h := from(t, "measures")
	n := 0
	for _, name := range slices.Sorted(maps.Keys(measures())) {
		for _, how := range echoed() {
			n++
			h.try(t, "answers", name+", in the "+how, n, modes(), func(t *testing.T, n int, as mode) []string {
				return measuredBy(t, name, &echo{how: how, token: secretOf(n), words: outsidetest.Words}, secretOf(n), as)
			})
		}
	}
}

// measuredBy promotes past a check that somebody answers, and finds what acted and what of
// a credential was seen or saved.
func measuredBy(t *testing.T, check string, by *echo, secret string, as mode) []string {
	t.Helper()
	b := newBase(t, &moon{way: goesWell})
	b.asked, b.stdin = by, strings.Replace(orbit, "  - name: production\n", "  - name: production\n    predeploy:\n      - "+measures()[check]+"\n", 1)
	b.env = map[string]string{"PROMETHEUS_TOKEN": secret, "DD_API_KEY": secret, "DD_APP_KEY": "an-app-key-of-ours", "AWS_ACCESS_KEY_ID": "AKIAOFOURS", "AWS_SECRET_ACCESS_KEY": "a-secret-of-ours", "AWS_SESSION_TOKEN": secret}
	platforms := all.Platforms()
	if i := slices.IndexFunc(platforms, func(p stages.Platform) bool { return slices.Contains(p.Facts.Secrets, "GOOGLE_CREDENTIALS") }); i >= 0 {
		maps.Copy(b.env, credentialsOf(t, platforms[i]))
	}
	wrong := b.told(t, as, secret, []string{"promote", "--to", "production", "--wait-budget", "3m"}, []string{"status"}, []string{"events"})
	if len(by.came) == 0 {
		wrong = append(wrong, "nobody was asked")
	}
	return append(wrong, b.saved(t, secret)...)
}
