// Package kit is what every emulator has: its state and the keeping of it, the targets
// that a pipeline names, seeding in the order of its stages, calls and their refusals,
// collections and their pages, and work that takes time.
//
// An emulator is a page of rules beside it: it embeds a [Core], makes of a [Seat] what a
// target names, and serves the vendor's calls. What emulators of one vendor share beyond
// that stands in googleapi and awsapi.
package kit

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"sluice/internal/sandbox"
)

// Core is the part of an emulator that is the same for every platform: its state S, which
// the sandbox keeps, the clock, and the pipeline's targets by what they name, a K. An
// emulator embeds it, and has with it Platform, Save, Restore and FaultKinds of
// [sandbox.Emulator] and [sandbox.Faulter].
type Core[S any, K comparable] struct {
	// State is everything that is kept, in the shape of its file.
	State S
	// Now is the clock.
	Now func() time.Time
	// Targets are those that Seed learned.
	Targets Targets[K]

	platform string
	empty    func() S
	faults   []sandbox.FaultKind
}

// NewCore has an empty state. platform is the key in the pipeline file; empty makes a
// state without anything, its maps made; faults are the kinds that the platform has
// beside the sandbox's own.
func NewCore[K comparable, S any](platform string, now func() time.Time, empty func() S, faults ...sandbox.FaultKind) Core[S, K] {
	return Core[S, K]{State: empty(), Now: now, Targets: Targets[K]{}, platform: platform, empty: empty, faults: faults}
}

// Platform implements sandbox.Emulator.
func (c *Core[S, K]) Platform() string { return c.platform }

// Save implements sandbox.Emulator.
func (c *Core[S, K]) Save() ([]byte, error) { return json.MarshalIndent(c.State, "", " ") }

// Restore implements sandbox.Emulator. A map that the saved state lacks is empty; an
// error changes nothing.
func (c *Core[S, K]) Restore(saved []byte) error {
	next := c.empty()
	if err := json.Unmarshal(saved, &next); err != nil {
		return err
	}
	c.State = next
	return nil
}

// FaultKinds implements sandbox.Faulter.
func (c *Core[S, K]) FaultKinds() []string {
	kinds := make([]string, 0, len(c.faults))
	for _, f := range c.faults {
		kinds = append(kinds, string(f))
	}
	return kinds
}

// Moves is for an emulator that knows when reading moved its state on. It implements
// [sandbox.Mover].
type Moves struct{ moved bool }

// Move notes that the state was moved on.
func (m *Moves) Move() { m.moved = true }

// Moved implements sandbox.Mover.
func (m *Moves) Moved() bool {
	moved := m.moved
	m.moved = false
	return moved
}

// Count is how many things a state ever made, so that no name is used twice. A state
// embeds it.
type Count struct {
	Made int `json:"made"`
}

// Next is a number that was not used before.
func (c *Count) Next() int {
	c.Made++
	return c.Made
}

// Targets are a pipeline's targets by what they name.
type Targets[K comparable] map[K][]string

// Learn notes that a target names something.
func (t Targets[K]) Learn(key K, target string) {
	if !slices.Contains(t[key], target) {
		t[key] = append(t[key], target)
	}
}

// Naming lists the targets that name what matches, each once, sorted.
func (t Targets[K]) Naming(matches func(K) bool) []string {
	var names []string
	for key, targets := range t {
		if matches(key) {
			names = append(names, targets...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// All lists all targets, sorted.
func (t Targets[K]) All() []string { return t.Naming(func(K) bool { return true }) }

// Of is what a target names. The error of a target that was never learned names those
// that were.
func (t Targets[K]) Of(target string) (K, error) {
	for key, targets := range t {
		if slices.Contains(targets, target) {
			return key, nil
		}
	}
	var none K
	return none, fmt.Errorf("nothing is known for target %q; the known ones are %s", target, strings.Join(t.All(), ", "))
}

// Named is the one of all that a target names. The error is that of [Targets.Of], or that
// it is gone.
func Named[K comparable, R any](t Targets[K], target string, all map[K]*R) (*R, error) {
	key, err := t.Of(target)
	if err != nil {
		return nil, err
	}
	if all[key] == nil {
		return nil, fmt.Errorf("what target %q names is gone: %v", target, key)
	}
	return all[key], nil
}
