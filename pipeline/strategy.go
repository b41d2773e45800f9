package pipeline

import (
	"fmt"
	"math/big"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// What a canary does when one of its phases fails.
const (
	Restore = "restore" // traffic goes back in the same invocation
	Hold    = "hold"    // the canary stands until a person decides
)

// readStrategy reads how a release is brought to a target. An empty strategy of a
// target takes its stage's canary away.
func readStrategy(w *walker, n *yaml.Node) *Canary {
	m, ok := w.mapping(n, "strategy", "canary")
	if !ok || !m.has("canary") {
		return nil
	}
	return readCanary(w, m.node("canary"))
}

// readCanary reads strategy.canary.
func readCanary(w *walker, n *yaml.Node) *Canary {
	m, ok := w.mapping(n, "canary", "percentages", "phases", "wait", "variables", "useStageCache", "disable", "onFailure", "analysis", "header")
	if !ok {
		return nil
	}
	c := &Canary{
		Pos:           m.pos,
		UseStageCache: m.flag("useStageCache", false),
		Disable:       m.flag("disable", false),
		OnFailure:     m.word("onFailure", Restore, Restore, Hold).Value,
		Header:        readHeader(w, m),
	}
	variables := m.entries("variables")
	all := Phase{Wait: readBake(m), Variables: mapOf(variables), variables: variables, Analysis: readOfTarget(w, m, "analysis")}
	form, ok := m.exactlyOne("percentages", "phases")
	switch {
	case !ok:
	case form == "phases":
		readPhasesOf(w, m, c, all)
	default:
		for _, percent := range readPercentages(w, m) {
			one := all
			one.Pos, one.Name, one.Percent = percent.Pos, At[string]{Value: phasePrefix + percent.Value, Pos: percent.Pos}, percent
			c.Phases = append(c.Phases, &one)
		}
	}
	testersOnce(w, c)
	return c
}

// readHeader reads what testers send. All of it is needed.
func readHeader(w *walker, m mapping) *Header {
	if !m.has("header") {
		return nil
	}
	h, ok := w.mapping(m.node("header"), "header", "domain", "name", "value")
	if !ok {
		return nil
	}
	h.require("domain", "name", "value")
	return &Header{Pos: h.pos, Domain: h.filled("domain"), Name: h.filled("name"), Value: h.filled("value")}
}

// testersOnce reports a phase that has the name of the one that the header makes.
func testersOnce(w *walker, c *Canary) {
	if c.Header == nil {
		return
	}
	for _, p := range c.Phases {
		if p.Name.Value == testersPhase {
			w.problem(p.Name.Pos, "name: testers is the phase that the header makes, before all others; give this one another name")
		}
	}
}

// readBake reads the wait after each percentage, nil where a person advances.
func readBake(m mapping) *time.Duration {
	if !m.has("wait") {
		return nil
	}
	wait := m.duration("wait", 0, 0)
	return &wait
}

// readOfTarget reads checks that belong to one target's canary.
func readOfTarget(w *walker, m mapping, key string) []*Check {
	checks := readChecks(w, m, key)
	for _, c := range checks {
		if c.Scope == ScopeStage {
			w.problem(c.Pos, key+": a check of a canary cannot have scope: stage; it runs for the target")
		}
	}
	return checks
}

// readPercentages reads the canary's steps, ascending.
func readPercentages(w *walker, m mapping) []At[string] {
	var list []At[string]
	for _, item := range m.someItems("percentages", "a number such as 10") {
		value, ok := readPercentage(w, "percentages", item)
		if !ok {
			continue
		}
		if len(list) > 0 {
			checkAscends(w, "percentages", value, list[len(list)-1].Value)
		}
		list = append(list, value)
	}
	return list
}

// checkAscends reports a percentage that is not above the one before it.
func checkAscends(w *walker, key string, value At[string], last string) {
	if compareDecimals(value.Value, last) <= 0 {
		w.problem(value.Pos, fmt.Sprintf("%s: %s does not ascend from %s; write them in ascending order, each once", key, value.Value, last))
	}
}

// readPercentage reads one percentage of a canary as canonical decimal text.
func readPercentage(w *walker, key string, n *yaml.Node) (At[string], bool) {
	value, ok := readDecimal(w, key, n)
	if !ok {
		return At[string]{}, false
	}
	if compareDecimals(value.Value, "0") <= 0 || compareDecimals(value.Value, "100") >= 0 {
		w.problem(value.Pos, fmt.Sprintf("%s: %s is not between 0 and 100; the last phase, stable, is all of the traffic and needs no number", key, shorten(deref(n).Value)))
		return At[string]{}, false
	}
	return value, true
}

// readDecimal reads a number as canonical decimal text.
func readDecimal(w *walker, key string, n *yaml.Node) (At[string], bool) {
	node := deref(n)
	numeric := node.ShortTag() == "!!int" || node.ShortTag() == "!!float"
	value, ok := canonicalDecimal(node.Value)
	if node.Kind != yaml.ScalarNode || !numeric || !ok {
		w.problem(w.pos(n), fmt.Sprintf("%s: want a number such as 10 or 10.5, got %s", key, describe(node)))
		return At[string]{}, false
	}
	return At[string]{Value: value, Pos: w.pos(n)}, true
}

// canonicalDecimal drops what changes no decimal: "10.50" is "10.5". It is
// false for what is no plain decimal, such as 1e1 or 0x10.
func canonicalDecimal(text string) (string, bool) {
	if !decimalPattern().MatchString(text) {
		return "", false
	}
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text, true
}

// compareDecimals compares canonical decimals exactly.
func compareDecimals(a, b string) int {
	x, _ := new(big.Rat).SetString(a)
	y, _ := new(big.Rat).SetString(b)
	return x.Cmp(y)
}
