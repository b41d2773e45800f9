package check

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"sluice/rollout"
)

// maxOutput is how much of a program's output is kept: its end.
const maxOutput = 64 << 10

// exitGrace is how long a program has to end after it was told to, and how long
// what it left behind may hold its output open.
const exitGrace = 2 * time.Second

// exec runs a program. Of one that measures it returns the end of what it wrote to
// its standard output.
// Nothing that it started outlives it.
func (r *Runner) exec(ctx context.Context, g rollout.Gate, v Vars) (string, error) {
	args := argv(g)
	path, err := r.lookPath(args[0])
	if err != nil {
		return "", err
	}
	out, said := &tail{max: maxOutput}, &tail{max: maxOutput}
	cmd := exec.CommandContext(ctx, path, args[1:]...) //nolint:gosec // the pipeline file names it
	cmd.Args[0] = args[0]
	cmd.Env = append(slices.Clone(r.Environ), v.environ()...)
	cmd.Stdout, cmd.Stderr = out, out
	if g.Measured != nil { // through two pipes: what came first is not told any more
		cmd.Stdout = io.MultiWriter(out, said)
	}
	cmd.WaitDelay = exitGrace
	endTogether(cmd)
	err = cmd.Run()
	endRest(cmd)
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil // the program itself passed; what it left behind is gone
	}
	if text := out.String(); text != "" && r.Log != nil {
		r.Log(v.Target, v.Phase+": "+name(g), text)
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w%s", name(g), err, lastLine(out.String()))
	}
	return said.String(), nil
}

// argv is the command line of a program check.
func argv(g rollout.Gate) []string {
	switch {
	case g.Shell:
		return []string{"sh", "-c", strings.Join(g.Run, " ")}
	case len(g.Run) == 0:
		return []string{""}
	default:
		return g.Run
	}
}

// lookPath finds a program in the PATH that programs get.
func (r *Runner) lookPath(program string) (string, error) {
	if strings.ContainsAny(program, `/\`) {
		path, err := exec.LookPath(program)
		if why, ok := errors.AsType[*exec.Error](err); ok {
			err = why.Err // whoever asks names the program
		}
		return path, err
	}
	for _, kv := range slices.Backward(r.Environ) {
		dirs, ok := strings.CutPrefix(kv, "PATH=")
		if !ok {
			continue
		}
		for dir := range strings.SplitSeq(dirs, string(os.PathListSeparator)) {
			if path, err := exec.LookPath(dir + "/" + program); dir != "" && program != "" && err == nil {
				return path, nil
			}
		}
		break // the last one counts
	}
	return "", errors.New("it is not in PATH")
}

// lastLine quotes what a failed program said last.
func lastLine(out string) string {
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if last := strings.TrimSpace(lines[len(lines)-1]); last != "" {
		return " (" + last + ")"
	}
	return ""
}
