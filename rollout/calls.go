package rollout

import "slices"

// AddCall notes who is in a call of several targets. It is saved with the
// members' intents.
func (p *Promotion) AddCall(key string, members []string) {
	if len(p.Called(key)) == 0 {
		p.Calls = append(p.Calls, CallMembers{Key: key, Members: slices.Clone(members)})
	}
}

// Called are the targets of a call; nil for one of a single target.
func (p *Promotion) Called(key string) []string {
	for _, c := range p.Calls {
		if c.Key == key {
			return c.Members
		}
	}
	return nil
}

// EndCall forgets a call that no target's effect waits for any more.
func (p *Promotion) EndCall(key string) {
	p.Calls = slices.DeleteFunc(p.Calls, func(c CallMembers) bool { return c.Key == key })
}

// NeverSent reports whether an effect was taken back because it was provably
// never sent, or had no effect; a person's decision proves nothing.
func (s Step) NeverSent() bool {
	return s.State == StepWithdrawn && s.Message != decidedByPerson
}
