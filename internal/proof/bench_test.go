//go:build unix

package proof_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// number is one row of the table: what was measured, and what it may be.
type number struct {
	what     string
	got, may float64
	unit     string
	why      string // why there is none
}

// BenchmarkNumbers measures what the design promises, once each, with the program
// as it is released, and prints a table. None of it is a test: machines differ.
func BenchmarkNumbers(b *testing.B) {
	built := build(b, "../..", released(b)...)
	rows := []struct {
		name    string
		measure func(*testing.B, string) []number
	}{
		{"size", size}, {"version", version}, {"validate", validate}, {"saves", saves}, {"gateways", gateways}, {"throttled", throttled},
		{"heroku", herokuApps}, {"halting", herokuHalting}, {"records", records}, {"git", gitRequests}, {"artifacts", artifacts},
		{"byhand", canaryByHand}, {"heroku CLI", besideHeroku}, {"sandboxed", sandboxed}, {"billed", billed},
	}
	var numbers []number
	for _, row := range rows {
		b.Run(row.name, func(b *testing.B) { numbers = append(numbers, row.measure(b, built)...) })
	}
	print(numbers, newFile(b))
}

// print prints the table, headed by what it depends on: file is what one takes to make.
func print(numbers []number, file time.Duration) {
	fmt.Printf("\non %s/%s, %d processors, load %s, %s a file\n\n", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), load(), file.Round(time.Microsecond))
	fmt.Printf("%-64s %12s %12s %-10s\n", "WHAT", "GOT", "AT MOST", "")
	for _, n := range numbers {
		if n.why != "" {
			fmt.Printf("%-64s %12s %12.4g %-10s %s\n", n.what, "-", n.may, n.unit, n.why)
			continue
		}
		verdict := "ok"
		if n.got > n.may {
			verdict = "TOO MUCH"
		}
		fmt.Printf("%-64s %12.4g %12.4g %-10s %s\n", n.what, n.got, n.may, n.unit, verdict)
	}
}

// load is how busy the machine is otherwise, where it says so.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Fields(string(text))[0]
}

// newFile is what the system takes to make a file, on average. Saves make many, and it
// differs by hundreds of percent from one minute to the next (docs/design.md, section 8).
func newFile(b *testing.B) time.Duration {
	const files = 200
	dir := b.TempDir()
	began := time.Now()
	for i := range files {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(i)), nil, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	return time.Since(began) / files
}

// released are the flags of a release, as the Makefile has them.
func released(b *testing.B) []string {
	b.Helper()
	compile, err := os.ReadFile("../../build.flags")
	if err != nil {
		b.Fatal(err)
	}
	link, err := os.ReadFile("../../link.flags")
	if err != nil {
		b.Fatal(err)
	}
	return append(strings.Fields(string(compile)), "-ldflags="+strings.TrimSpace(string(link)))
}

// build builds a program and copies it, as it comes to whoever installs it: written from
// front to back. The linker writes through a memory map, which leaves a file in the
// system's cache page by page, and a start out of that takes a fifth more of the processor.
func build(b *testing.B, dir string, flags ...string) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), "program")
	args := append(append([]string{"build", "-o", path + ".linked"}, flags...), ".")
	cmd := exec.CommandContext(b.Context(), "go", args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(path + ".linked")
	if err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o700); err != nil { //nolint:gosec // a program, for who runs this
		b.Fatal(err)
	}
	return path
}

func size(b *testing.B, built string) []number {
	text, err := os.ReadFile(built)
	if err != nil {
		b.Fatal(err)
	}
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	_, _ = zip.Write(text) // to memory
	_ = zip.Close()
	return []number{
		{what: "binary", got: float64(len(text)) / 1e6, may: 25, unit: "MB"},
		{what: "binary, compressed", got: float64(packed.Len()) / 1e6, may: 9, unit: "MB"},
	}
}

// used is the processor's time of a command line, on average.
func used(b *testing.B, times int, env []string, line ...string) (cpu, wall time.Duration) {
	b.Helper()
	for range times {
		cmd := exec.CommandContext(b.Context(), line[0], line[1:]...)
		cmd.Env = append(os.Environ(), env...)
		began := time.Now()
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("%v: %v\n%s", line, err, out)
		}
		wall += time.Since(began)
		cpu += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	}
	return cpu / time.Duration(times), wall / time.Duration(times)
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func version(b *testing.B, built string) []number {
	cpu, _ := used(b, 20, nil, built, "version")
	return []number{{what: "sluice version, processor", got: milliseconds(cpu), may: 5, unit: "ms"}}
}

func validate(b *testing.B, built string) []number {
	took := func(targets int) float64 {
		file := filepath.Join(b.TempDir(), "sluice.yaml")
		text := scenario{targets: targets}.pipelineOf("heroku")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
		_, wall := used(b, 3, nil, built, "validate", "--file", file)
		return wall.Seconds()
	}
	half, all := took(5000), took(10000)
	return []number{
		{what: "validate, 10,000 targets", got: all, may: 0.5, unit: "s"},
		{what: "validate, 10,000 targets against 5,000", got: all / half, may: 2.2, unit: "times"},
	}
}

// done promotes on real time and returns what it took; the world's passage counts.
func done(b *testing.B, w *world, more ...string) (outcome, time.Duration) {
	b.Helper()
	s := promote(1)
	s.args = append(s.args, more...)
	began := time.Now()
	got := w.run(b, s, never)
	if got.code != 0 {
		b.Fatalf("%s: exit %d\n%.2000s", s, got.code, got.stderr)
	}
	return got, time.Since(began)
}

// real is a world in the machine's own time, for the program as it is released.
func real(b *testing.B, built, store, platform string, s scenario) *world {
	b.Helper()
	w := newWorld(b, store, s.pipelineOf(platform), 1)
	w.program = built
	return w
}

func saves(b *testing.B, built string) []number {
	w := real(b, built, "git", "apigateway", scenario{targets: 1}) // whose commits are saves
	done(b, w)
	points, _, _ := w.passage.list()
	commits := 0
	for _, what := range points {
		if strings.HasPrefix(what, "before ") && strings.HasSuffix(what, "/git/commits") {
			commits++
		}
	}
	return []number{{what: "saves of a plain promotion of one target", got: float64(commits), may: 2, unit: ""}}
}

// requests is how many requests went to a world's only platform.
func (w *world) requests() int { return len(w.platforms.Requests()) }

func gateways(b *testing.B, built string) []number {
	const targets, places, pause = 1000, 64, 50 * time.Millisecond
	ideal := (targets * 3 * pause / places).Seconds()
	w := real(b, built, "file", "apigateway", scenario{targets: targets})
	w.passage.delay = pause
	_, took := done(b, w, "--concurrency", fmt.Sprint(places))
	plain := float64(w.requests()) / targets

	few := real(b, built, "file", "apigateway", scenario{targets: 20, target: ", strategy: {canary: {percentages: [10, 50], wait: 10ms}}"})
	done(b, few)
	return []number{
		{what: "1,000 gateways, 50 ms a request, 64 places: wall against ideal", got: took.Seconds() / ideal, may: 1.15, unit: "times"},
		{what: "the same: requests a target", got: plain, may: 3.01, unit: ""},
		{what: "a canary of 10 and 50 %: requests a target", got: float64(few.requests()) / 20, may: 5.2, unit: ""},
	}
}

func gitRequests(b *testing.B, built string) []number {
	w := real(b, built, "git", "apigateway", scenario{targets: 100})
	done(b, w)
	return []number{{what: "git, 100 targets: requests to GitHub", got: float64(w.passage.asked[w.servers.github]), may: 200, unit: ""}}
}

func artifacts(b *testing.B, built string) []number {
	w := real(b, built, "artifact", "apigateway", scenario{targets: 1000, target: ", strategy: {canary: {percentages: [10], wait: 10ms}}"})
	row := number{what: "artifact, 1,000 targets with a canary, 32 places: artifacts", may: 200}
	ctx, cancel := context.WithTimeout(b.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, built, append(w.line(promote(1)), "--concurrency", "32")...)
	cmd.Env, cmd.Dir = w.environ(promote(1)), w.dir
	out, err := cmd.CombinedOutput()
	row.got = float64(len(w.artifacts.Artifacts()))
	if err != nil {
		row.why = fmt.Sprintf("%v after %v artifacts; %.200s", err, row.got, bytes.TrimSpace(out[max(0, len(out)-200):]))
	}
	return []number{row}
}

// canaryByHand holds promote-canary against Amazon's CLI and a bare program on its SDK.
func canaryByHand(b *testing.B, built string) []number {
	const times = 5
	bare := build(b, "testdata/bare", "-trimpath")
	rows := []number{
		{what: "promote-canary, processor, against aws get-stage and update-stage", may: 1.0 / 60, unit: "times"},
		{what: "promote-canary, wall, against a bare SDK program", may: 2, unit: "times"},
	}
	aws, err := exec.LookPath("aws")
	if err != nil {
		rows[0].why, rows[1].why = "no aws CLI here, which puts the canary there", "no aws CLI here"
		return rows
	}
	w := real(b, built, "file", "apigateway", scenario{targets: 1})
	env := w.environ(promote(1))
	stage := []string{"--rest-api-id", "a1b2c3d4e5", "--stage-name", "production-1"}
	update := func(operations ...string) []string {
		return append(append([]string{aws, "--region", "eu-west-1", "apigateway", "update-stage"}, stage...), append([]string{"--patch-operations"}, operations...)...)
	}
	var sluice, cli, sluiceWall, bareWall time.Duration
	next := 0
	stand := func() { // of the two deployments the one that the stage does not run
		next++
		used(b, 1, env, update("op=replace,path=/canarySettings/percentTraffic,value=10",
			"op=replace,path=/canarySettings/deploymentId,value="+[]string{"zopl7c", "zjczef"}[next%2])...)
	}
	for i := range times {
		stand()
		s := step{"anna", int64(10 + i), []string{"promote-canary", "--target", "t1"}}
		cpu, wall := used(b, 1, w.environ(s), append([]string{built}, w.line(s)...)...)
		sluice, sluiceWall = sluice+cpu, sluiceWall+wall
		stand()
		_, wall = used(b, 1, append(env, "AWS_REGION=eu-west-1"), bare, "a1b2c3d4e5", "production-1")
		bareWall += wall
		stand()
		read, _ := used(b, 1, env, append([]string{aws, "--region", "eu-west-1", "apigateway", "get-stage"}, stage...)...)
		write, _ := used(b, 1, env, update("op=copy,path=/deploymentId,from=/canarySettings/deploymentId")...)
		cli += read + write
	}
	rows[0].got, rows[1].got = float64(sluice)/float64(cli), float64(sluiceWall)/float64(bareWall)
	return rows
}

// sandboxed rehearses a fleet in the program itself.
func sandboxed(b *testing.B, built string) []number {
	const most = 3 * time.Minute
	dir := b.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "sluice.yaml"), []byte(scenario{targets: 1400}.pipelineOf("heroku")), 0o600); err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(b.Context(), most)
	defer cancel()
	cmd := exec.CommandContext(ctx, built, "promote", "--sandbox", "--to", "production")
	cmd.Dir = dir
	began := time.Now()
	out, err := cmd.CombinedOutput()
	took := time.Since(began)
	rows := []number{
		{what: "1,400 Heroku apps, --sandbox: wall", got: took.Seconds(), may: 10, unit: "s"},
		{what: "the same: memory", may: 300, unit: "MB"},
	}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		rows[1].got = float64(usage.Maxrss) / 1e3
	}
	if err != nil {
		rows[0].why = fmt.Sprintf("%v after %s; %.200s", err, took.Round(time.Second), bytes.TrimSpace(out[max(0, len(out)-200):]))
	}
	return rows
}
