package guard_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

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
