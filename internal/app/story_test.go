package app_test

import (
	"context"
	"errors"
	"flag"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"sluice/internal/app"
	"sluice/internal/ledger/process"
	"sluice/internal/sandbox"
	"sluice/internal/telemetry/telemetrytest"
	"sluice/internal/work"
	"sluice/internal/work/worktest"
	"sluice/rollout"
)

// TestMain lets the test binary be the program: stories run it as a process of
// its own, so that exit codes, signals and SIGKILL are real.
func TestMain(m *testing.M) {
	sideBySide("6")
	debug.SetGCPercent(400) // there is memory, and half the time is spent looking for more
	testscript.Main(m, map[string]func(){"sluice": sluice})
}

// sideBySide has so many tests run at a time where -parallel does not say otherwise:
// stories mostly wait for each other's processes and for what they follow.
func sideBySide(tests string) { _ = flag.Set("test.parallel", tests) } // the flag is there: this is a test

// sluice is main.
func sluice() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(app.Main(ctx, app.Process{
		Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Environ: os.Environ(), Self: elsewhere(os.Getenv(otherHost)),
		Clock: ofStory(os.Getenv(storyTime)),
		Kill: func() {
			self, _ := os.FindProcess(os.Getpid()) // there is always a self
			_ = self.Kill()
			select {}
		},
	}))
}

// otherHost is the environment variable that has the program take itself for one on
// a machine of that name.
const otherHost = "SLUICE_TEST_HOST"

func elsewhere(host string) func() rollout.Run {
	if host == "" {
		return nil
	}
	return func() rollout.Run {
		run := process.Here().Self()
		run.Host = host
		return run
	}
}

// storyTime is the environment variable that says when a story began, in nanoseconds
// of the machine's time: since then time passes faster, in all of its processes
// alike. The machine's own time passes where a story takes it away.
const (
	storyTime  = "SLUICE_TEST_TIME"
	storySpeed = 5
)

func ofStory(began string) work.Clock {
	at, err := strconv.ParseInt(began, 10, 64)
	if err != nil {
		return work.System()
	}
	return (&worktest.Fast{Epoch: time.Unix(0, at), Speed: storySpeed}).Clock()
}

type command = func(ts *testscript.TestScript, negated bool, args []string)

// TestStories runs testdata/script: what a person or a workflow does, and what
// they see. Beside testscript's own commands a story has
//
//	exits CODE PROGRAM ARGS…    the program must end with this code; "killed" is SIGKILL
//	until PATTERN FILE          waits until the file matches
//	gateway …                   API Gateway as somebody else sees it; see [gateway]
//	capture NAME PATTERN FILE   $NAME is what the pattern's group matches in the file
//	hook NAME STATUS…           a webhook; see [hookCommand]
//	prometheus FILE QUERY VALUE   a Prometheus that answers; see [prometheusCommand]
//	collector …                   OpenTelemetry's collector; see [collectorCommand]
//	github …                      GitHub's reviews of environments; see [githubCommand]
//	step NAME ACTOR RUN [TRY]   from here on, this is a step of a workflow run
//
// Time passes faster in it; see [storyTime].
func TestStories(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "../../testdata/script",
		RequireExplicitExec: true,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		Cmds:                map[string]command{"exits": exits, "until": until, "gateway": gateway, "prometheus": prometheusCommand, "github": githubCommand, "step": step, "capture": capture, "hook": hookCommand, "collector": collectorCommand},
		Setup: func(env *testscript.Env) error {
			root, err := filepath.Abs("../..")
			env.Setenv("ROOT", root)
			env.Setenv(storyTime, strconv.FormatInt(time.Now().UnixNano(), 10))
			env.Setenv("GORACE", os.Getenv("GORACE")) // the program is this binary
			env.Values[githubKey{}] = newReviewed()
			env.Values[collectorKey{}] = &telemetrytest.Collector{}
			env.Values[hooksKey{}] = map[string]*webhook{}
			env.Values[prometheusKey{}] = map[prometheusKey]*runningPrometheus{}
			env.Values[serverKey{}] = map[serverKey]*sandbox.Server{}
			env.Setenv("QUICKSTART", filepath.Join(root, "examples", "quickstart", "sluice.yaml"))
			return err
		},
	})
}

func exits(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGS…")
	}
	got := "0"
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		failure, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = strconv.Itoa(failure.ExitCode())
		if status, ok := failure.Sys().(syscall.WaitStatus); ok && status.Signaled() && status.Signal() == syscall.SIGKILL {
			got = "killed"
		}
	}
	if got != args[0] {
		ts.Fatalf("exit code %s, want %s", got, args[0])
	}
}

// patience is how long until waits for a process that is under way.
const patience = time.Minute

func until(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) != 2 {
		ts.Fatalf("usage: until PATTERN FILE")
	}
	pattern, err := regexp.Compile(args[0])
	ts.Check(err)
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if text, err := os.ReadFile(ts.MkAbs(args[1])); err == nil && pattern.Match(text) {
			return
		}
	}
	ts.Fatalf("%s never matched %s", args[1], args[0])
}

func capture(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) != 3 {
		ts.Fatalf("usage: capture NAME PATTERN FILE")
	}
	pattern, err := regexp.Compile(args[1])
	ts.Check(err)
	found := pattern.FindStringSubmatch(ts.ReadFile(args[2]))
	if len(found) != 2 {
		ts.Fatalf("%s does not match %s", args[2], args[1])
	}
	ts.Setenv(args[0], found[1])
}

// step makes what follows a step of a workflow run, with empty files for its
// outputs and its summary: $GITHUB_OUTPUT and $GITHUB_STEP_SUMMARY.
func step(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) < 3 || len(args) > 4 {
		ts.Fatalf("usage: step NAME ACTOR RUN [ATTEMPT]")
	}
	attempt := "1"
	if len(args) == 4 {
		attempt = args[3]
	}
	for name, value := range map[string]string{
		"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "octo/shop", "GITHUB_REPOSITORY_ID": "1", "GITHUB_SERVER_URL": "https://github.example",
		"GITHUB_RUN_ID": args[2], "GITHUB_RUN_ATTEMPT": attempt, "GITHUB_JOB": "deploy", "GITHUB_ACTION": args[0],
		"GITHUB_ACTOR": args[1], "GITHUB_TRIGGERING_ACTOR": args[1], "GITHUB_EVENT_NAME": "workflow_dispatch", "GITHUB_REF": "refs/heads/main",
	} {
		ts.Setenv(name, value)
	}
	for name, file := range map[string]string{"GITHUB_OUTPUT": "output", "GITHUB_STEP_SUMMARY": "summary"} {
		path := ts.MkAbs(strings.Join([]string{file, args[0], args[2], attempt}, "-"))
		ts.Check(os.WriteFile(path, nil, 0o600))
		ts.Setenv(name, path)
	}
}
