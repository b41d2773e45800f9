package pipeline

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// text reads a string.
func (w *walker) text(key string, n *yaml.Node) (At[string], bool) {
	node := deref(n)
	if node.Kind == yaml.ScalarNode && node.ShortTag() == "!!str" {
		return At[string]{Value: node.Value, Pos: w.pos(n)}, true
	}
	message := fmt.Sprintf("%s: want text, got %s", key, describe(node))
	if node.Kind == yaml.ScalarNode && node.ShortTag() != "!!null" {
		message += fmt.Sprintf("; quote it: %q", shorten(node.Value))
	}
	w.problem(w.pos(n), message)
	return At[string]{Pos: w.pos(n)}, false
}

// text is the key's string, "" without the key.
func (m mapping) text(key string) At[string] {
	n := m.node(key)
	if n == nil {
		return At[string]{}
	}
	value, _ := m.w.text(key, n)
	return value
}

// filled is the key's string, reported where it is there and empty.
func (m mapping) filled(key string) At[string] {
	n := m.node(key)
	if n == nil {
		return At[string]{}
	}
	value, ok := m.w.text(key, n)
	if ok && strings.TrimSpace(value.Value) == "" {
		m.w.problem(value.Pos, key+": is empty; give it a value or remove the key")
	}
	return value
}

// texts is the key's list of strings, none of them empty.
func (m mapping) texts(key string) []At[string] {
	var values []At[string]
	for _, item := range m.items(key, "text") {
		value, ok := m.w.text(key, item)
		if ok && value.Value == "" {
			m.w.problem(value.Pos, key+": an element is empty; remove it")
			ok = false
		}
		if ok {
			values = append(values, value)
		}
	}
	return values
}

// word is one of a few strings, fallback without the key.
func (m mapping) word(key, fallback string, allowed ...string) At[string] {
	n := m.node(key)
	if n == nil {
		return At[string]{Value: fallback}
	}
	value, ok := m.w.text(key, n)
	if !ok {
		return value
	}
	if !m.w.oneOf(key, value, allowed) {
		value.Value = fallback
	}
	return value
}

// oneOf reports a value that is not among the allowed ones.
func (w *walker) oneOf(key string, value At[string], allowed []string) bool {
	if slices.Contains(allowed, value.Value) {
		return true
	}
	w.problem(value.Pos, fmt.Sprintf("%s: %s is not known%s; want %s", key, quote(value.Value), didYouMean(value.Value, allowed), oneOfList(allowed)))
	return false
}

// flag is the key's boolean.
func (m mapping) flag(key string, fallback bool) bool {
	n := m.node(key)
	if n == nil {
		return fallback
	}
	node := deref(n)
	if node.Kind == yaml.ScalarNode && node.ShortTag() == "!!bool" {
		return strings.EqualFold(node.Value, "true")
	}
	m.w.problem(m.w.pos(n), fmt.Sprintf("%s: want true or false, got %s", key, describe(node)))
	return fallback
}

// whole is the key's whole number between lo and hi.
func (m mapping) whole(key string, fallback, lo, hi int) int {
	n := m.node(key)
	if n == nil {
		return fallback
	}
	node := deref(n)
	value, err := strconv.Atoi(node.Value)
	if node.Kind != yaml.ScalarNode || node.ShortTag() != "!!int" || err != nil || value < lo || value > hi {
		m.w.problem(m.w.pos(n), fmt.Sprintf("%s: want a whole number from %d to %d, got %s", key, lo, hi, describe(node)))
		return fallback
	}
	return value
}

// fraction is the key's number between lo and hi.
func (m mapping) fraction(key string, fallback, lo, hi float64) float64 {
	n := m.node(key)
	if n == nil {
		return fallback
	}
	node := deref(n)
	numeric := node.Kind == yaml.ScalarNode && (node.ShortTag() == "!!int" || node.ShortTag() == "!!float")
	value, err := strconv.ParseFloat(node.Value, 64)
	if !numeric || err != nil || value < lo || value > hi {
		m.w.problem(m.w.pos(n), fmt.Sprintf("%s: want a number from %v to %v, got %s", key, lo, hi, describe(node)))
		return fallback
	}
	return value
}

// duration is the key's duration, at least least.
func (m mapping) duration(key string, fallback, least time.Duration) time.Duration {
	n := m.node(key)
	if n == nil {
		return fallback
	}
	const example = "a duration such as 90s, 30m, 24h or 7d"
	node := deref(n)
	if node.Kind != yaml.ScalarNode || node.ShortTag() != "!!str" {
		hint := ""
		if node.ShortTag() == "!!int" {
			hint = "; add a unit"
		}
		m.w.problem(m.w.pos(n), fmt.Sprintf("%s: want %s, got %s%s", key, example, describe(node), hint))
		return fallback
	}
	value, err := parseDuration(node.Value)
	switch {
	case err != nil:
		m.w.problem(m.w.pos(n), fmt.Sprintf("%s: %s is not a duration; want %s", key, quote(node.Value), example))
	case value < least:
		m.w.problem(m.w.pos(n), fmt.Sprintf("%s: %s is too short; want %s", key, quote(node.Value), example))
	case value > maxDuration:
		m.w.problem(m.w.pos(n), fmt.Sprintf("%s: %s is too long; want at most 366d", key, quote(node.Value)))
	default:
		return value
	}
	return fallback
}

// parseDuration reads Go's durations, and days before them: "7d", "1d12h".
func parseDuration(s string) (time.Duration, error) {
	days, rest, found := strings.Cut(s, "d")
	if !found {
		return time.ParseDuration(s)
	}
	if !daysPattern().MatchString(days) {
		return 0, fmt.Errorf("bad number of days in %q", s)
	}
	n, err := strconv.ParseFloat(days, 64)
	if err != nil {
		return 0, err
	}
	if rest == "" {
		rest = "0s"
	}
	part, err := time.ParseDuration(rest)
	if err != nil || part < 0 {
		return 0, fmt.Errorf("bad duration after the days in %q", s)
	}
	return time.Duration(n*24*float64(time.Hour)) + part, nil
}

// pairs is the key's mapping of strings to strings, judged by check.
func (m mapping) pairs(key string, check func(w *walker, what string, pairs []pair)) map[string]string {
	if !m.has(key) {
		return nil
	}
	found := m.entries(key)
	check(m.w, key, found)
	return mapOf(found)
}

// entries is the key's mapping of strings to strings in the order of the file,
// nil without the key.
func (m mapping) entries(key string) []pair {
	n := m.node(key)
	if n == nil {
		return nil
	}
	return append([]pair{}, m.w.pairs(key, n)...)
}

// mapOf drops order and positions; nil of nil.
func mapOf(pairs []pair) map[string]string {
	if pairs == nil {
		return nil
	}
	values := make(map[string]string, len(pairs))
	for _, p := range pairs {
		values[p.key.Value] = p.value.Value
	}
	return values
}

// pair is one entry of a mapping of strings to strings.
type pair struct{ key, value At[string] }

// pairs reads the entries in the order of the file.
func (w *walker) pairs(key string, n *yaml.Node) []pair {
	node := deref(n)
	if node.Kind != yaml.MappingNode || node.ShortTag() != "!!map" {
		w.problem(w.pos(n), fmt.Sprintf("%s: want a mapping of text to text, got %s", key, describe(node)))
		return nil
	}
	var found []pair
	for k, v := range w.entries(node, key) {
		name, named := w.text("a key of "+key, k)
		value, valued := w.text(key, v)
		twice := slices.ContainsFunc(found, func(p pair) bool { return p.key.Value == name.Value })
		if named && twice {
			w.problem(name.Pos, fmt.Sprintf("%s: the key %s appears twice; keep one", key, quote(name.Value)))
		}
		if named && valued && !twice {
			found = append(found, pair{key: name, value: value})
		}
	}
	return found
}

// noDuplicates reports values that appear twice in a list.
func (w *walker) noDuplicates(key string, values []At[string]) {
	seen := map[string]bool{}
	for _, v := range values {
		folded := strings.ToLower(v.Value)
		if seen[folded] {
			w.problem(v.Pos, fmt.Sprintf("%s: %s appears twice; keep one", key, quote(v.Value)))
		}
		seen[folded] = true
	}
}

// values drops the positions.
func values(list []At[string]) []string {
	if list == nil {
		return nil
	}
	plain := make([]string, len(list))
	for i, v := range list {
		plain[i] = v.Value
	}
	return plain
}
