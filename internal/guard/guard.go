// Package guard turns a panic into an error. It stands around what answers from
// outside are given to: drivers, checks and stores. It imports the standard
// library alone.
package guard

import (
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
)

// Mistake is a panic that [Do] caught: a mistake in Sluice, whatever brought it
// about. What was being done may have happened or not.
type Mistake struct {
	What  string // what was being done: "deploy", "read the state"
	Value any    // what the code panicked with
	stack []byte
}

// Error says that it is Sluice's mistake, and while doing what.
func (m *Mistake) Error() string {
	return fmt.Sprintf("this is a mistake in sluice (%s: %v); please report it, with the output of --debug", m.What, m.Value)
}

// Unwrap gives the value where it is an error.
func (m *Mistake) Unwrap() error {
	err, _ := m.Value.(error)
	return err
}

// Stack is where the code panicked. It is for --debug alone.
func (m *Mistake) Stack() string { return string(m.stack) }

// IsMistake reports whether err is, or wraps, a [*Mistake].
func IsMistake(err error) bool {
	_, ok := errors.AsType[*Mistake](err)
	return ok
}

// Do runs f and returns its error; a panic in f is a [*Mistake]. It catches
// nothing of the goroutines that f starts: each has its own Do.
func Do(what string, f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &Mistake{What: what, Value: v, stack: debug.Stack()}
		}
	}()
	return f()
}

// Each calls f for 0 to n-1, at most atOnce of them at a time, and returns what
// each came to, in that order. A panic of one is its error, a [*Mistake]; the
// others go on.
func Each(what string, atOnce, n int, f func(i int) error) []error {
	errs := make([]error, n)
	places := make(chan struct{}, max(atOnce, 1))
	var all sync.WaitGroup
	for i := range n {
		places <- struct{}{}
		all.Go(func() {
			defer func() { <-places }()
			errs[i] = Do(what, func() error { return f(i) })
		})
	}
	all.Wait()
	return errs
}
