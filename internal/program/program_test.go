package program_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"sluice/internal/program"
)

// part says what this test's own binary does when it is started as a program.
const part = "PROGRAM_TEST_PART"

// patience bounds waits for what is already over.
const patience = 20 * time.Second

func TestMain(m *testing.M) {
	switch os.Getenv(part) {
	case "":
		os.Exit(m.Run())
	case "echo":
		in, _ := io.ReadAll(os.Stdin) //nolint:errcheck // the test sees what is missing
		fmt.Printf("%s|%s|%s", filepath.Base(os.Args[0]), strings.Join(os.Args[1:], ","), in)
		fmt.Fprintf(os.Stderr, "%d variables", len(os.Environ())) //nolint:errcheck // as above
	case "fail":
		os.Exit(7)
	case "leave":
		leave()
	case "stay":
		leave()
		time.Sleep(time.Hour)
	case "left":
		signal.Ignore(syscall.SIGTERM) // as who does not care to be told to end
		fmt.Println("left")
		time.Sleep(time.Hour)
	}
	os.Exit(0)
}

// leave starts a program of its own that goes on, and waits until it does.
func leave() {
	child := exec.Command(os.Args[len(os.Args)-1]) //nolint:gosec,noctx // this binary itself
	child.Env = []string{part + "=left"}
	out, err := child.StdoutPipe()
	child.Stderr = os.Stdout // which it holds open
	if err == nil {
		err = child.Start()
	}
	if err == nil {
		_, err = io.ReadFull(out, make([]byte, len("left")))
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("ready")
}

// self is this test's binary.
func self(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// command starts this binary in a part.
func command(t *testing.T, does string, args ...string) program.Command {
	t.Helper()
	return program.Command{Args: append([]string{self(t)}, args...), Environ: []string{part + "=" + does}}
}

func TestRun(t *testing.T) {
	var out, log bytes.Buffer
	c := command(t, "echo", "a", "b c")
	c.Stdin, c.Stdout, c.Stderr = strings.NewReader("given"), &out, &log
	if err := program.Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if want := filepath.Base(self(t)) + "|a,b c|given"; out.String() != want {
		t.Errorf("it says %q, want %q", out.String(), want)
	}
	if log.String() != "1 variables" {
		t.Errorf("%s: it has more than it was given", log.String())
	}
}

func TestRunFails(t *testing.T) {
	err := program.Run(t.Context(), command(t, "fail"))
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 7 {
		t.Errorf("%v, want exit status 7", err)
	}
	for name, args := range map[string][]string{"no program": nil, "not there": {"./nosuch"}, "not in PATH": {"nosuch"}, "a folder": {"/"}} {
		err := program.Run(t.Context(), program.Command{Args: args, Environ: []string{"PATH=" + t.TempDir()}})
		start, ok := errors.AsType[*program.StartError](err)
		if !ok || errors.Unwrap(err) == nil || start.Error() == "" {
			t.Errorf("%s: %v, want that nothing of it ran", name, err)
		}
	}
}

// Nothing that a program started outlives it, whether it passed or was told to end:
// whoever holds the end of a pipe is gone when the pipe ends.
func TestNothingIsLeft(t *testing.T) {
	for _, does := range []string{"leave", "stay"} {
		t.Run(does, func(t *testing.T) {
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close() //nolint:errcheck // only read
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			c := command(t, does, self(t))
			c.Stdout = w // a file of its own: what holds it open is not waited for
			ended := make(chan error, 1)
			go func() { ended <- program.Run(ctx, c) }()
			if err := r.SetReadDeadline(time.Now().Add(patience)); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(r, make([]byte, len("ready\n"))); err != nil {
				t.Fatalf("it never got ready: %v", err)
			}
			if does == "stay" {
				cancel()
			}
			if err := <-ended; (err != nil) != (does == "stay") {
				t.Errorf("it ended with %v", err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadAll(r); err != nil {
				t.Errorf("something of it is still there: %v", err)
			}
		})
	}
}

func TestLook(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	write := func(path string, mode os.FileMode) string {
		t.Helper()
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	tool := write(filepath.Join(dir, "tool"), 0o700)
	write(filepath.Join(other, "tool"), 0o700)
	write(filepath.Join(dir, "text"), 0o600)
	t.Setenv("PATH", other) // this process' own is not the program's
	for name, c := range map[string]struct {
		environ []string
		name    string
		want    string // "" for none
	}{
		"in PATH":              {[]string{"PATH=" + dir}, "tool", tool},
		"the last PATH counts": {[]string{"PATH=" + other, "A=b", "PATH=" + dir}, "tool", tool},
		"further down":         {[]string{"PATH=/nowhere" + string(os.PathListSeparator) + dir}, "tool", tool},
		"no PATH":              {[]string{"A=b"}, "tool", ""},
		"only in our own PATH": {[]string{"PATH=/nowhere"}, "tool", ""},
		"empty parts":          {[]string{"PATH=" + string(os.PathListSeparator)}, "tool", ""},
		"no program":           {[]string{"PATH=" + dir}, "text", ""},
		"no name":              {[]string{"PATH=" + dir}, "", ""},
		"a file":               {nil, tool, tool},
		"no such file":         {[]string{"PATH=" + dir}, dir + "/nosuch", ""},
		"a file without x":     {nil, filepath.Join(dir, "text"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := program.Look(c.environ, c.name)
			if got != c.want && c.want != "" || (err == nil) != (c.want != "") {
				t.Errorf("%q, %v, want %q", got, err, c.want)
			}
			if err != nil && c.name != "" && strings.Contains(err.Error(), "exec:") {
				t.Errorf("%v names the program, as whoever asks does", err)
			}
		})
	}
}

func TestLastLine(t *testing.T) {
	for out, want := range map[string]string{"": "", "\n \n": "", "one": "one", "one\ntwo\n\n": "two", "one\r\n two \r\n": "two"} {
		if got := program.LastLine(out); got != want {
			t.Errorf("%q ends with %q, want %q", out, got, want)
		}
	}
}

func TestTail(t *testing.T) {
	tail := &program.Tail{Max: 5}
	for _, c := range []struct{ write, want string }{
		{"", ""}, {"abc", "abc"}, {"de", "abcde"}, {"f", "[the beginning was cut]\nbcdef"}, {"0123456789", "[the beginning was cut]\n56789"}, {"", "[the beginning was cut]\n56789"},
	} {
		if n, err := tail.Write([]byte(c.write)); n != len(c.write) || err != nil {
			t.Errorf("%q: wrote %d, %v", c.write, n, err)
		}
		if got := tail.String(); got != c.want {
			t.Errorf("after %q it has %q, want %q", c.write, got, c.want)
		}
	}
}

// Output and complaints of a program come side by side; no line is torn.
func TestTailSideBySide(t *testing.T) {
	tail := &program.Tail{Max: 1 << 20}
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for range 100 {
				fmt.Fprintf(tail, "line of %d\n", i) //nolint:errcheck // it never fails
			}
		})
	}
	all.Wait()
	lines := strings.Split(strings.TrimSpace(tail.String()), "\n")
	slices.Sort(lines)
	if lines = slices.Compact(lines); len(lines) != 8 || lines[0] != "line of 0" {
		t.Errorf("%q", lines)
	}
}
