package pipeline

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
	"gopkg.in/yaml.v3"
)

// Who invokes an action.
const (
	InvokerPerson     = "person"
	InvokerAutomation = "automation"
)

// What becomes of a rollout that stands when a policy's window begins.
const (
	StandingHold    = "hold"   // it stays as it is
	StandingBack    = "back"   // traffic goes back first
	StandingFinish  = "finish" // it goes on to its end
	ResumeAutomatic = "automatic"
)

// Actions lists the actions that a policy can block: the commands that move
// releases or rollouts.
func Actions() []string {
	return append(Forward(), "reject", "cancel", "rollback", "disable-canary", "abandon")
}

// Forward lists the actions that go forward. A policy that names no actions
// blocks these alone: going back passes.
func Forward() []string {
	return []string{"promote", "promote-canary", "approve", "advance", "retry-job", "ignore-job"}
}

// readPolicy reads one policy. Whether its stages and targets exist is checked later.
func readPolicy(w *walker, n *yaml.Node) (*Policy, bool) {
	m, ok := w.mapping(n, "a policy", "name", "stages", "targets", "actions", "invokers", "deny", "allow", "override", "standing", "resume")
	if !ok {
		return nil, false
	}
	m.require("name")
	p := &Policy{
		Pos:      m.pos,
		Name:     m.name("name"),
		Actions:  m.words("actions", Actions()),
		Invokers: m.words("invokers", []string{InvokerPerson, InvokerAutomation}),
		Override: readLogins(w, m, "override"),
		Standing: m.word("standing", "", StandingHold, StandingBack, StandingFinish).Value,
		Resume:   m.word("resume", "", ResumeAutomatic).Value,
	}
	p.stages, p.targets = m.texts("stages"), m.texts("targets")
	w.noDuplicates("stages", p.stages)
	w.noDuplicates("targets", p.targets)
	p.Stages, p.Targets = values(p.stages), values(p.targets)
	p.ofTargets = setOf(p.Targets)
	key, ok := m.exactlyOne("deny", "allow")
	if !ok {
		return p, true
	}
	windows := readWindows(w, key, m.node(key))
	if key == "deny" {
		p.Deny = windows
	} else {
		p.Allow = windows
	}
	return p, true
}

// words is the key's list of known words.
func (m mapping) words(key string, allowed []string) []string {
	list := m.texts(key)
	for _, word := range list {
		m.w.oneOf(key, word, allowed)
	}
	m.w.noDuplicates(key, list)
	return values(list)
}

// readWindows reads one window, or a list of them.
func readWindows(w *walker, key string, n *yaml.Node) []Window {
	items := []*yaml.Node{n}
	if deref(n).Kind == yaml.SequenceNode {
		items = deref(n).Content
	}
	if len(items) == 0 {
		w.problem(w.pos(n), key+": the list is empty; want at least one window of weekly, once or cron")
	}
	var list []Window
	for _, item := range items {
		if window, ok := readWindow(w, key, item); ok {
			list = append(list, window)
		}
	}
	return list
}

// readWindow reads one window.
func readWindow(w *walker, key string, n *yaml.Node) (Window, bool) {
	m, ok := w.mapping(n, key, "weekly", "once", "cron")
	if !ok {
		return Window{}, false
	}
	kind, ok := m.exactlyOne("weekly", "once", "cron")
	if !ok {
		return Window{}, false
	}
	window := Window{Pos: m.pos}
	switch kind {
	case "weekly":
		window.Weekly, ok = readWeekly(w, m.node(kind))
	case "once":
		window.Once, ok = readOnce(w, m.node(kind))
	case "cron":
		window.Cron, ok = readCron(w, m.node(kind))
	}
	return window, ok
}

// readWeekly reads days and times of day.
func readWeekly(w *walker, n *yaml.Node) (*Weekly, bool) {
	m, ok := w.mapping(n, "weekly", "days", "from", "to", "timezone")
	if !ok {
		return nil, false
	}
	weekly := &Weekly{
		Days: readDays(w, m),
		From: m.timeOfDay("from", 0),
		To:   m.timeOfDay("to", endOfDay),
		Zone: m.zone(),
	}
	if weekly.From == endOfDay {
		w.problem(w.pos(m.node("from")), `from: "24:00" is the end of a day; want "00:00" of the day after`)
	}
	if weekly.From == weekly.To && m.has("to") {
		w.problem(w.pos(m.node("to")), "to: is the same time as from; leave both out for the whole day")
	}
	return weekly, true
}

// readDays reads days of the week.
func readDays(w *walker, m mapping) []time.Weekday {
	allowed := []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
	list := m.texts("days")
	m.someItems("days", "a day such as sat")
	w.noDuplicates("days", list)
	var days []time.Weekday
	for _, word := range list {
		if w.oneOf("days", word, allowed) {
			days = append(days, time.Weekday(slices.Index(allowed, word.Value)))
		}
	}
	return days
}

// readOnce reads one span of time.
func readOnce(w *walker, n *yaml.Node) (*Once, bool) {
	m, ok := w.mapping(n, "once", "from", "to")
	if !ok {
		return nil, false
	}
	m.require("from", "to")
	from, ok1 := m.instant("from")
	to, ok2 := m.instant("to")
	if !ok1 || !ok2 {
		return nil, false
	}
	if !from.Before(to) {
		w.problem(w.pos(m.node("to")), "to: is not after from; swap them")
	}
	return &Once{From: from, To: to}, true
}

// readCron reads a schedule and how long a window stays open after each match.
func readCron(w *walker, n *yaml.Node) (*Cron, bool) {
	m, ok := w.mapping(n, "cron", "schedule", "for", "timezone")
	if !ok {
		return nil, false
	}
	m.require("schedule", "for")
	c := &Cron{
		Schedule: m.schedule("schedule").Value,
		For:      m.duration("for", 0, time.Minute),
		Zone:     m.zone(),
	}
	return c, c.Schedule != "" && c.For > 0
}

// schedule is the key's cron schedule, reported where it is none.
func (m mapping) schedule(key string) At[string] {
	s := m.filled(key)
	if strings.TrimSpace(s.Value) == "" {
		return At[string]{Pos: s.Pos}
	}
	if _, err := parseSchedule(s.Value); err != nil {
		m.w.problem(s.Pos, fmt.Sprintf("%s: %s is not a schedule (%v); want five fields, minute hour day month weekday, for example \"0 22 * * fri\"", key, quote(s.Value), err))
		return At[string]{Pos: s.Pos}
	}
	return s
}

// parseSchedule reads a schedule of five fields or a descriptor such as
// @daily. Time zones and @every, which counts from nowhere, are refused.
func parseSchedule(text string) (cron.Schedule, error) {
	switch {
	case strings.Contains(text, "="):
		return nil, fmt.Errorf("the time zone has a key of its own, timezone")
	case strings.HasPrefix(strings.TrimSpace(text), "@every"):
		return nil, fmt.Errorf("@every counts from no fixed time")
	}
	return cron.ParseStandard(text)
}

const endOfDay = 24 * time.Hour

// timeOfDay is the key's time since midnight.
func (m mapping) timeOfDay(key string, fallback time.Duration) time.Duration {
	if !m.has(key) {
		return fallback
	}
	t := m.filled(key)
	if strings.TrimSpace(t.Value) == "" {
		return fallback
	}
	if t.Value == "24:00" {
		return endOfDay
	}
	clock, err := time.Parse("15:04", t.Value)
	if err != nil || len(t.Value) != len("15:04") {
		m.w.problem(t.Pos, fmt.Sprintf("%s: %s is not a time of day; want one from \"00:00\" to \"24:00\"", key, quote(t.Value)))
		return fallback
	}
	return time.Duration(clock.Hour())*time.Hour + time.Duration(clock.Minute())*time.Minute
}

// instant is the key's point in time.
func (m mapping) instant(key string) (time.Time, bool) {
	n := m.node(key)
	if n == nil {
		return time.Time{}, false
	}
	t, err := time.Parse(time.RFC3339, deref(n).Value)
	if err != nil || deref(n).Kind != yaml.ScalarNode {
		m.w.problem(m.w.pos(n), fmt.Sprintf("%s: want a date and time with its offset such as 2026-12-24T00:00:00+01:00, got %s", key, describe(deref(n))))
		return time.Time{}, false
	}
	return t, true
}

// zone is the mapping's timezone, UTC without the key.
func (m mapping) zone() *time.Location {
	name := m.filled("timezone")
	if strings.TrimSpace(name.Value) == "" {
		return time.UTC
	}
	zone, err := time.LoadLocation(name.Value)
	if err != nil || name.Value == "Local" {
		m.w.problem(name.Pos, fmt.Sprintf("timezone: %s is not known; want a name of the IANA database such as Europe/Berlin or UTC", quote(name.Value)))
		return time.UTC
	}
	return zone
}
