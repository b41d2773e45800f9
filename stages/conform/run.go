package conform

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"

	"sluice/internal/guard"
)

// Outcome is what came of a case.
type Outcome string

// The outcomes.
const (
	Passed  Outcome = "passed"
	Failed  Outcome = "failed"
	Skipped Outcome = "skipped" // it says nothing of this driver
)

// Result is what came of one case.
type Result struct {
	Name     string
	Outcome  Outcome
	Messages []string // why it failed or was skipped
	Took     time.Duration
}

// Run runs all cases outside of `go test`, one after the other, and tells of each as it
// ends. newHarness starts a platform for a case, as with stagetest; what it cannot start
// it fails or skips by t. The error is ctx's, where that ended before the cases did.
func Run(ctx context.Context, first Harness, newHarness func(t T, faults ...string) Harness, tell func(Result)) error {
	for _, c := range Cases(first) {
		if err := ctx.Err(); err != nil {
			return err
		}
		began := first.Now()
		r := one(ctx, func(t T) { c.Check(NewBench(t, newHarness(t, c.Faults...))) })
		r.Name, r.Took = c.Name, first.Now().Sub(began)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		tell(r)
	}
	return nil
}

// one runs a case in a goroutine of its own, which it may end.
func one(ctx context.Context, check func(T)) Result {
	r := &running{ctx: ctx, outcome: Passed}
	var done sync.WaitGroup
	done.Go(func() {
		if err := guard.Do("run a case", func() error {
			check(r)
			return nil
		}); err != nil {
			r.Error(err)
		}
	})
	done.Wait()
	r.clean()
	return Result{Outcome: r.outcome, Messages: r.messages}
}

// running is a case at work. It is safe for concurrent use.
type running struct {
	ctx context.Context //nolint:containedctx // it is that of the case, as a testing.T has one

	mu       sync.Mutex
	outcome  Outcome
	messages []string
	folders  []string
}

func (r *running) Helper() {}

func (r *running) Context() context.Context { return r.ctx }

func (r *running) note(outcome Outcome, message string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.outcome != Failed {
		r.outcome = outcome
	}
	r.messages = append(r.messages, message)
}

func (r *running) Error(args ...any) { r.note(Failed, fmt.Sprint(args...)) }

func (r *running) Errorf(format string, args ...any) { r.note(Failed, fmt.Sprintf(format, args...)) }

func (r *running) Fatal(args ...any) {
	r.note(Failed, fmt.Sprint(args...))
	runtime.Goexit()
}

func (r *running) Fatalf(format string, args ...any) {
	r.note(Failed, fmt.Sprintf(format, args...))
	runtime.Goexit()
}

func (r *running) Skip(args ...any) {
	r.note(Skipped, fmt.Sprint(args...))
	runtime.Goexit()
}

func (r *running) Skipf(format string, args ...any) {
	r.note(Skipped, fmt.Sprintf(format, args...))
	runtime.Goexit()
}

// TempDir is a folder of the case's own, which goes with it.
func (r *running) TempDir() string {
	dir, err := os.MkdirTemp("", "sluice-conform-")
	if err != nil {
		r.Fatal(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.folders = append(r.folders, dir)
	return dir
}

func (r *running) clean() {
	for _, dir := range r.folders {
		if err := os.RemoveAll(dir); err != nil {
			r.Error(err)
		}
	}
}
