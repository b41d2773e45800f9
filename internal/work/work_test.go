package work_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/work"
)

// TestGraces: both graces run from the moment of the interruption, whenever what
// is under way began.
func TestGraces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, interrupt := context.WithCancelCause(t.Context())
		w := work.Begin(ctx, work.Clock{}, work.Limits{})
		defer w.End()
		answering, answered := w.Answering(ctx)
		defer answered()
		time.Sleep(time.Hour)
		told := errors.New("told to stop")
		interrupt(told)
		at := time.Now()
		time.Sleep(2 * time.Second)
		late, done := w.Answering(ctx)
		defer done()
		saving, saved := w.Saving(ctx)
		defer saved()

		<-answering.Done()
		if d := time.Since(at); d != 2500*time.Millisecond {
			t.Errorf("a request that was under way ended after %s", d)
		}
		<-late.Done()
		if d := time.Since(at); d != 2500*time.Millisecond {
			t.Errorf("a request that began after the interruption ended after %s", d)
		}
		<-saving.Done()
		if d := time.Since(at); d != 4500*time.Millisecond {
			t.Errorf("saving ended after %s", d)
		}
		for _, c := range []context.Context{answering, late, saving} {
			if !errors.Is(context.Cause(c), told) {
				t.Errorf("it ends because of %v", context.Cause(c))
			}
		}
		if cut, ok := w.Interrupted(); !ok || !cut.Equal(at) {
			t.Errorf("interrupted at %v %v, want %v", cut, ok, at)
		}
	})
}

// TestDerived: the end of a context below the invocation's is no interruption.
func TestDerived(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := work.Begin(t.Context(), work.Clock{}, work.Limits{})
		defer w.End()
		below, cancel := context.WithCancel(t.Context())
		saving, saved := w.Saving(below)
		defer saved()
		cancel()
		time.Sleep(time.Hour)
		if _, ok := w.Interrupted(); ok || saving.Err() != nil {
			t.Errorf("interrupted %v, saving ended: %v", ok, saving.Err())
		}
	})
}

// TestEnd: an invocation that ends leaves nothing running, interrupted or not.
func TestEnd(t *testing.T) {
	for name, interrupted := range map[string]bool{"in peace": false, "interrupted": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, interrupt := context.WithCancel(t.Context())
				defer interrupt()
				w := work.Begin(ctx, work.Clock{}, work.Limits{})
				begun := time.Now()
				if interrupted {
					interrupt()
				}
				synctest.Wait()
				saving, saved := w.Saving(ctx)
				defer saved()
				w.End()
				w.End()
				synctest.Wait()
				if saving.Err() == nil || !time.Now().Equal(begun) {
					t.Errorf("saving ended: %v, after %s", saving.Err(), time.Since(begun))
				}
			})
		})
	}
}

func TestLimits(t *testing.T) {
	start := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	clock := work.System()
	clock.Now = func() time.Time { return start }
	w := work.Begin(t.Context(), clock, work.Limits{})
	defer w.End()
	if w.Budget != 15*time.Minute || w.Places != 8 || w.Inline != 0 || !w.Started.Equal(start) {
		t.Errorf("the defaults are %+v", w.Limits)
	}
	l := work.Limits{Started: start, Budget: 10 * time.Minute}
	at := start.Add(4 * time.Minute)
	if got := l.Left(at); got != 6*time.Minute {
		t.Errorf("left: %s", got)
	}
	if got := l.Left(start.Add(time.Hour)); got != 0 {
		t.Errorf("left after the deadline: %s", got)
	}
	if l.Beyond(at, 6*time.Minute) || !l.Beyond(at, 6*time.Minute+1) {
		t.Error("beyond is not exactly what ends after the deadline")
	}
}

func TestSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock, begun := work.System(), time.Now()
		if err := clock.Sleep(t.Context(), time.Minute); err != nil || time.Since(begun) != time.Minute {
			t.Errorf("slept %s: %v", time.Since(begun), err)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		why := errors.New("enough")
		time.AfterFunc(time.Second, func() { cancel(why) })
		begun = time.Now()
		if err := clock.Sleep(ctx, time.Minute); !errors.Is(err, why) || time.Since(begun) != time.Second {
			t.Errorf("slept %s: %v", time.Since(begun), err)
		}
		if err := clock.Sleep(ctx, 0); !errors.Is(err, why) {
			t.Errorf("a context that has ended: %v", err)
		}
	})
}

// TestElapsed: a machine that slept makes no less time pass than passed.
func TestElapsed(t *testing.T) {
	from := time.Now()
	if got := work.Elapsed(from, from.Add(time.Minute)); got != time.Minute {
		t.Errorf("%s", got)
	}
	slept := from.Add(time.Minute).Round(0).Add(time.Hour) // no monotonic reading: only the wall clock counts
	if got := work.Elapsed(from, slept); got != time.Hour+time.Minute {
		t.Errorf("after an hour's sleep: %s", got)
	}
}
