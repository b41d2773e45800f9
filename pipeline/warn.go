package pipeline

import (
	"fmt"
	"net/url"
	"slices"
	"time"

	"sluice/stages/driver"
)

// inlineWait is the longest wait that a run sits out itself unless told otherwise.
const inlineWait = 2 * time.Minute

// warn is what is allowed and probably not meant.
func (p *Pipeline) warn() []Problem {
	return slices.Concat(p.warnStore(), p.warnApprovals(), p.warnCanaries(), p.warnHeaders(), p.warnTimeouts(), p.warnPolicies())
}

func warning(pos Pos, format string, args ...any) Problem {
	return Problem{Pos: pos, Message: fmt.Sprintf(format, args...), Warning: true}
}

// warnStore names what the artifact store serves badly: two runs at once, for
// artifacts cannot be swapped, and whatever one run leaves for another. One of
// each kind is enough.
func (p *Pipeline) warnStore() []Problem {
	if p.State.Store.Value != StoreArtifact {
		return nil
	}
	pos := p.State.Store.Pos
	if pos == (Pos{}) {
		pos = p.Name.Pos
	}
	alone := warning(pos, "state is kept in artifacts, where only a workflow `concurrency` group keeps two runs apart; give one and the same to every workflow that runs this pipeline, or use state: {store: git}")
	alone.Note = true
	found := []Problem{alone}
	add := func(pos Pos, what string) {
		found = append(found, warning(pos, "%s left to a later run, but state is kept in artifacts, which expire and which two runs can overwrite; use state: {store: git}", what))
	}
	if i := slices.IndexFunc(p.Stages, func(s *Stage) bool { return s.Approval != nil && s.Approval.Required }); i >= 0 {
		add(p.Stages[i].Approval.Pos, "approval: what waits for it is")
	}
	list := p.canaries()
	if i := slices.IndexFunc(list, (*Canary).outlasts); i >= 0 {
		add(list[i].Pos, "canary: what follows its wait is")
	}
	if len(p.Automation) > 0 {
		add(p.Automation[0].Pos, "automation: its work is")
	}
	for i := range found {
		found[i].Store = StoreArtifact
	}
	return found
}

// warnApprovals names approvals that do not do what they seem to.
func (p *Pipeline) warnApprovals() []Problem {
	var found []Problem
	for _, s := range p.Stages {
		a := s.Approval
		if a == nil || !a.Required {
			continue
		}
		if len(a.Approvers) == 0 && a.Environment == "" {
			found = append(found, warning(a.Pos, "approval: names no approvers, so anybody who may write to the repository can approve%s; add approvers: [login]", butStarter(a)))
		}
		if len(a.Approvers) == 1 && !a.Self && !IsTeam(a.Approvers[0]) {
			found = append(found, warning(a.Pos, "approval: %s alone can approve and cannot approve what %s started; add an approver or self: true", a.Approvers[0], a.Approvers[0]))
		}
	}
	return found
}

// butStarter leaves out whoever started a promotion, where they cannot alone
// approve it.
func butStarter(a *Approval) string {
	if a.Self {
		return ""
	}
	return ", but whoever started the promotion"
}

// warnCanaries names canaries that need a person at every step.
func (p *Pipeline) warnCanaries() []Problem {
	var found []Problem
	for _, c := range p.canaries() {
		byHand := c.byHand()
		if len(byHand) > 0 && len(byHand) == len(c.Phases) {
			found = append(found, warning(c.Pos, "canary: without wait, a person advances every phase; add one such as wait: 30m to go on alone"))
			continue
		}
		for _, p := range byHand {
			found = append(found, warning(p.Pos, "phase %q: without wait, a person advances what follows it; add one such as wait: 30m to go on alone", p.Name.Value))
		}
	}
	return found
}

// warnHeaders names headers that travel unencrypted.
func (p *Pipeline) warnHeaders() []Problem {
	var found []Problem
	for c := range p.Checks() {
		if c.HTTP == nil || len(c.HTTP.Headers) == 0 {
			continue
		}
		u, err := url.Parse(c.HTTP.URL)
		if err == nil && u.Scheme == "http" && !driver.IsLoopback(u) {
			found = append(found, warning(c.Pos, "http: the headers travel unencrypted to %s; use https", quote(u.Host)))
		}
	}
	return found
}

// warnPolicies names those that keep a bad release where it is: nobody may
// override them, and they name what goes back.
func (p *Pipeline) warnPolicies() []Problem {
	var found []Problem
	for _, policy := range p.Policies {
		back := slices.DeleteFunc(slices.Clone(policy.Actions), func(action string) bool { return !goesBack(action) })
		people := len(policy.Invokers) == 0 || slices.Contains(policy.Invokers, InvokerPerson)
		if people && len(back) > 0 && len(policy.Override) == 0 {
			found = append(found, warning(policy.Pos, "policy %s blocks the way back (%s) while its window is open, and nobody may override it: a bad release keeps its traffic; remove them from actions, or add override: [login]",
				quote(policy.Name.Value), listOf(back)))
		}
	}
	return found
}

// goesBack reports whether an action takes a release away from traffic.
func goesBack(action string) bool { return !slices.Contains(Forward(), action) && action != "abandon" }

// warnTimeouts names rollouts that end before one operation may.
func (p *Pipeline) warnTimeouts() []Problem {
	var found []Problem
	for t := range p.All() {
		if t.OperationTimeout > t.Timeout {
			found = append(found, warning(t.Pos, "target %q: operationTimeout (%s) is longer than timeout (%s), which ends the rollout first", t.Name.Value, t.OperationTimeout, t.Timeout))
		}
	}
	return found
}

// canaries is every canary once, in the order of the file.
func (p *Pipeline) canaries() []*Canary {
	var list []*Canary
	seen := map[*Canary]bool{nil: true}
	for t := range p.All() {
		if !seen[t.Canary] {
			seen[t.Canary] = true
			list = append(list, t.Canary)
		}
	}
	return list
}
