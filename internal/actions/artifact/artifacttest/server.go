// Package artifacttest is a stand-in for GitHub's artifact service and the
// part of its REST API that reads artifacts: as strict as GitHub, or as loose
// as nektos/act. It serves in process, so that tests can fake time, or as an
// http.Handler.
package artifacttest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice/internal/actions/limittest"
)

// What the stand-in's one repository is.
const (
	Repository    = "octocat/shop"
	RepositoryID  = 4242
	DefaultBranch = "main"
	Token         = "ghs_artifacttest"
)

// Run is a workflow run on the stand-in.
type Run struct {
	ID                 int64
	Attempt            int    // default 1
	Job                string // default "promote"
	Branch             string // default DefaultBranch
	HeadRepositoryID   int64  // default RepositoryID; another one is a fork's
	WithoutPermissions bool   // GITHUB_TOKEN may not read actions
}

// Artifact is one artifact as the stand-in keeps it. Tests may change it with
// [Server.Edit].
type Artifact struct {
	ID        int64
	Name      string
	Run       Run
	Job       string // with its attempt: "promote-1"
	Zip       []byte
	Digest    string
	Created   time.Time
	ExpiresAt time.Time
	Expired   bool
	Orphaned  bool // listed without its workflow run
	Finalised bool
	Deleted   bool

	blocks map[string][]byte
}

// Server is the stand-in. Create one with [New].
type Server struct {
	// Act makes the service behave as nektos/act.
	Act bool
	// Fault, where set, is asked before each request: a status other than 0
	// is answered at once, without effect.
	Fault func(r *http.Request) (status int, body string)
	// Lose, where set, is asked before each request: true means that it takes
	// effect and the answer is lost.
	Lose func(r *http.Request) bool
	// Base is the address of all three services; "" means three hosts that
	// only [Server.Transport] knows.
	Base string
	// Now is the clock. Default: time.Now.
	Now func() time.Time
	// Meter counts the requests of the REST API, and refuses too many.
	Meter limittest.Meter
	// Late is how long the REST API's lists lack an artifact that is finalised.
	Late time.Duration
	// Hidden is a run whose artifacts the REST API's lists lack; 0 is none.
	Hidden int64
	// Slow, where set, is how long a request of the artifact service takes.
	Slow func(r *http.Request) time.Duration

	mu        sync.Mutex
	artifacts []*Artifact
	runs      map[int64]Run
	requests  []string
	writes    int
}

// New returns an empty stand-in.
func New() *Server { return &Server{runs: map[int64]Run{}, Now: time.Now} }

// Getenv is the environment of a step of run, which the stand-in then knows.
func (s *Server) Getenv(run Run) func(string) string {
	run = s.know(run)
	id := strconv.FormatInt(run.ID, 10)
	env := map[string]string{
		"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": Repository, "GITHUB_REPOSITORY_ID": strconv.Itoa(RepositoryID),
		"GITHUB_RUN_ID": id, "GITHUB_RUN_ATTEMPT": strconv.Itoa(run.Attempt), "GITHUB_JOB": run.Job,
		"GITHUB_REF": "refs/heads/" + run.Branch, "GITHUB_TOKEN": s.restToken(run), "GITHUB_ACTOR": "octocat",
		"GITHUB_API_URL": s.host("api"), "ACTIONS_RESULTS_URL": s.host("results") + "/",
		"ACTIONS_RUNTIME_TOKEN": runtimeToken(run),
	}
	if s.Act {
		env["ACT"] = "true"
	}
	return func(name string) string { return env[name] }
}

func (s *Server) know(run Run) Run {
	if run.Attempt == 0 {
		run.Attempt = 1
	}
	if run.Job == "" {
		run.Job = "promote"
	}
	if run.Branch == "" {
		run.Branch = DefaultBranch
	}
	if run.HeadRepositoryID == 0 {
		run.HeadRepositoryID = RepositoryID
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.runs[run.ID] = run
	return run
}

func (s *Server) restToken(run Run) string {
	if run.WithoutPermissions {
		return "ghs_weak"
	}
	return Token
}

// runtimeToken is a JWT like the runner's, with a signature that means nothing.
func runtimeToken(run Run) string {
	claims := fmt.Sprintf(`{"scp":"Actions.ExampleScope Actions.Results:%d:%s-%d Actions.Other:1:2","exp":1}`, run.ID, run.Job, run.Attempt)
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"RS256"}`)) + "." + encode([]byte(claims)) + "." + encode([]byte("signature"))
}

func (s *Server) host(name string) string {
	if s.Base != "" {
		return s.Base
	}
	return "https://" + name + ".artifacttest"
}

// Serve makes the stand-in listen on loopback until the test ends.
func (s *Server) Serve(t *testing.T) {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.Base = server.URL
}

// Artifacts returns copies of all artifacts, also unfinished and deleted ones.
func (s *Server) Artifacts() []Artifact {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Artifact, len(s.artifacts))
	for i, a := range s.artifacts {
		list[i] = *a
	}
	return list
}

// Live returns the names of the artifacts that are finalised and not deleted.
func (s *Server) Live() []string {
	var names []string
	for _, a := range s.Artifacts() {
		if a.live() {
			names = append(names, a.Name)
		}
	}
	return names
}

// Edit changes every live artifact of that name behind everybody's back.
func (s *Server) Edit(name string, change func(*Artifact)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.artifacts {
		if a.Name == name && a.live() {
			change(a)
		}
	}
}

// Put adds a finalised artifact as another run would have uploaded it.
func (s *Server) Put(run Run, name string, zip []byte) {
	run = s.know(run)
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.add(name, run, fmt.Sprintf("%s-%d", run.Job, run.Attempt))
	a.Zip, a.Digest, a.Finalised = zip, sum(zip), true
}

// Crowd adds n artifacts of a hundred other runs that are none of Sluice's.
func (s *Server) Crowd(n int) {
	for i := range n {
		s.Put(Run{ID: int64(100_000 + i%100)}, fmt.Sprintf("coverage-%d", i), []byte("zip"))
	}
}

// Requests lists what was asked, as "POST CreateArtifact", "PUT block",
// "GET artifacts" and so on, oldest first.
func (s *Server) Requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.requests...)
}

// Writes counts the requests that changed something.
func (s *Server) Writes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writes
}

func (a *Artifact) live() bool { return a.Finalised && !a.Deleted }

func (s *Server) add(name string, run Run, job string) *Artifact {
	now := s.Now()
	a := &Artifact{
		ID: int64(1000 + len(s.artifacts)), Name: name, Run: run, Job: job,
		Created: now, ExpiresAt: now.Add(90 * 24 * time.Hour), blocks: map[string][]byte{},
	}
	s.artifacts = append(s.artifacts, a)
	return a
}

// ServeHTTP serves all three services, told apart by their paths.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	label := label(r)
	s.mu.Lock()
	s.requests = append(s.requests, label)
	s.mu.Unlock()
	if s.Slow != nil && strings.HasPrefix(r.URL.Path, "/twirp/") {
		time.Sleep(s.Slow(r))
	}
	if s.Fault != nil {
		if status, body := s.Fault(r); status != 0 {
			http.Error(w, body, status)
			return
		}
	}
	out := w
	lose := s.Lose != nil && s.Lose(r)
	if lose {
		out = httptest.NewRecorder()
	}
	if !strings.HasPrefix(r.URL.Path, "/repos/") || s.Meter.Allow(out, r, label) {
		s.route(out, r)
	}
	if lose {
		panic(http.ErrAbortHandler)
	}
}

// Label names a request as [Server.Requests] does.
func Label(r *http.Request) string { return label(r) }

func label(r *http.Request) string {
	last := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	if comp := r.URL.Query().Get("comp"); comp != "" {
		last = comp
	}
	return r.Method + " " + last
}

func (s *Server) route(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case strings.HasPrefix(r.URL.Path, "/twirp/"):
		s.twirp(w, r)
	case strings.HasPrefix(r.URL.Path, "/blobs/"):
		s.blob(w, r)
	case strings.HasPrefix(r.URL.Path, "/repos/"):
		s.rest(w, r)
	default:
		http.NotFound(w, r)
	}
}

func reply(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(text)
}
