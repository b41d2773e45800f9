package guard_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/guard"
)

func TestPanicIsAMistake(t *testing.T) {
	var answer map[string]*struct{ id string }
	err := guard.Do("read the stage", func() error {
		_ = answer["stage"].id
		return nil
	})
	m, ok := errors.AsType[*guard.Mistake](err)
	if !ok || m.What != "read the stage" || !guard.IsMistake(fmt.Errorf("wrapped: %w", err)) || guard.IsMistake(io.EOF) {
		t.Fatalf("%v, want a mistake", err)
	}
	for _, want := range []string{"this is a mistake in sluice", "read the stage", "nil pointer dereference"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
	if strings.Contains(err.Error(), "goroutine") || !strings.Contains(m.Stack(), "TestPanicIsAMistake") {
		t.Errorf("the stack is for --debug alone: %q, stack %q", err, m.Stack())
	}
}

func TestPanicWithAnError(t *testing.T) {
	err := guard.Do("read", func() error { panic(io.ErrUnexpectedEOF) })
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%v does not wrap what it panicked with", err)
	}
}

func TestNoPanic(t *testing.T) {
	if err := guard.Do("read", func() error { return nil }); err != nil {
		t.Error(err)
	}
	if err := guard.Do("read", func() error { return io.EOF }); !errors.Is(err, io.EOF) {
		t.Errorf("%v, want the error itself", err)
	}
}

// Each keeps the order, bounds what is under way, and one's panic is its own.
func TestEach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var under, most atomic.Int64
		began := time.Now()
		errs := guard.Each("read", 3, 10, func(i int) error {
			most.Store(max(most.Load(), under.Add(1)))
			defer under.Add(-1)
			time.Sleep(time.Second)
			if i == 4 {
				panic("four")
			}
			return fmt.Errorf("%d", i)
		})
		if took := time.Since(began); most.Load() != 3 || took != 4*time.Second || len(errs) != 10 {
			t.Errorf("%d at a time, %s, %d errors", most.Load(), took, len(errs))
		}
		for i, err := range errs {
			if _, mistake := errors.AsType[*guard.Mistake](err); mistake != (i == 4) || i != 4 && err.Error() != fmt.Sprint(i) {
				t.Errorf("%d: %v", i, err)
			}
		}
		if errs := guard.Each("read", 0, 0, nil); len(errs) != 0 {
			t.Errorf("%v of none", errs)
		}
	})
}
