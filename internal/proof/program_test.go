package proof_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"sluice/internal/app"
	"sluice/internal/store"
	"sluice/internal/transport"
	"sluice/internal/work/worktest"
)

// Environment variables of the program, where the test binary is it.
const (
	isProgram  = "SLUICE_PROOF_PROGRAM"
	timeOf     = "SLUICE_PROOF_TIME"     // the fast time that it lives in
	jumpOf     = "SLUICE_PROOF_JUMP"     // after how long in machine's time the clock is set, and by how much
	deadlineOf = "SLUICE_PROOF_DEADLINE" // how long a request may take there; "" for as long as ever
	memoryAt   = "SLUICE_PROOF_MEMORY"   // the file that is told how much memory it took
	savesAt    = "SLUICE_PROOF_SAVES"    // the address that is told of saves
)

// TestMain lets the test binary be the program, so that it can be killed.
func TestMain(m *testing.M) {
	if os.Getenv(isProgram) != "" {
		os.Exit(program())
	}
	os.Exit(m.Run())
}

// program is main, in fast time.
func program() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var epoch, speed int64
	if _, err := fmt.Sscan(os.Getenv(timeOf), &epoch, &speed); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	p := app.Process{
		Args: os.Args[1:], Stdout: os.Stdout, Stderr: os.Stderr, Environ: os.Environ(),
		Clock: (&worktest.Fast{Epoch: time.Unix(0, epoch), Speed: time.Duration(speed)}).Clock(),
	}
	if most, err := time.ParseDuration(os.Getenv(deadlineOf)); err == nil {
		ctx = transport.WithDeadline(ctx, most)
	}
	p.Clock.Now = jumping(p.Clock.Now, os.Getenv(jumpOf))
	if at := os.Getenv(savesAt); at != "" {
		p.Store = func(s store.Store) store.Store { return told{s, at} }
	}
	code := app.Main(ctx, p)
	if err := tellMemory(os.Getenv(memoryAt)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// tellMemory writes what the system knows of this process into a file, where one is
// asked for: the most memory that it held is in it. What the system tells a parent of
// its child counts the parent's own memory too.
func tellMemory(file string) error {
	if file == "" {
		return nil
	}
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o600)
}

// jumping is a clock that is set once, as [jumpOf] says.
func jumping(now func() time.Time, jump string) func() time.Time {
	var after, by string
	if n, _ := fmt.Sscan(jump, &after, &by); n != 2 {
		return now
	}
	wait, err := time.ParseDuration(after)
	set, alsoErr := time.ParseDuration(by)
	if err != nil || alsoErr != nil {
		panic(errors.Join(err, alsoErr))
	}
	end := time.Now().Add(wait)
	return func() time.Time {
		if time.Now().Before(end) {
			return now()
		}
		return now().Round(0).Add(set) // what was set is the wall clock alone
	}
}

// textOf is a fast time as [timeOf] has it.
func textOf(f *worktest.Fast) string { return fmt.Sprint(f.Epoch.UnixNano(), " ", int64(f.Speed)) }

// told is a store that tells of each commit before and after it, and may be told
// to save a part of it: what a process leaves that is killed between two entries.
type told struct {
	store.Store
	at string
}

func (s told) Commit(ctx context.Context, entries ...store.Entry) ([]store.Entry, error) {
	parts := len(entries)
	if s.Facts().Atomic {
		parts = 1
	}
	before, err := ask(ctx, fmt.Sprintf("%s?parts=%d", s.at, parts))
	if err != nil {
		return nil, err
	}
	if before.part {
		_, err := s.Store.Commit(ctx, entries[:before.entries]...)
		_, dead := ask(ctx, fmt.Sprintf("%s?saved=%d", s.at, before.number))
		return nil, errors.Join(err, dead)
	}
	saved, err := s.Store.Commit(ctx, entries...)
	if _, dead := ask(ctx, fmt.Sprintf("%s?saved=%d", s.at, before.number)); dead != nil {
		return nil, dead
	}
	return saved, err
}

// leave is what a commit is told.
type leave struct {
	number  int  // of the commit's first point
	part    bool // save only the first entries, and die
	entries int
}

func ask(ctx context.Context, url string) (leave, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, nil)
	if err != nil {
		return leave{}, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return leave{}, err
	}
	defer answer.Body.Close() //nolint:errcheck // it was read
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return leave{}, err
	}
	var l leave
	_, err = fmt.Sscan(string(text), &l.number, &l.part, &l.entries)
	return l, err
}
