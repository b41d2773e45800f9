// Package program starts programs that the pipeline file names, and sees that nothing of
// them outlives their time.
package program

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// Grace is how long a program has to end after it was told to, and how long what it left
// behind may hold its output open.
const Grace = 2 * time.Second

// Command is a program to start, and what it is given.
type Command struct {
	Args           []string // the program, as [Look] finds it, and its arguments
	Environ        []string // all of its environment: NAME=value
	Stdin          io.Reader
	Stdout, Stderr io.Writer
}

// StartError is a program that could not be started: nothing of it ran.
type StartError struct{ Err error }

// Error says why.
func (e *StartError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *StartError) Unwrap() error { return e.Err }

// Run runs a program to its end, or to that of ctx, which has it and all that it started
// ended. The error is a [*StartError], or that of [exec.Cmd.Run].
func Run(ctx context.Context, c Command) error {
	if len(c.Args) == 0 {
		return &StartError{errors.New("no program is named")}
	}
	path, err := Look(c.Environ, c.Args[0])
	if err != nil {
		return &StartError{err}
	}
	cmd := exec.CommandContext(ctx, path, c.Args[1:]...) //nolint:gosec // the pipeline file names it
	cmd.Args[0] = c.Args[0]
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = c.Environ, c.Stdin, c.Stdout, c.Stderr
	cmd.WaitDelay = Grace
	endTogether(cmd)
	if err := cmd.Start(); err != nil {
		return &StartError{err}
	}
	err = cmd.Wait()
	endRest(cmd)
	if errors.Is(err, exec.ErrWaitDelay) {
		return nil // the program itself passed; what it left behind is gone
	}
	return err
}

// Look finds a program in the PATH of an environment; one with a slash is a file of the
// working directory, or from the root.
func Look(environ []string, name string) (string, error) {
	if strings.ContainsAny(name, `/\`) {
		path, err := exec.LookPath(name)
		if why, ok := errors.AsType[*exec.Error](err); ok {
			err = why.Err // whoever asks names the program
		}
		return path, err
	}
	for i := len(environ) - 1; i >= 0; i-- {
		dirs, ok := strings.CutPrefix(environ[i], "PATH=")
		if !ok {
			continue
		}
		for dir := range strings.SplitSeq(dirs, string(os.PathListSeparator)) {
			if path, err := exec.LookPath(dir + "/" + name); dir != "" && name != "" && err == nil {
				return path, nil
			}
		}
		break // the last one counts
	}
	return "", errors.New("it is not in PATH")
}

// LastLine is what a program said last: the last line of its output, "" for none.
func LastLine(out string) string {
	lines := strings.Split(strings.TrimSpace(out), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}
