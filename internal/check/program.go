package check

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"sluice/internal/program"
	"sluice/rollout"
)

// maxOutput is how much of a program's output is kept: its end.
const maxOutput = 64 << 10

// start runs a program. Of one that measures it returns the end of what it wrote to
// its standard output.
// Nothing that it started outlives it.
func (r *Runner) start(ctx context.Context, g rollout.Gate, v Vars) (string, error) {
	args := argv(g)
	out, said := &program.Tail{Max: maxOutput}, &program.Tail{Max: maxOutput}
	var answers io.Writer = out
	if g.Measured != nil { // through two pipes: what came first is not told any more
		answers = io.MultiWriter(out, said)
	}
	err := program.Run(ctx, program.Command{
		Args: args, Environ: append(slices.Clone(r.Environ), v.environ()...), Stdout: answers, Stderr: out,
	})
	if notStarted, ok := errors.AsType[*program.StartError](err); ok {
		return "", notStarted.Err
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

// lastLine quotes what a failed program said last.
func lastLine(out string) string {
	if last := program.LastLine(out); last != "" {
		return " (" + last + ")"
	}
	return ""
}
