package pipeline

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"

	"gopkg.in/yaml.v3"

	"sluice/stages/driver"
)

// platform reads a target's platform mapping by the platform's own facts and
// encodes it as JSON.
func (w *walker) platform(name string, n *yaml.Node) (driver.Facts, json.RawMessage) {
	i := slices.IndexFunc(w.platforms, func(f driver.Facts) bool { return f.Platform == name })
	facts := w.platforms[i]
	keys := make([]string, len(facts.Keys))
	for i, k := range facts.Keys {
		keys[i] = k.Name
	}
	m, ok := w.mapping(n, name, keys...)
	if !ok {
		return facts, nil
	}
	config := map[string]any{}
	for _, k := range facts.Keys {
		if k.Required {
			m.require(k.Name)
		}
		if m.has(k.Name) {
			config[k.Name] = w.platformValue(m, k)
		}
	}
	data, err := json.Marshal(config)
	if err != nil {
		w.problem(m.pos, fmt.Sprintf("%s: cannot be written as JSON: %v", name, err))
	}
	return facts, data
}

// platformValue reads one key of a platform's mapping.
func (w *walker) platformValue(m mapping, k driver.Key) any {
	switch k.Type {
	case driver.Bool:
		return m.flag(k.Name, false)
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

// pattern is what values of a platform's key match as a whole; nil where that is
// no pattern. Each is compiled once a file.
func (w *walker) pattern(text string) *regexp.Regexp {
	known, ok := w.patterns[text]
	if !ok {
		known, _ = regexp.Compile(`^(?:` + text + `)$`) // the platform's own mistake: nothing is held against the file
		w.patterns[text] = known
	}
	return known
}

// matches reports a value that is not as the platform wants it.
func (w *walker) matches(k driver.Key, value At[string]) {
	if k.Pattern == "" {
		return
	}
	wanted := w.pattern(k.Pattern)
	if wanted == nil || wanted.MatchString(value.Value) {
		return
	}
	hint := k.Hint
	if hint == "" {
		hint = "a value that matches " + k.Pattern
	}
	w.problem(value.Pos, fmt.Sprintf("%s: %s is not valid; want %s", k.Name, quote(value.Value), hint))
}
