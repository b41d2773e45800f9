package work_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sluice/internal/work"
)

var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// TestVirtualPassesWhileAllWait: a thousand hours of two sleepers take no time, and end
// in their order, at exactly their times.
func TestVirtualPassesWhileAllWait(t *testing.T) {
	v := work.NewVirtual(epoch)
	clock := v.Clock()
	var got []string
	var both sync.WaitGroup
	for name, d := range map[string]time.Duration{"a": 300 * time.Hour, "b": 200 * time.Hour} {
		clock.Under(1)
		both.Add(1)
		go func() {
			defer both.Done()
			for range 3 {
				if err := clock.Sleep(context.WithoutCancel(t.Context()), d); err != nil {
					t.Error(err)
				}
				got = append(got, fmt.Sprint(name, clock.Now().Sub(epoch))) // one at a time: no lock
			}
			clock.Under(-1)
		}()
	}
	clock.Under(-1)
	both.Wait()
	want := []string{"b200h0m0s", "a300h0m0s", "b400h0m0s", "a600h0m0s", "b600h0m0s", "a900h0m0s"}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestVirtualStandsStill while anything is under way, however short the wait.
func TestVirtualStandsStill(t *testing.T) {
	v := work.NewVirtual(epoch)
	over, stop := v.Clock().After(time.Nanosecond)
	time.Sleep(10 * time.Millisecond)
	select {
	case <-over:
		t.Error("time passed while something was under way")
	default:
	}
	stop()
	stop()
	v.Until(epoch.Add(time.Hour))
	v.Until(epoch) // it is over already
	if now := v.Now(); !now.Equal(epoch.Add(time.Hour)) {
		t.Errorf("it is %s", now)
	}
}

// TestVirtualSleepIsInterrupted: whoever slept is under way again, and a wait that
// nobody heard of holds nothing up.
func TestVirtualSleepIsInterrupted(t *testing.T) {
	v := work.NewVirtual(epoch)
	clock := v.Clock()
	ctx, cancel := context.WithCancelCause(t.Context())
	clock.Under(1)
	slept := make(chan error)
	go func() { slept <- clock.Sleep(ctx, time.Hour) }()
	enough := errors.New("enough")
	cancel(enough)
	if err := <-slept; !errors.Is(err, enough) || !v.Now().Equal(epoch) {
		t.Errorf("%v at %s", err, v.Now())
	}
	clock.Under(-1)
	over, stop := clock.After(time.Minute)
	clock.Under(-1) // it ends
	stop()
	if len(over) != 0 {
		t.Error("a wait that was stopped is heard of")
	}
	clock.Under(1)
	v.Until(epoch.Add(2 * time.Minute))
	if now := v.Now(); !now.Equal(epoch.Add(2 * time.Minute)) {
		t.Errorf("it is %s", now)
	}
}

// TestSideBySideIsCounted: what is done side by side waits at the same time, in a time
// that is counted as in any other, and no more at once than may be.
func TestSideBySideIsCounted(t *testing.T) {
	for most, want := range map[int]time.Duration{0: 6 * time.Minute, 1: 6 * time.Minute, 3: 2 * time.Minute, 9: time.Minute} {
		v := work.NewVirtual(epoch)
		clock := v.Clock()
		var did atomic.Int64
		clock.SideBySide(most, 6, func(int) {
			did.Add(1)
			if err := clock.Sleep(t.Context(), time.Minute); err != nil {
				t.Error(err)
			}
		})
		if took := v.Now().Sub(epoch); took != want || did.Load() != 6 {
			t.Errorf("%d at once: %d took %s, want %s", most, did.Load(), took, want)
		}
		v.Until(v.Now().Add(time.Hour)) // the caller is under way again
	}
	work.NewVirtual(epoch).Clock().SideBySide(3, 0, func(int) { t.Error("there was nothing to do") })
	work.System().SideBySide(2, 0, nil)
}
