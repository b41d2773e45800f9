package pipeline

import (
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// The names that phases have without being given one.
const (
	phasePrefix  = "canary-"
	stablePhase  = "stable"
	testersPhase = "testers"
)

// readPhasesOf reads the canary's steps in the long form. What a phase does not say is
// what the canary says for all of them.
func readPhasesOf(w *walker, m mapping, c *Canary, all Phase) {
	items := m.someItems("phases", "a phase")
	for i, item := range items {
		p, ok := readPhase(w, item, all, i == len(items)-1)
		switch {
		case !ok:
		case p.Percent.Value == "":
			c.Stable = p
		default:
			checkFollows(w, c, p)
			c.Phases = append(c.Phases, p)
		}
	}
	if len(c.Phases) == 0 && c.Stable != nil {
		w.problem(c.Stable.Pos, "phases: stable alone is no canary; add a phase with a percentage before it")
	}
}

// readPhase reads one step; without a percentage it is what stable, the last, has of its
// own.
func readPhase(w *walker, n *yaml.Node, all Phase, last bool) (*Phase, bool) {
	m, ok := w.mapping(n, "a phase", "name", "percentage", "wait", "verify", "analysis", "variables")
	if !ok {
		return nil, false
	}
	if isStable(m) {
		return readStable(w, m, last)
	}
	m.require("percentage")
	if !m.has("percentage") {
		return nil, false
	}
	percent, ok := readPercentage(w, "percentage", m.node("percentage"))
	p := all
	p.Pos, p.Percent, p.Name = m.pos, percent, readPhaseName(w, m, percent)
	if m.has("wait") {
		p.Wait = readBake(m)
	}
	if m.has("variables") {
		p.variables = m.entries("variables")
		p.Variables = mapOf(p.variables)
	}
	if m.has("analysis") {
		p.Analysis = readOfTarget(w, m, "analysis")
	}
	p.OwnVerify, p.Verify = m.has("verify"), readOfTarget(w, m, "verify")
	return &p, ok
}

// isStable reports whether a phase is the last one by its name or its percentage.
func isStable(m mapping) bool {
	name, percent := m.node("name"), m.node("percentage")
	if name != nil && deref(name).Value == stablePhase {
		return true
	}
	if percent == nil {
		return false
	}
	value, ok := canonicalDecimal(deref(percent).Value)
	return ok && compareDecimals(value, "100") == 0
}

// readStable reads what the last phase has of its own: nothing bakes after it, and the
// canary's variables are the stage's by then.
func readStable(w *walker, m mapping, last bool) (*Phase, bool) {
	if !last {
		w.problem(m.pos, "phases: stable, all of the traffic, is the last phase; move it to the end")
	}
	if name := m.text("name"); m.has("name") && name.Value != stablePhase {
		w.problem(name.Pos, fmt.Sprintf("name: the phase with all of the traffic is called stable, not %s", quote(name.Value)))
	}
	if m.has("percentage") {
		if percent, ok := readDecimal(w, "percentage", m.node("percentage")); ok && compareDecimals(percent.Value, "100") != 0 {
			w.problem(percent.Pos, fmt.Sprintf("percentage: stable is all of the traffic, 100, not %s; give this phase another name", percent.Value))
		}
	}
	for _, key := range m.present("wait", "analysis", "variables") {
		w.problem(w.pos(m.node(key)), key+": stable has all of the traffic, and no phase comes after it; remove it")
	}
	return &Phase{Pos: m.pos, Name: At[string]{Value: stablePhase, Pos: m.pos}, OwnVerify: m.has("verify"), Verify: readOfTarget(w, m, "verify")}, true
}

// readPhaseName is the phase's name: the one it is given, else one of its percentage.
func readPhaseName(w *walker, m mapping, percent At[string]) At[string] {
	own := At[string]{Value: phasePrefix + percent.Value, Pos: percent.Pos}
	if !m.has("name") {
		return own
	}
	name, ok := w.text("name", m.node("name"))
	if !ok {
		return own
	}
	said, numbered := strings.CutPrefix(name.Value, phasePrefix)
	if value, ok := canonicalDecimal(said); numbered && ok {
		if value != percent.Value && percent.Value != "" {
			w.problem(name.Pos, fmt.Sprintf("name: %s says another percentage than %s; write %s, or a name of its own", quote(name.Value), percent.Value, own.Value))
		}
		return At[string]{Value: phasePrefix + value, Pos: name.Pos}
	}
	if err := CheckName(name.Value); err != nil {
		w.problem(name.Pos, "name: "+err.Error()+notFilled(name.Value))
	}
	return name
}

// checkFollows reports a phase that does not ascend, or has the name of an earlier one.
func checkFollows(w *walker, c *Canary, p *Phase) {
	if len(c.Phases) > 0 {
		checkAscends(w, "percentage", p.Percent, c.Phases[len(c.Phases)-1].Percent.Value)
	}
	if slices.ContainsFunc(c.Phases, func(have *Phase) bool { return have.Name.Value == p.Name.Value }) {
		w.problem(p.Name.Pos, fmt.Sprintf("name: another phase is called %q; the names of a canary's phases differ", p.Name.Value))
	}
}

// byHand are the canary's phases after which a person advances.
func (c *Canary) byHand() []*Phase {
	return slices.DeleteFunc(slices.Clone(c.Phases), func(p *Phase) bool { return p.Wait != nil })
}

// outlasts reports whether a phase waits for longer than a run does.
func (c *Canary) outlasts() bool {
	return slices.ContainsFunc(c.Phases, func(p *Phase) bool { return p.Wait == nil || *p.Wait > inlineWait })
}

// PhaseNames are the canary's phases in their order, testers where it has a header, and
// stable with them; stable alone without a canary.
func (c *Canary) PhaseNames() []string {
	var names []string
	if c != nil && c.Header != nil {
		names = append(names, testersPhase)
	}
	if c != nil {
		for _, p := range c.Phases {
			names = append(names, p.Name.Value)
		}
	}
	return append(names, stablePhase)
}

// checks are the canary's, of all its phases; the same check stands there once for
// each of them.
func (c *Canary) checks() []*Check {
	var all []*Check
	for _, p := range c.all() {
		all = append(all, p.Verify...)
		all = append(all, p.Analysis...)
	}
	return all
}

// pairs are the variables of all phases, each as it stands in the file once.
func (c *Canary) pairs() []pair {
	var all []pair
	seen := map[Pos]bool{}
	for _, p := range c.Phases {
		for _, v := range p.variables {
			if !seen[v.key.Pos] {
				seen[v.key.Pos] = true
				all = append(all, v)
			}
		}
	}
	return all
}

// all are the canary's phases, stable among them where it has something of its own.
func (c *Canary) all() []*Phase {
	if c.Stable == nil {
		return c.Phases
	}
	return append(slices.Clone(c.Phases), c.Stable)
}
