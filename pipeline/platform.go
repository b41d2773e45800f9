package pipeline

import (
	"encoding/json"
	"fmt"
	"slices"

	"gopkg.in/yaml.v3"

	"sluice/stages/driver"
)

// platform reads a target's platform mapping by the platform's own facts and
// encodes it as JSON.
func (w *walker) platform(name string, n *yaml.Node) (driver.Facts, json.RawMessage) {
	i := slices.IndexFunc(w.platforms, func(f driver.Facts) bool { return f.Platform == name })
	config, _ := w.declared(name, n, w.platforms[i].Keys)
	return w.platforms[i], config
}

// declared reads a mapping by keys that facts have, and encodes it as JSON.
func (w *walker) declared(name string, n *yaml.Node, of []driver.Key) (json.RawMessage, mapping) {
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
			config[k.Name] = w.platformValue(m, k)
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

// platformValue reads one key of a platform's mapping.
func (w *walker) platformValue(m mapping, k driver.Key) any {
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
			w.matches(k, value)
		}
		w.noDuplicates(k.Name, list)
		return append([]string{}, values(list)...)
	}
	value := m.filled(k.Name)
	if value.Value != "" {
		w.matches(k, value)
	}
	return value.Value
}

// matches reports a value that is not as the platform wants it.
func (w *walker) matches(k driver.Key, value At[string]) {
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
