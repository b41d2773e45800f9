// Package rollout is what happens: promotions, rollouts with their phases and
// jobs, the effects sent to the platforms, blocks, orders, events, and one
// target's record of them all. It is pure: time is an argument and nothing here
// does I/O.
//
// A rollout has Cloud Deploy's shape and Cloud Deploy's rules, whichever the
// platform. Whoever owns the records drives them in a loop:
//
//	Settle    makes what needs nothing but time
//	React     says what one target's fate means for the others of its promotion
//	Next      says what is due: kinds and arguments, never sentences
//	Apply     makes a [Transition], or refuses it and changes nothing
//
// What [Apply] made must be durable before the effect that it intends is sent.
package rollout
