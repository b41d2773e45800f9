package pipeline

import (
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"
)

// Cloud Deploy's bounds of a repair.
const (
	mostRetries = 10
	mostWait    = "14d"
)

// automation reads one rule of what happens without a person.
func (w *walker) automation(n *yaml.Node) (*Automation, bool) {
	m, ok := w.mapping(n, "an automation", "promote", "advance", "repair")
	if !ok {
		return nil, false
	}
	kind, ok := m.exactlyOne("promote", "advance", "repair")
	if !ok {
		return nil, false
	}
	a := &Automation{Pos: m.pos}
	rule := m.node(kind)
	switch kind {
	case "promote":
		a.stages = w.autoPromote(rule)
		a.Promote = w.encode(kind, rule)
	case "advance":
		a.stages = w.autoAdvance(rule)
		a.Advance = w.encode(kind, rule)
	case "repair":
		a.stages = w.repair(rule)
		a.Repair = w.encode(kind, rule)
	}
	return a, true
}

// autoPromote reads the rule that promotes a stage's releases to the next one.
func (w *walker) autoPromote(n *yaml.Node) []At[string] {
	m, ok := w.mapping(n, "promote", "from", "after", "cron", "timezone")
	if !ok {
		return nil
	}
	m.require("from")
	m.duration("after", 0, 0)
	m.schedule("cron")
	m.zone()
	if m.has("timezone") && !m.has("cron") {
		w.problem(w.pos(m.node("timezone")), "timezone: only belongs to cron; remove it or add cron")
	}
	return present(m.name("from"))
}

// autoAdvance reads the rule that starts the next phase.
func (w *walker) autoAdvance(n *yaml.Node) []At[string] {
	m, ok := w.mapping(n, "advance", "stage", "phases", "after")
	if !ok {
		return nil
	}
	m.require("stage")
	w.phases(m, "phases")
	m.duration("after", 0, 0)
	return present(m.name("stage"))
}

// repair reads the rule that retries failed jobs, then rolls back.
func (w *walker) repair(n *yaml.Node) []At[string] {
	m, ok := w.mapping(n, "repair", "stage", "phases", "jobs", "retry", "rollback")
	if !ok {
		return nil
	}
	m.require("stage")
	w.phases(m, "phases")
	m.words("jobs", []string{"predeploy", "deploy", "verify", "analysis", "postdeploy"})
	if !m.has("retry") && !m.has("rollback") {
		w.problem(m.pos, "repair needs at least one of retry, rollback")
	}
	if m.has("retry") {
		w.retry(m.node("retry"))
	}
	if m.has("rollback") {
		w.autoRollback(m.node("rollback"))
	}
	return present(m.name("stage"))
}

// retry reads how often a failed job is run again.
func (w *walker) retry(n *yaml.Node) {
	m, ok := w.mapping(n, "retry", "attempts", "wait", "backoff")
	if !ok {
		return
	}
	m.require("attempts")
	m.whole("attempts", 1, 1, mostRetries)
	m.word("backoff", "linear", "linear", "exponential")
	if most, err := parseDuration(mostWait); err == nil && m.duration("wait", 0, 0) > most {
		w.problem(w.pos(m.node("wait")), "wait: at most "+mostWait+" between attempts")
	}
}

// autoRollback reads what follows when no attempt helped.
func (w *walker) autoRollback(n *yaml.Node) {
	m, ok := w.mapping(n, "rollback", "phase", "unlessPending")
	if !ok {
		return
	}
	if m.has("phase") {
		w.phaseName("phase", m.filled("phase"))
	}
	m.flag("unlessPending", false)
}

// phases reads a list of phases' names.
func (w *walker) phases(m mapping, key string) {
	list := m.texts(key)
	w.noDuplicates(key, list)
	for _, phase := range list {
		w.phaseName(key, phase)
	}
}

// phaseName judges a phase's name: stable, canary-10, canary-10.5, or one that
// a remote platform declares.
func (w *walker) phaseName(key string, phase At[string]) {
	percent, canary := strings.CutPrefix(phase.Value, "canary-")
	if _, ok := canonicalDecimal(percent); canary && ok {
		return
	}
	if phase.Value != "" && CheckName(phase.Value) != nil {
		w.problem(phase.Pos, fmt.Sprintf("%s: %s is not a phase; want stable or one such as canary-10", key, quote(phase.Value)))
	}
}

// present is a list of the one value, empty where it is not there.
func present(value At[string]) []At[string] {
	if value.Value == "" {
		return nil
	}
	return []At[string]{value}
}
