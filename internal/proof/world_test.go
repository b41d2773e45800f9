package proof_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
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

// stores are the stores there are, as state.store begins to name them.
var stores = []string{"file", "git", "s3", "artifact"}

// world is one repository with one of the stores, the platforms' emulators, and
// the passage that leads the program to all of them. It outlives the program.
type world struct {
	passage   *passage
	time      *worktest.Fast
	dir       string
	file      string // the pipeline file
	store     string // the value of --store
	platforms *sandbox.Server
	artifacts *artifacttest.Server
	program   string                      // what is run
	most      time.Duration               // that it may run; 0 for an hour
	servers   struct{ github, s3 string } // their addresses
	env       map[string]string           // what leads there by way of the passage
	moved     bool                        // the source runs something newer than what waits: a platform may refuse that
}

// quick is how much faster time passes than on the machine: the half minute in
// which an effect may still show is over in a third of a second.
const quick = 100

// newWorld starts the stand-ins, and the emulators with what text declares, in
// time that passes so much faster.
func newWorld(t testing.TB, store, text string, speed time.Duration) *world {
	t.Helper()
	dir := t.TempDir()
	w := &world{
		passage: &passage{at: never}, time: &worktest.Fast{Epoch: time.Now(), Speed: speed}, dir: dir, file: filepath.Join(dir, "sluice.yaml"),
		artifacts: artifacttest.New(), program: os.Args[0],
	}
	w.artifacts.Now = w.time.Now
	if err := os.WriteFile(w.file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var err error
	w.platforms, err = sandbox.Start(t.Context(), sandbox.Options{Pipelines: []*pipeline.Pipeline{parsed(t, text)}, Emulators: emulators.Emulators(w.time.Now)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.platforms.Close)
	w.servers.github, w.servers.s3 = listen(t, w.github()), listen(t, s3test.New())
	w.store = map[string]string{
		"file": "file:" + filepath.Join(dir, "state"), "git": "git", "s3": "s3://" + s3test.Bucket + "/teams", "artifact": "artifact",
	}[store]
	w.env = w.through(t, w.passage)
	w.artifacts.Base = w.env["GITHUB_API_URL"]
	return w
}

func parsed(t testing.TB, text string) *pipeline.Pipeline {
	t.Helper()
	p, problems := pipeline.Parse("sluice.yaml", []byte(text), facts())
	if pipeline.Failed(problems) {
		t.Fatal(pipeline.Format(problems))
	}
	return p
}

// facts are the platforms'.
func facts() []driver.Facts {
	list := []driver.Facts{}
	for _, p := range all.Platforms() {
		list = append(list, p.Facts)
	}
	return list
}

func listen(t testing.TB, h http.Handler) string {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

// through is the environment that leads to the platforms and the store by way of
// a passage.
func (w *world) through(t testing.TB, p *passage) map[string]string {
	t.Helper()
	env, ways := w.platforms.Env(), map[string]string{}
	for name, value := range env {
		if !strings.HasPrefix(value, "http://") {
			continue
		}
		base := strings.Join(strings.SplitN(value, "/", 4)[:3], "/")
		if ways[base] == "" {
			ways[base] = p.before(t, base, func(r *http.Request) string { return r.Method + " " + r.URL.Path })
		}
		env[name] = strings.Replace(value, base, ways[base], 1)
	}
	env["GITHUB_API_URL"] = p.before(t, w.servers.github, saving)
	env["ACTIONS_RESULTS_URL"] = env["GITHUB_API_URL"] + "/"
	env["AWS_ENDPOINT_URL_S3"] = p.before(t, w.servers.s3, saving)
	if strings.HasPrefix(w.store, "file:") {
		env[savesAt] = p.saves(t)
	}
	return env
}

// isSave begins the names of requests to a store.
const isSave = "save: "

// saving names a request that may change what a store holds.
func saving(r *http.Request) string {
	if r.Method == http.MethodGet || strings.HasSuffix(r.URL.Path, "/ListArtifacts") || strings.HasSuffix(r.URL.Path, "/GetSignedArtifactURL") {
		return ""
	}
	return isSave + r.Method + " " + r.URL.Path
}

// isGit are the paths of the repository's git data.
var isGit = regexp.MustCompile(`^/(git|tarball|commits|compare)/`)

// github is GitHub: its git data, its runs, of which none is over, and its
// artifacts.
func (w *world) github() http.Handler {
	git := gitreftest.New()
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		path := strings.TrimPrefix(r.URL.Path, "/repos/"+gitreftest.Repository)
		id, isRun := strings.CutPrefix(path, "/actions/runs/")
		switch {
		case isGit.MatchString(path):
			if r.Header.Get("Authorization") == "Bearer "+artifacttest.Token {
				r.Header.Set("Authorization", "Bearer "+gitreftest.Token)
			}
			git.ServeHTTP(rw, r)
		case strings.HasPrefix(path, "/archive/"):
			git.ServeHTTP(rw, r)
		case isRun && !strings.Contains(id, "/"):
			_, _ = fmt.Fprintf(rw, `{"id": %s, "status": "in_progress"}`, id)
		default:
			w.artifacts.ServeHTTP(rw, r)
		}
	})
}

// step is a command line as a step of a workflow run.
type step struct {
	actor string
	run   int64
	args  []string
}

func (s step) String() string {
	return fmt.Sprintf("%s, run %d: sluice %s", s.actor, s.run, strings.Join(s.args, " "))
}

// environ is the environment of a step.
func (w *world) environ(s step) []string {
	env := map[string]string{}
	getenv := w.artifacts.Getenv(artifacttest.Run{ID: s.run})
	for _, name := range []string{
		"GITHUB_ACTIONS", "GITHUB_REPOSITORY", "GITHUB_REPOSITORY_ID", "GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT", "GITHUB_JOB", "GITHUB_REF",
		"GITHUB_TOKEN", "ACTIONS_RUNTIME_TOKEN",
	} {
		env[name] = getenv(name)
	}
	maps.Copy(env, w.env)
	maps.Copy(env, map[string]string{
		"GITHUB_ACTOR": s.actor, "GITHUB_TRIGGERING_ACTOR": s.actor, "GITHUB_ACTION": "sluice",
		"GITHUB_EVENT_NAME": "workflow_dispatch", "GITHUB_SERVER_URL": "https://github.example",
		"AWS_ACCESS_KEY_ID": s3test.AccessKeyID, "AWS_SECRET_ACCESS_KEY": "very-secret-key",
		"HOME": w.dir, "PATH": os.Getenv("PATH"), isProgram: "yes", timeOf: textOf(w.time),
		"GORACE": os.Getenv("GORACE"), // the program is this binary
	})
	list := make([]string, 0, len(env))
	for _, name := range slices.Sorted(maps.Keys(env)) {
		list = append(list, name+"="+env[name])
	}
	return list
}

// outcome is what a command line came to.
type outcome struct {
	code           int // -1 where it was killed
	stdout, stderr string
	process        *os.ProcessState // nil where it was none
}

func (o outcome) String() string { return fmt.Sprintf("exit %d\n%s\n%s", o.code, o.stdout, o.stderr) }

// line is the whole command line of a step, whose own flags come last and count.
func (w *world) line(s step) []string {
	flags := slices.IndexFunc(s.args, func(arg string) bool { return strings.HasPrefix(arg, "--") })
	if flags < 0 {
		flags = len(s.args)
	}
	return slices.Concat(s.args[:flags], []string{"--file", w.file, "--store", w.store, "--wait-budget", "10h"}, s.args[flags:])
}

// run runs a step as a process of its own, killed at a point of the passage.
func (w *world) run(t testing.TB, s step, at int) outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	ctx, end := context.WithTimeout(t.Context(), cmp.Or(w.most, time.Hour))
	defer end()
	program := exec.CommandContext(ctx, w.program, w.line(s)...)
	program.Env, program.Dir, program.Stdout, program.Stderr = w.environ(s), w.dir, &stdout, &stderr
	begun, gone := make(chan struct{}), make(chan struct{})
	w.passage.arm(at, func() {
		<-begun
		_ = program.Process.Kill() // it may be gone
		<-gone
	})
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	close(begun)
	err := program.Wait()
	close(gone)
	if ctx.Err() != nil {
		t.Errorf("%s: it still ran after %s", s, cmp.Or(w.most, time.Hour))
	}
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		t.Fatal(err)
	}
	return outcome{program.ProcessState.ExitCode(), stdout.String(), stderr.String(), program.ProcessState}
}

// here runs a step in this process, which is not killed.
func (w *world) here(t testing.TB, s step) outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	w.passage.arm(never, nil)
	code := app.Main(t.Context(), app.Process{Args: w.line(s), Stdout: &stdout, Stderr: &stderr, Environ: w.environ(s), Clock: w.time.Clock()})
	return outcome{code, stdout.String(), stderr.String(), nil}
}

// document runs a command that only reads, and decodes its document.
func (w *world) document(t testing.TB, into any, args ...string) {
	t.Helper()
	s := step{"octocat", 99, append(args, "--output", "json")}
	got := w.here(t, s)
	if got.code != 0 {
		t.Fatalf("%s: %s", s, got)
	}
	if err := json.Unmarshal([]byte(got.stdout), into); err != nil {
		t.Fatalf("%s: %v", s, err)
	}
}

// effects are those that the emulators served, in their order, by target.
func (w *world) effects() map[string][]string {
	list := map[string][]string{}
	for _, e := range w.platforms.Effects() {
		for _, target := range e.Targets {
			list[target] = append(list[target], e.Kind)
		}
	}
	return list
}
