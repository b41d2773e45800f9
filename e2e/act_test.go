package e2e

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// workflow is a repository under test and how act runs its workflow.
type workflow struct {
	Dir       string            // the repository
	File      string            // the workflow, in .github/workflows
	Inputs    map[string]string // of workflow_dispatch
	Env       map[string]string // seen by every step
	RunID     int               // act gives every run the same one
	Artifacts string            // the artifact service's folder: shared by runs of one repository
	Token     string            // github.token; "" where there is no API to use it on
	Event     string            // what starts it; default workflow_dispatch
	Actor     string            // who starts it; default octocat
	Secrets   map[string]string // of the repository
	Payload   map[string]any    // of the event, besides what every event has
	Actions   map[string]string // folders that stand in for actions of others, by "owner/name@ref"
}

// newRepository makes a repository of the files, with the real action.yml over
// the image that the real Dockerfile made.
func newRepository(t *testing.T, files map[string]string) string {
	t.Helper()
	return newRepositoryAt(t, "octo/storefront", files)
}

// newRepositoryAt is one of a name: what act takes for GITHUB_REPOSITORY.
func newRepositoryAt(t *testing.T, name string, files map[string]string) string {
	t.Helper()
	needProgram(t, "git")
	dir := t.TempDir()
	action, err := os.ReadFile("../action.yml")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{
		"action.yml": string(action),
		"Dockerfile": "FROM " + needVar(t, "SLUICE_E2E_ACTION") + "\n",
	}
	maps.Copy(all, files)
	for name, content := range all {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	git(t, dir, "init", "-q", "-b", "main")
	git(t, dir, "remote", "add", "origin", "https://github.com/"+name+".git")
	git(t, dir, "add", "-A")
	git(t, dir, "-c", "user.name=octocat", "-c", "user.email=octocat@example.com", "commit", "-q", "-m", "A storefront")
	return dir
}

func git(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// run runs the workflow, which has a job to run. Whether its jobs succeeded is in the
// result.
func (w workflow) run(t *testing.T) result {
	t.Helper()
	r := w.runIfDue(t)
	if len(r.jobs) == 0 {
		t.Fatalf("act ran no job: %s", r.readable())
	}
	return r
}

// runIfDue runs the workflow, whose jobs may all be skipped by their conditions: then
// the result has none.
func (w workflow) runIfDue(t *testing.T) result {
	t.Helper()
	needProgram(t, "act")
	cmd := exec.CommandContext(t.Context(), "act", w.args(t)...)
	cmd.Dir = w.Dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	r := result{log: string(out), outputs: map[string]map[string]string{}, summaries: map[string]string{}, jobs: map[string]string{}}
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		r.read(lines.Bytes())
	}
	if len(r.jobs) == 0 && err != nil {
		t.Fatalf("act ran no job: %v\n%s%s", err, out, stderr.Bytes())
	}
	return r
}

// args keeps everything on this machine: no image, action or service is fetched.
func (w workflow) args(t *testing.T) []string {
	t.Helper()
	event := filepath.Join(t.TempDir(), "event.json")
	repository := map[string]any{"id": 1, "full_name": w.repository(t), "default_branch": "main", "private": true}
	told := map[string]any{
		"inputs":       w.Inputs,
		"repository":   repository,
		"pull_request": map[string]any{"number": 1, "head": map[string]any{"ref": "change", "repo": repository}, "base": map[string]any{"ref": "main"}},
	}
	maps.Copy(told, w.Payload)
	payload, err := json.Marshal(told)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(event, payload, 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{
		cmp.Or(w.Event, "workflow_dispatch"), "--json", "--rm",
		"--workflows", filepath.Join(".github/workflows", w.File),
		"--platform", "ubuntu-latest=" + needVar(t, "SLUICE_E2E_RUNNER"),
		"--pull=false", "--action-offline-mode", "--no-cache-server",
		"--network", "host",
		"--artifact-server-path", w.Artifacts,
		"--artifact-server-addr", "127.0.0.1",
		"--artifact-server-port", strconv.Itoa(freePort(t)),
		"--actor", cmp.Or(w.Actor, "octocat"),
		"--eventpath", event,
		"--env", fmt.Sprintf("GITHUB_RUN_ID=%d", w.RunID),
	}
	if w.Token != "" {
		args = append(args, "--secret", "GITHUB_TOKEN="+w.Token)
	}
	for _, name := range slices.Sorted(maps.Keys(w.Actions)) {
		args = append(args, "--local-repository", name+"="+w.Actions[name])
	}
	for _, name := range slices.Sorted(maps.Keys(w.Secrets)) {
		args = append(args, "--secret", name+"="+w.Secrets[name])
	}
	for _, name := range slices.Sorted(maps.Keys(w.Env)) {
		args = append(args, "--env", name+"="+w.Env[name])
	}
	return args
}

// repository is the name that act reads from the repository's remote.
func (w workflow) repository(t *testing.T) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", "remote", "get-url", "origin")
	cmd.Dir = w.Dir
	url, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(string(url)), "https://github.com/"), ".git")
}

// freePort asks the kernel for a port that nobody has at this moment.
func freePort(t *testing.T) int {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// result is what act's log says of one run.
type result struct {
	log       string
	outputs   map[string]map[string]string // by "job/step", by name
	summaries map[string]string            // by "job/step"
	jobs      map[string]string            // "success" or "failure", by job
}

// read takes in one line of act's JSON log.
func (r result) read(line []byte) {
	var e struct {
		JobID     string   `json:"jobID"`
		StepID    []string `json:"stepID"`
		Command   string   `json:"command"`
		Name      string   `json:"name"`
		Arg       string   `json:"arg"`
		Content   string   `json:"content"`
		JobResult string   `json:"jobResult"`
	}
	if json.Unmarshal(line, &e) != nil {
		return // act prints a few lines that are not JSON
	}
	step := e.JobID + "/" + strings.Join(e.StepID, ".")
	switch {
	case e.JobResult != "":
		r.jobs[e.JobID] = e.JobResult
	case e.Command == "set-output":
		if r.outputs[step] == nil {
			r.outputs[step] = map[string]string{}
		}
		r.outputs[step][e.Name] = e.Arg
	case e.Command == "summary":
		r.summaries[step] += e.Content
	}
}

// wantJobs fails the test with the run's log unless the jobs ended as said.
func (r result) wantJobs(t *testing.T, want map[string]string) {
	t.Helper()
	if !maps.Equal(r.jobs, want) {
		t.Fatalf("jobs ended as %v, want %v\n%s", r.jobs, want, r.readable())
	}
}

// readable is the log as a person reads it.
func (r result) readable() string {
	var b strings.Builder
	for line := range strings.Lines(r.log) {
		var e struct {
			JobID string `json:"jobID"`
			Msg   string `json:"msg"`
		}
		if json.Unmarshal([]byte(line), &e) == nil {
			fmt.Fprintf(&b, "[%s] %s\n", e.JobID, strings.TrimRight(e.Msg, "\n"))
		} else {
			b.WriteString(line)
		}
	}
	return b.String()
}
