// Package check runs hooks and gates: programs and URLs that must agree before
// a rollout goes on.
package check

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"

	"sluice/rollout"
)

// DefaultTimeout bounds a check that names no timeout of its own.
const DefaultTimeout = 10 * time.Minute

// Vars are what a check is told about the rollout it guards: the environment
// variables SLUICE_HOOK_… of a program.
type Vars struct {
	Pipeline, Stage, Target, Release, PreviousRelease, Rollout, Phase string
}

// environ lists the variables as a process takes them.
func (v Vars) environ() []string {
	return []string{
		"SLUICE_HOOK_PIPELINE=" + v.Pipeline,
		"SLUICE_HOOK_STAGE=" + v.Stage,
		"SLUICE_HOOK_TARGET=" + v.Target,
		"SLUICE_HOOK_RELEASE=" + v.Release,
		"SLUICE_HOOK_PREVIOUS_RELEASE=" + v.PreviousRelease,
		"SLUICE_HOOK_ROLLOUT=" + v.Rollout,
		"SLUICE_HOOK_PHASE=" + v.Phase,
	}
}

// Runner runs checks. It is safe for concurrent use.
type Runner struct {
	// Environ is the environment programs get, beside their SLUICE_HOOK_….
	Environ []string
	// Transport carries HTTP checks; nil means http.DefaultTransport.
	Transport http.RoundTripper
	// Log takes a check's output: untrusted text.
	Log func(target, title, text string)
}

// Preflight says why a check could not run here: a program that is not there,
// a header that names an unset variable. It runs nothing.
func (r *Runner) Preflight(g rollout.Gate) error {
	if g.HTTP != nil {
		_, err := r.headers(g.HTTP)
		return err
	}
	program := argv(g)[0]
	if _, err := r.lookPath(program); err != nil {
		return fmt.Errorf("the program %q of a check is not there; the action's image holds no programs: use the setup action with git, s3 or file state, or an http check", program)
	}
	return nil
}

// Run runs a check to its end. An error means that it did not pass.
func (r *Runner) Run(ctx context.Context, g rollout.Gate, v Vars) error {
	timeout := g.Timeout.Std()
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	limited, stop := context.WithTimeout(ctx, timeout)
	defer stop()
	err := r.run(limited, g, v)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		return fmt.Errorf("it took longer than its timeout %s", timeout)
	}
	return err
}

func (r *Runner) run(ctx context.Context, g rollout.Gate, v Vars) error {
	if g.HTTP != nil {
		return r.ask(ctx, g.HTTP)
	}
	return r.exec(ctx, g, v)
}

// argv is the command line of a program check.
func argv(g rollout.Gate) []string {
	if g.Shell {
		return []string{"sh", "-c", strings.Join(g.Run, " ")}
	}
	return g.Run
}

// maxOutput is how much of a program's output is kept: its end.
const maxOutput = 64 << 10

// exitGrace is how long a program has to end after it was told to.
const exitGrace = 2 * time.Second

func (r *Runner) exec(ctx context.Context, g rollout.Gate, v Vars) error {
	args := argv(g)
	path, err := r.lookPath(args[0])
	if err != nil {
		return err
	}
	out := &tail{max: maxOutput}
	cmd := exec.CommandContext(ctx, path, args[1:]...)
	cmd.Args[0] = args[0]
	cmd.Env = append(append([]string{}, r.Environ...), v.environ()...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = exitGrace
	err = cmd.Run()
	if text := out.String(); text != "" && r.Log != nil {
		r.Log(v.Target, fmt.Sprintf("%s %s", v.Phase, strings.Join(args, " ")), text)
	}
	if err != nil {
		return fmt.Errorf("%s: %w%s", strings.Join(args, " "), err, lastLine(out.String()))
	}
	return nil
}

// lookPath finds a program in the PATH that programs get.
func (r *Runner) lookPath(program string) (string, error) {
	if strings.Contains(program, "/") {
		return exec.LookPath(program)
	}
	for _, kv := range r.Environ {
		dirs, ok := strings.CutPrefix(kv, "PATH=")
		if !ok {
			continue
		}
		for dir := range strings.SplitSeq(dirs, string(os.PathListSeparator)) {
			if path, err := exec.LookPath(dir + "/" + program); dir != "" && err == nil {
				return path, nil
			}
		}
	}
	return "", fmt.Errorf("program %q is not in PATH", program)
}

// lastLine quotes what a failed program said last.
func lastLine(out string) string {
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if last := strings.TrimSpace(lines[len(lines)-1]); last != "" {
		return " (" + last + ")"
	}
	return ""
}
