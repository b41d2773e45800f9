package kit

import (
	"time"

	"sluice/internal/sandbox"
)

// The fault kinds of work that takes time.
const (
	Fail   sandbox.FaultKind = "fail"   // it ends in failure
	Hang   sandbox.FaultKind = "hang"   // it never ends
	Vanish sandbox.FaultKind = "vanish" // it ends well, and nobody knows it any more
)

// Work is something that takes time by the clock: an operation of a platform. A record of
// a state embeds it.
type Work struct {
	Began time.Time         `json:"began"`
	Fault sandbox.FaultKind `json:"fault,omitempty"`
	Gone  bool              `json:"gone,omitempty"` // nobody knows it any more
}

// Begin is work that begins now, spoiled as a fault says.
func Begin(now time.Time, fault sandbox.FaultKind) Work { return Work{Began: now, Fault: fault} }

// Run takes the work to the present. over reports whether its time, a step, has passed
// and nothing keeps it from ending.
func (w *Work) Run(now time.Time, step time.Duration) (over bool) {
	passed := now.Sub(w.Began)
	w.Gone = w.Gone || w.Fault == Vanish && passed > 0
	return passed >= step && w.Fault != Hang
}

// Half reports whether half of its time has passed.
func (w *Work) Half(now time.Time, step time.Duration) bool { return now.Sub(w.Began) >= step/2 }
