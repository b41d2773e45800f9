package app_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice/internal/actions/artifact/artifacttest"
	"sluice/internal/app"
	"sluice/internal/sandbox"
	emulators "sluice/internal/sandbox/all"
	"sluice/internal/store/gitref/gitreftest"
	"sluice/internal/store/s3/s3test"
	"sluice/internal/work/worktest"
	"sluice/pipeline"
	"sluice/stages/all"
	"sluice/stages/driver"
)

// shop is the pipeline of these tests: two targets that share nothing.
const shop = `name: shop
stages:
  - name: staging
    targets:
      - {name: api-staging, apigateway: {restApi: a1b2c3d4e5, stage: staging, region: eu-west-1}}
  - name: production
    targets:
      - {name: eu, apigateway: {restApi: a1b2c3d4e5, stage: prod-eu, region: eu-west-1}}
      - {name: us, apigateway: {restApi: a1b2c3d4e5, stage: prod-us, region: eu-west-1}}
`

// world is one repository with every store there is, each a stand-in on
// loopback, and the platforms' emulators.
type world struct {
	dir       string
	file      string // the pipeline file
	platforms *sandbox.Server
	artifacts *artifacttest.Server
	git       *gitreftest.Server
	bucket    *s3test.Server

	github, s3 *httptest.Server
	time       *worktest.Fast

	mu    sync.Mutex
	over  map[string]bool                                 // by run id
	fault func(r *http.Request) (status int, body string) // of every store; status 0 goes on
}

// newWorld starts the stand-ins, and the emulators with what text declares.
func newWorld(t *testing.T, text string) *world {
	t.Helper()
	dir := t.TempDir()
	w := &world{
		dir: dir, file: filepath.Join(dir, "sluice.yaml"), artifacts: artifacttest.New(), git: gitreftest.New(), bucket: s3test.New(),
		over: map[string]bool{}, time: &worktest.Fast{Epoch: time.Now(), Speed: storySpeed},
	}
	if err := os.WriteFile(w.file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	w.github, w.s3 = listen(t, w.faulty(http.HandlerFunc(w.serveGitHub))), listen(t, w.faulty(w.bucket))
	w.artifacts.Base = w.github.URL
	facts := []driver.Facts{}
	for _, p := range all.Platforms() {
		facts = append(facts, p.Facts)
	}
	p, problems := pipeline.Parse("sluice.yaml", []byte(text), facts)
	if pipeline.Failed(problems) {
		t.Fatal(pipeline.Format(problems))
	}
	var err error
	w.platforms, err = sandbox.Start(t.Context(), sandbox.Options{Pipelines: []*pipeline.Pipeline{p}, Emulators: emulators.Emulators(w.time.Now)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.platforms.Close)
	return w
}

func listen(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server
}

func (w *world) faulty(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		fault := w.fault
		w.mu.Unlock()
		if fault != nil {
			if status, body := fault(r); status != 0 {
				rw.WriteHeader(status)
				_, _ = rw.Write([]byte(body))
				return
			}
		}
		next.ServeHTTP(rw, r)
	})
}

// breakStores makes every store answer so from here on.
func (w *world) breakStores(status int, body string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fault = func(*http.Request) (int, string) { return status, body }
}

// isGit are the paths of the repository's git data.
var isGit = regexp.MustCompile(`^/(git|tarball|commits|compare)/`)

// serveGitHub is GitHub: its git data, its runs, and its artifacts.
func (w *world) serveGitHub(rw http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/repos/"+gitreftest.Repository)
	id, isRun := strings.CutPrefix(path, "/actions/runs/")
	switch {
	case isGit.MatchString(path):
		if r.Header.Get("Authorization") == "Bearer "+artifacttest.Token {
			r.Header.Set("Authorization", "Bearer "+gitreftest.Token)
		}
		w.git.ServeHTTP(rw, r)
	case strings.HasPrefix(path, "/archive/"):
		w.git.ServeHTTP(rw, r)
	case isRun:
		w.mu.Lock()
		status := map[bool]string{true: "completed", false: "in_progress"}[w.over[id]]
		w.mu.Unlock()
		_, _ = fmt.Fprintf(rw, `{"id": %s, "status": %q}`, id, status)
	default:
		w.artifacts.ServeHTTP(rw, r)
	}
}

// finish says that a workflow run is over.
func (w *world) finish(run string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over[run] = true
}

// stores are the values of --store, by the stores' short names.
func (w *world) stores() map[string]string {
	return map[string]string{
		"file": "file:" + filepath.Join(w.dir, "state"), "git": "git", "s3": "s3://" + s3test.Bucket + "/teams", "artifact": "artifact",
	}
}

// job is the job of a workflow run that a command line is a step of.
type job struct {
	run     int64
	attempt int
	name    string            // "promote" unless given
	branch  string            // the default branch unless given
	env     map[string]string // more of its environment, or other
	later   time.Duration     // by how much its clock is ahead
	here    bool              // one that dies does so on this machine, where its end is seen
}

// environ is the environment of a job's step.
func (w *world) environ(s job) []string {
	getenv := w.artifacts.Getenv(artifacttest.Run{ID: s.run, Attempt: s.attempt, Job: s.name, Branch: s.branch})
	env := w.platforms.Env()
	for _, name := range []string{
		"GITHUB_ACTIONS", "GITHUB_REPOSITORY", "GITHUB_REPOSITORY_ID", "GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT", "GITHUB_JOB", "GITHUB_REF",
		"GITHUB_TOKEN", "GITHUB_ACTOR", "GITHUB_API_URL", "ACTIONS_RESULTS_URL", "ACTIONS_RUNTIME_TOKEN",
	} {
		env[name] = getenv(name)
	}
	maps.Copy(env, map[string]string{
		"GITHUB_ACTION": "sluice", "GITHUB_EVENT_NAME": "workflow_dispatch", "GITHUB_SERVER_URL": "https://github.example",
		"AWS_ENDPOINT_URL_S3": w.s3.URL, "AWS_ACCESS_KEY_ID": s3test.AccessKeyID, "AWS_SECRET_ACCESS_KEY": "very-secret-key",
	})
	maps.Copy(env, s.env)
	list := make([]string, 0, len(env))
	for _, name := range slices.Sorted(maps.Keys(env)) {
		list = append(list, name+"="+env[name])
	}
	return list
}

// outcome is what a command line came to.
type outcome struct {
	code           int
	stdout, stderr string
}

func (o outcome) String() string {
	return fmt.Sprintf("exit %d\n%s\n%s", o.code, o.stdout, o.stderr)
}

// document is the outcome's JSON.
func (o outcome) document(t *testing.T) map[string]any {
	t.Helper()
	doc := map[string]any{}
	if err := json.Unmarshal([]byte(o.stdout), &doc); err != nil {
		t.Fatalf("%v\n%s", err, o)
	}
	return doc
}

// sluice runs a command line as a step of a job.
func (w *world) sluice(t *testing.T, s job, args ...string) outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	clock := w.time.Clock()
	clock.Now = func() time.Time { return w.time.Now().Add(s.later) }
	code := app.Main(t.Context(), app.Process{
		Args: append(args, "--file", w.file), Stdout: &stdout, Stderr: &stderr, Environ: w.environ(s),
		Clock: clock,
	})
	return outcome{code, stdout.String(), stderr.String()}
}

// wants runs a command line that must end with a code and say something.
func (w *world) wants(t *testing.T, code int, text string, s job, args ...string) outcome {
	t.Helper()
	got := w.sluice(t, s, args...)
	if got.code != code || !strings.Contains(got.stdout+got.stderr, text) {
		t.Fatalf("%v: want exit %d with %q, got %s", args, code, text, got)
	}
	return got
}

// meeting lets several runs work side by side: none learns what runs on its own
// target before each of them has asked, so all have read their state and the
// platform's before any of them saves.
type meeting struct {
	target  *url.URL
	waiting sync.WaitGroup
}

func (w *world) meeting(t *testing.T, runs int) *meeting {
	t.Helper()
	target, err := url.Parse(w.platforms.Env()["AWS_ENDPOINT_URL_API_GATEWAY"])
	if err != nil {
		t.Fatal(err)
	}
	m := &meeting{target: target}
	m.waiting.Add(runs)
	return m
}

// env leads one run's requests to the platform through the meeting.
func (m *meeting) env(t *testing.T) map[string]string {
	t.Helper()
	var once sync.Once
	proxy := httputil.NewSingleHostReverseProxy(m.target)
	proxy.ModifyResponse = func(answer *http.Response) error {
		// A run reads its own stage of production last, before it saves anything.
		if strings.Contains(answer.Request.URL.Path, "/stages/prod-") {
			once.Do(m.waiting.Done)
			m.waiting.Wait()
		}
		return nil
	}
	server := listen(t, proxy)
	return map[string]string{"AWS_ENDPOINT_URL_API_GATEWAY": server.URL}
}

// leave has a run killed between its intent and its effect on target eu: its
// lease stays behind.
func (w *world) leave(t *testing.T, run int64, store string) {
	t.Helper()
	w.die(t, job{run: run}, "promote", "--to", "production", "--target", "eu", "--store", store)
}

// die runs a command line as a process of its own, and kills it when it sends
// its first effect, which never arrives.
func (w *world) die(t *testing.T, s job, args ...string) {
	t.Helper()
	target, err := url.Parse(w.platforms.Env()["AWS_ENDPOINT_URL_API_GATEWAY"])
	if err != nil {
		t.Fatal(err)
	}
	arrived := make(chan struct{}, 1)
	proxy := httputil.NewSingleHostReverseProxy(target)
	server := listen(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			proxy.ServeHTTP(rw, r)
			return
		}
		_, _ = io.Copy(io.Discard, r.Body) // so that the end of the connection is seen
		select {
		case arrived <- struct{}{}:
		default: // not the first
		}
		<-r.Context().Done()
	}))
	s.env = maps.Clone(s.env)
	if s.env == nil {
		s.env = map[string]string{}
	}
	s.env["AWS_ENDPOINT_URL_API_GATEWAY"] = server.URL
	program := exec.CommandContext(t.Context(), os.Args[0], append(args, "--file", w.file)...)
	program.Args[0], program.Env = "sluice", w.environ(s)
	if !s.here {
		program.Env = append(program.Env, otherHost+"=far-away")
	}
	var said bytes.Buffer
	program.Stdout, program.Stderr = &said, &said
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- program.Wait() }()
	select {
	case <-arrived:
	case err := <-ended:
		t.Fatalf("%v: it ended before its first effect: %v\n%s", args, err, &said)
	}
	if err := program.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-ended //nolint:errcheck // it was killed
}

// effects are those that the emulators served, "target kind" in order.
func (w *world) effects() []string {
	var list []string
	for _, e := range w.platforms.Effects() {
		list = append(list, strings.Join(e.Targets, " ")+" "+e.Kind)
	}
	return list
}
