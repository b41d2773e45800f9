package pipeline

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"sluice/analysis"
)

// How often a check of a stage runs.
const (
	ScopeTarget = "target" // for each target
	ScopeStage  = "stage"  // once
)

// The kinds of checks.
const (
	kindRun     = "run"
	kindHTTP    = "http"
	kindAlarms  = "alarms"
	kindMetric  = "metric"
	kindCompare = "compare"
)

const mostAttempts = 1000

// readChecks reads the key's list of hooks or gates.
func readChecks(w *walker, m mapping, key string) []*Check {
	var list []*Check
	for _, item := range m.items(key, "a check") {
		if c, ok := readCheck(w, item, checkPrefix+key); ok {
			list = append(list, c)
		}
	}
	return list
}

// readCheck reads one hook or gate.
func readCheck(w *walker, n *yaml.Node, what string) (*Check, bool) {
	m, ok := w.mapping(n, what, kindRun, kindHTTP, kindAlarms, kindMetric, kindCompare, "shell", "scope", "timeout", "dryRun", "onRollback",
		"json", "condition", "interval", "failures", "inconclusive")
	if !ok {
		return nil, false
	}
	c := &Check{
		Pos:        m.pos,
		Shell:      m.flag("shell", false),
		Scope:      m.word("scope", ScopeTarget, ScopeTarget, ScopeStage).Value,
		Timeout:    m.duration("timeout", 0, 1),
		DryRun:     m.flag("dryRun", false),
		OnRollback: m.flag("onRollback", false),
	}
	kind, ok := m.exactlyOne(kindRun, kindHTTP, kindAlarms, kindMetric, kindCompare)
	if !ok {
		return nil, false
	}
	if m.has("shell") && kind != kindRun {
		w.problem(w.pos(m.node("shell")), "shell: only belongs to run; remove it")
	}
	if kind != kindRun {
		checkOnlyOfRun(m, kind)
	}
	readKind(w, c, kind, m)
	return c, true
}

// checkOnlyOfRun reports what a program's check has beside it and the other kinds have
// within.
func checkOnlyOfRun(m mapping, kind string) {
	for _, key := range m.present("json", "condition", "interval", "failures", "inconclusive") {
		m.w.problem(m.w.pos(m.node(key)), fmt.Sprintf("%s: stands beside run alone; %s has its own keys within: move it there, or remove it", key, kind))
	}
}

// readKind reads what the check does.
func readKind(w *walker, c *Check, kind string, m mapping) {
	n := m.node(kind)
	switch kind {
	case kindRun:
		c.Run, c.Measured = readRun(w, n, c.Shell), readMeasured(m)
		if c.Measured == nil && m.has("interval") {
			w.problem(w.pos(m.node("interval")), "interval: only belongs to a check that measures; add a condition such as \"< 0.01\", or remove it")
		}
	case kindHTTP:
		c.HTTP, c.Measured = readHTTP(w, n)
	case kindAlarms:
		c.Alarms = readAlarms(w, n)
	case kindMetric:
		c.Metric = readMetric(w, n)
	case kindCompare:
		c.Compare = readCompare(w, n)
	}
}

// readRun reads a program and its arguments, or with shell a command line.
func readRun(w *walker, n *yaml.Node, shell bool) []string {
	scalar := deref(n).Kind == yaml.ScalarNode
	switch {
	case shell && !scalar:
		w.problem(w.pos(n), `run: with "shell: true" want one command line as text, got `+describe(deref(n)))
		return nil
	case !shell && scalar && deref(n).ShortTag() == "!!str":
		w.problem(w.pos(n), fmt.Sprintf(`run: want a list of the program and its arguments, got %s; write [program, argument] or add "shell: true"`, describe(deref(n))))
		return nil
	case shell:
		line, _ := w.text(kindRun, n)
		checkProgram(w, line)
		return []string{line.Value}
	}
	items, ok := w.list(kindRun, n, "text")
	if !ok {
		return nil
	}
	return readArgv(w, n, items)
}

// readArgv reads the program and its arguments; arguments may be empty.
func readArgv(w *walker, n *yaml.Node, items []*yaml.Node) []string {
	var argv []string
	for i, item := range items {
		word, _ := w.text(kindRun, item)
		if i == 0 {
			checkProgram(w, word)
		}
		if filled := notFilled(word.Value); filled != "" {
			w.problems = append(w.problems, warning(word.Pos, `run: the program gets %s as it is%s, or add "shell: true" and write one command line`, quote(word.Value), filled))
		}
		argv = append(argv, word.Value)
	}
	if len(items) == 0 {
		w.problem(w.pos(n), "run: the list is empty; want the program and its arguments")
	}
	return argv
}

// checkProgram reports a command without a program, and bytes no program can get.
func checkProgram(w *walker, word At[string]) {
	if strings.TrimSpace(word.Value) == "" || strings.ContainsRune(word.Value, 0) {
		w.problem(word.Pos, "run: names no program; want the program and its arguments")
	}
}

var methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

// readHTTP reads a check that asks a URL, and the number that its answer holds.
func readHTTP(w *walker, n *yaml.Node) (*HTTPCheck, *analysis.Measured) {
	m, ok := w.mapping(n, kindHTTP, "url", "method", "status", "contains", "attempts", "interval", "headers",
		"json", "condition", "failures", "inconclusive")
	if !ok {
		return nil, nil
	}
	m.require("url")
	address := m.filled("url")
	if why := notAURL(address.Value); strings.TrimSpace(address.Value) != "" && why != "" {
		w.problem(address.Pos, fmt.Sprintf("url: %s %s; want one such as https://example.com/healthz%s", quote(address.Value), why, notFilled(address.Value)))
	} else if filled := notFilled(address.Value); filled != "" {
		w.problem(address.Pos, fmt.Sprintf("url: %s would be asked as it is%s", quote(address.Value), filled))
	}
	measured := readMeasured(m)
	method := m.word("method", http.MethodGet, methods...)
	if measured != nil && method.Value == http.MethodHead {
		w.problem(method.Pos, "method: the answer to HEAD has no body to measure; use GET")
	}
	return &HTTPCheck{
		URL:      address.Value,
		Method:   method.Value,
		Status:   m.whole("status", http.StatusOK, 100, 599),
		Contains: m.filled("contains").Value,
		Attempts: m.whole("attempts", 1, 1, mostAttempts),
		Interval: m.duration("interval", defaultInterval, 0),
		Headers:  m.pairs("headers", checkHeaders),
	}, measured
}

// notAURL says why a text is no URL to ask, "" where it is one.
func notAURL(raw string) string {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return "is not a URL"
	case u.Scheme != "http" && u.Scheme != "https":
		return "does not start with https:// or http://"
	case u.Hostname() == "":
		return "has no host"
	case u.User != nil:
		return "contains credentials, which would be readable in the file"
	case u.Fragment != "":
		return `has a fragment ("#…"), which is never sent`
	}
	return ""
}

// checkHeaders judges the names and values of HTTP headers.
func checkHeaders(w *walker, what string, pairs []pair) {
	var names []At[string]
	for _, p := range pairs {
		names = append(names, p.key)
		if !headerPattern().MatchString(p.key.Value) {
			w.problem(p.key.Pos, fmt.Sprintf("%s: %s is not a header's name; want one such as Accept", what, quote(p.key.Value)))
		}
		if slices.ContainsFunc([]byte(p.value.Value), func(b byte) bool { return b < ' ' && b != '\t' || b == 0x7f }) {
			w.problem(p.value.Pos, fmt.Sprintf("%s: the value of %s has a line break or another control character; remove it", what, quote(p.key.Value)))
		}
	}
	w.noDuplicates(what, names)
}
