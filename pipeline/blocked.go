package pipeline

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// mostHops bounds how many windows in a row are followed to find when a block
// ends.
const mostHops = 400

// Question is whether an action may happen now.
type Question struct {
	Stage     string
	Target    string
	Action    string // one of [Actions]
	Invoker   string // "person" or "automation"
	Overrides []string
	Actor     string // the login; it must be in a policy's override list to override it
	Now       time.Time
}

// Block is a policy's no.
type Block struct {
	Policy *Policy
	Until  time.Time // the first moment at which no policy blocks the action; zero when unknown
	Denied string    // who named the policy to override it and may not; "" where nobody did
}

// Blocked lists the policies that block an action now, in the file's order. Windows
// include their start and exclude their end.
func (p *Pipeline) Blocked(q Question) []Block {
	var list []Block
	for _, policy := range p.Policies {
		if _, blocks := policy.stops(q); blocks {
			list = append(list, Block{Policy: policy, Denied: policy.denied(q)})
		}
	}
	if len(list) == 0 {
		return nil
	}
	until := p.free(q)
	for i := range list {
		list[i].Until = until
	}
	return list
}

// Policy finds a policy by name. The error says which one was probably meant
// and which there are.
func (p *Pipeline) Policy(name string) (*Policy, error) {
	names := make([]string, len(p.Policies))
	for i, policy := range p.Policies {
		if policy.Name.Value == name {
			return policy, nil
		}
		names[i] = policy.Name.Value
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("no policy is called %s; the pipeline has none", quote(name))
	}
	return nil, unknown("policy", name, names)
}

// stops reports whether the policy blocks an action now. end is that of the window
// that does.
func (p *Policy) stops(q Question) (end time.Time, blocked bool) {
	if !p.applies(q) || p.overridden(q) {
		return time.Time{}, false
	}
	return p.blocks(q.Now)
}

// denied is who named the policy to override it and may not.
func (p *Policy) denied(q Question) string {
	if !slices.Contains(q.Overrides, p.Name.Value) {
		return ""
	}
	return q.Actor
}

// blocking is the end of the window of the first policy that blocks.
func (p *Pipeline) blocking(q Question) (end time.Time, blocked bool) {
	for _, policy := range p.Policies {
		if end, blocks := policy.stops(q); blocks {
			return end, true
		}
	}
	return time.Time{}, false
}

// free is the first moment from q.Now on at which nothing blocks, zero when
// there is none in sight.
func (p *Pipeline) free(q Question) time.Time {
	for range mostHops {
		end, blocked := p.blocking(q)
		if !blocked {
			return q.Now.UTC()
		}
		if !end.After(q.Now) {
			return time.Time{}
		}
		q.Now = end
	}
	return time.Time{}
}

// applies reports whether the policy is about such an action at all.
func (p *Policy) applies(q Question) bool {
	about := func(list []string, value string) bool { return len(list) == 0 || slices.Contains(list, value) }
	targets := len(p.Targets) == 0 || p.ofTargets[q.Target]
	return targets && about(p.Stages, q.Stage) && about(p.Invokers, q.Invoker) && slices.Contains(p.actions(), q.Action)
}

// actions are those that the policy is about.
func (p *Policy) actions() []string {
	if len(p.Actions) == 0 {
		return Forward()
	}
	return p.Actions
}

// overridden reports whether q names the policy and its actor may override it.
func (p *Policy) overridden(q Question) bool {
	return slices.Contains(q.Overrides, p.Name.Value) && p.mayOverride(q.Actor)
}

// mayOverride compares logins, which have no case.
func (p *Policy) mayOverride(actor string) bool {
	return slices.ContainsFunc(p.Override, func(login string) bool { return strings.EqualFold(login, actor) })
}

// blocks reports whether the policy's windows block now. end is when that may
// change, zero when never.
func (p *Policy) blocks(now time.Time) (end time.Time, blocked bool) {
	for _, w := range p.Deny {
		if end, inside := w.contains(now); inside {
			return end, true
		}
	}
	if len(p.Allow) == 0 {
		return time.Time{}, false
	}
	for _, w := range p.Allow {
		start, _, ok := w.span(now)
		switch {
		case ok && !now.Before(start):
			return time.Time{}, false
		case ok && (end.IsZero() || start.Before(end)):
			end = start
		}
	}
	return end, true
}
