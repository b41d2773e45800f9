package pipeline

import (
	"fmt"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// Cloud Deploy's bounds of a repair.
const (
	mostRetries = 10
	mostWait    = "14d"
)

// readAutomation reads one rule of what happens without a person.
func readAutomation(w *walker, n *yaml.Node) (*Automation, bool) {
	m, ok := w.mapping(n, "an automation", "promote", "advance", "repair")
	if !ok {
		return nil, false
	}
	kind, ok := m.exactlyOne("promote", "advance", "repair")
	if !ok {
		return nil, false
	}
	a := &Automation{Pos: m.pos}
	switch rule := m.node(kind); kind {
	case "promote":
		a.Promote, a.stages = readAutoPromote(w, rule)
	case "advance":
		a.Advance = readAutoAdvance(w, rule, a)
	case "repair":
		a.Repair = readRepair(w, rule, a)
	}
	return a, true
}

// readAutoPromote reads the rule that promotes a stage's releases to the next one.
func readAutoPromote(w *walker, n *yaml.Node) (*AutoPromote, []At[string]) {
	m, ok := w.mapping(n, "promote", "from", "after", "cron", "timezone")
	if !ok {
		return nil, nil
	}
	m.require("from")
	from := m.name("from")
	rule := &AutoPromote{From: from.Value, After: m.duration("after", 0, 0), Cron: m.schedule("cron").Value, Zone: m.zone()}
	if m.has("timezone") && !m.has("cron") {
		w.problem(w.pos(m.node("timezone")), "timezone: only belongs to cron; remove it or add cron")
	}
	return rule, present(from)
}

// Due is when a release that succeeded then is promoted: when its time is over, and
// with a schedule at the next match of it. False where the schedule never matches.
func (a *AutoPromote) Due(succeeded time.Time) (time.Time, bool) {
	at := succeeded.Add(a.After)
	if a.Cron == "" {
		return at, true
	}
	schedule, err := parseSchedule(a.Cron)
	if err != nil {
		return time.Time{}, false
	}
	next := schedule.Next(at.In(a.Zone))
	return next.UTC(), !next.IsZero()
}

// readAutoAdvance reads the rule that starts the next phase.
func readAutoAdvance(w *walker, n *yaml.Node, a *Automation) *AutoAdvance {
	m, ok := w.mapping(n, "advance", "stage", "phases", "after")
	if !ok {
		return nil
	}
	stage := readAbout(w, m, a)
	return &AutoAdvance{Stage: stage, Phases: values(a.phases), After: m.duration("after", 0, 0)}
}

// readAbout reads the phases that a rule is about and the stage, which it returns.
func readAbout(w *walker, m mapping, a *Automation) string {
	m.require("stage")
	stage := m.name("stage")
	a.stages, a.phases = present(stage), readPhases(w, m, "phases")
	return stage.Value
}

// readRepair reads the rule that retries failed jobs, then rolls back.
func readRepair(w *walker, n *yaml.Node, a *Automation) *AutoRepair {
	m, ok := w.mapping(n, "repair", "stage", "phases", "jobs", "retry", "rollback")
	if !ok {
		return nil
	}
	stage := readAbout(w, m, a)
	rule := &AutoRepair{Stage: stage, Phases: values(a.phases), Jobs: m.words("jobs", []string{"predeploy", "deploy", "verify", "analysis", "postdeploy"})}
	if !m.has("retry") && !m.has("rollback") {
		w.problem(m.pos, "repair needs at least one of retry, rollback")
	}
	if m.has("retry") {
		readRetry(w, m.node("retry"), rule)
	}
	if m.has("rollback") {
		readAutoRollback(w, m.node("rollback"), rule)
	}
	return rule
}

// readRetry reads how often a failed job is run again.
func readRetry(w *walker, n *yaml.Node, rule *AutoRepair) {
	m, ok := w.mapping(n, "retry", "attempts", "wait", "backoff")
	if !ok {
		return
	}
	m.require("attempts")
	rule.Attempts = m.whole("attempts", 1, 1, mostRetries)
	rule.Exponential = m.word("backoff", "linear", "linear", "exponential").Value == "exponential"
	rule.Wait = m.duration("wait", 0, 0)
	if most, err := parseDuration(mostWait); err == nil && rule.Wait > most {
		w.problem(w.pos(m.node("wait")), "wait: at most "+mostWait+" between attempts")
	}
}

// readAutoRollback reads what follows when no attempt helped. A rollback has one phase,
// stable: there is no other to begin at.
func readAutoRollback(w *walker, n *yaml.Node, rule *AutoRepair) {
	m, ok := w.mapping(n, "rollback", "phase", "unlessPending")
	if !ok {
		return
	}
	m.word("phase", "stable", "stable")
	rule.Back, rule.UnlessPending = true, m.flag("unlessPending", false)
}

// readPhases reads a list of phases' names.
func readPhases(w *walker, m mapping, key string) []At[string] {
	list := m.texts(key)
	w.noDuplicates(key, list)
	for _, phase := range list {
		checkPhaseName(w, key, phase)
	}
	return list
}

// checkPhaseName judges a phase's name: stable, canary-10, canary-10.5, or one that
// a remote platform declares.
func checkPhaseName(w *walker, key string, phase At[string]) {
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
