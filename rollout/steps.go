package rollout

import (
	"slices"
	"time"

	"sluice/stages/driver"
)

// Steps are the effects of a rollout, in the order in which they were intended.
type Steps []Step

// Open is the effect that still needs an answer: the newest, for a command
// to a platform's own rollout goes out while that rollout is followed.
func (s Steps) Open() (*Step, bool) {
	for i := range slices.Backward(s) {
		if s[i].Open() {
			return &s[i], true
		}
	}
	return nil, false
}

// AtWork reports whether an effect is under way at the platform: to end its job means
// that the platform must end work of its own.
func (s Steps) AtWork() bool {
	step, open := s.Open()
	return open && step.State == StepBegun
}

// UndecidedUntil is when at last it can be found out what an effect without an
// answer did: before, that it is absent proves nothing. Zero where looking may tell
// at once.
func (s Steps) UndecidedUntil() time.Time {
	step, open := s.Open()
	if !open || step.State != StepIntended {
		return time.Time{}
	}
	return step.AbsentAfter
}

// asking is the open effect that waits for a person's decision.
func (s Steps) asking() (*Step, bool) {
	step, open := s.Open()
	return step, open && step.State == StepAsking
}

// of finds an effect by its call that still needs an answer.
func (s Steps) of(key string) (*Step, bool) {
	for i := range s {
		if s[i].Call.Key == key && s[i].Open() {
			return &s[i], true
		}
	}
	return nil, false
}

// last is the newest effect that was read back.
func (s Steps) last() (Step, bool) {
	for _, step := range slices.Backward(s) {
		if step.State == StepDone {
			return step, true
		}
	}
	return Step{}, false
}

// Acted reports whether one of them took place, or may have: also
// one that was taken back since.
func (s Steps) Acted() bool { return slices.ContainsFunc(s, Step.acted) }

// done reports whether an effect of a phase is done in one of its attempts.
func (s Steps) done(phase string, kind driver.Kind, attempt int) bool {
	return slices.ContainsFunc(s, func(step Step) bool {
		return step.Phase == phase && step.Call.Kind == kind && step.Attempt == attempt && step.State == StepDone
	})
}

// canaryStands reports whether traffic goes, or may go, to our canary: a share
// was given, or testers were led there, and it was neither made stable nor put back
// since.
func (s Steps) canaryStands() bool {
	stands := false
	for _, step := range s {
		switch step.Call.Kind {
		case driver.Weight, driver.Host, driver.Route:
			stands = stands || step.acted()
		case driver.Stable, driver.Deploy, driver.Rollback:
			stands = stands && step.State != StepDone
		}
	}
	return stands
}

// testersStand reports whether something stands for testers, or may stand there.
func (s Steps) testersStand() bool {
	stands := false
	for _, step := range s {
		switch step.Call.Kind {
		case driver.Host, driver.Route:
			stands = stands || step.acted()
		case driver.Unhost:
			stands = stands && step.State != StepDone
		}
	}
	return stands
}

// isMade reports whether the newest of two effects, of which one takes away what the
// other made, made it.
func (s Steps) isMade(by, until driver.Kind) bool {
	made := false
	for _, step := range s {
		if step.State == StepDone && (step.Call.Kind == by || step.Call.Kind == until) {
			made = step.Call.Kind == by
		}
	}
	return made
}

// brings reports whether an effect gives a release traffic.
func brings(k driver.Kind) bool {
	return k == driver.Deploy || k == driver.Weight || k == driver.Stable
}

// broughtBefore reports whether another effect than one gave the release traffic, or may
// have, which was not put back since.
func (s Steps) broughtBefore(one *Step) bool {
	brought := false
	for i := range s {
		step := &s[i]
		switch {
		case step == one:
		case step.Call.Kind == driver.Rollback && step.State == StepDone:
			brought = false
		case brings(step.Call.Kind):
			brought = brought || step.acted() && !step.TookBack()
		}
	}
	return brought
}

// advanced reports whether a platform took the command to start a phase of its own
// rollout. It may be seen at work on it only later.
func (s Steps) advanced(phase string) bool {
	return slices.ContainsFunc(s, func(step Step) bool {
		return step.State == StepDone && step.Asked != nil && step.Asked.Kind == driver.Advance && step.Asked.Phase == phase
	})
}
