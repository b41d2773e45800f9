package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
)

// pace is the collector's: GOGC as it is now.
func pace() uint64 {
	sample := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

func TestCollectorHasItsUsualPaceAfterItsFirstRun(t *testing.T) {
	before := debug.SetGCPercent(usualPace)
	defer debug.SetGCPercent(before)
	collectLate()
	if got := pace(); got != firstPace {
		t.Errorf("before it ran its pace is %d, want %d", got, firstPace)
	}
	for pace() != usualPace { // what an object's end leads to is done beside the program
		runtime.GC()
		runtime.Gosched()
	}
}

func TestPaceThatIsAskedForCounts(t *testing.T) {
	before := debug.SetGCPercent(50)
	defer debug.SetGCPercent(before)
	collectLate()
	if got := pace(); got != 50 {
		t.Errorf("the pace is %d, and GOGC says 50", got)
	}
}
