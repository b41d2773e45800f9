package pipeline

import (
	"encoding/json"
	"fmt"
	"slices"

	"gopkg.in/yaml.v3"

	"sluice/stages/driver"
)

// readPlatform reads a target's platform mapping by the platform's own facts and
// encodes it as JSON.
func readPlatform(w *walker, name string, n *yaml.Node) (driver.Facts, json.RawMessage) {
	i := slices.IndexFunc(w.platforms, func(f driver.Facts) bool { return f.Platform == name })
	config, _ := readDeclared(w, name, n, w.platforms[i].Keys)
	return w.platforms[i], config
}

// readDeclared reads a mapping by keys that facts have, and encodes it as JSON.
func readDeclared(w *walker, name string, n *yaml.Node, of []driver.Key) (json.RawMessage, mapping) {
	keys := make([]string, len(of))
	for i, k := range of {
		keys[i] = k.Name
	}
	m, ok := w.mapping(n, name, keys...)
	if !ok {
		return nil, mapping{}
	}
	config := map[string]any{}
	for _, k := range of {
		if k.Required {
			m.require(k.Name)
		}
		if m.has(k.Name) {
			config[k.Name] = readPlatformValue(w, m, k)
		}
		if k.Needs != "" && config[k.Name] == true && !m.has(k.Needs) {
			w.problem(w.pos(m.node(k.Name)), fmt.Sprintf("%s: means nothing without %s; name it, or remove this key", k.Name, k.Needs))
		}
	}
	data, err := json.Marshal(config)
	if err != nil {
		w.problem(m.pos, fmt.Sprintf("%s: cannot be written as JSON: %v", name, err))
	}
	return data, m
}

// readPlatformValue reads one key of a platform's mapping.
func readPlatformValue(w *walker, m mapping, k driver.Key) any {
	switch k.Type {
	case driver.Bool:
		return m.flag(k.Name, false)
	case driver.Command:
		m.someItems(k.Name, "text")
		return append([]string{}, values(m.texts(k.Name))...)
	case driver.StringList:
		list := m.texts(k.Name)
		if k.Required {
			m.someItems(k.Name, "text")
		}
		for _, value := range list {
			checkMatches(w, k, value)
		}
		w.noDuplicates(k.Name, list)
		return append([]string{}, values(list)...)
	}
	value := m.filled(k.Name)
	if value.Value != "" {
		checkMatches(w, k, value)
	}
	return value.Value
}

// checkMatches reports a value that is not as the platform wants it.
func checkMatches(w *walker, k driver.Key, value At[string]) {
	if k.Pattern == "" {
		return
	}
	if w.patterns.whole(k.Pattern, value.Value) {
		return
	}
	hint := k.Hint
	if hint == "" {
		hint = "a value that matches " + k.Pattern
	}
	w.problem(value.Pos, fmt.Sprintf("%s: %s is not valid; want %s%s", k.Name, quote(value.Value), hint, notFilled(value.Value)))
}
