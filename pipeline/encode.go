package pipeline

import (
	"encoding/json"
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"
)

// encode writes a value of the file as JSON.
func (w *walker) encode(key string, n *yaml.Node) json.RawMessage {
	data, err := json.Marshal(w.plain(key, n))
	if err != nil {
		w.problem(w.pos(n), fmt.Sprintf("%s: cannot be written as JSON: %v", key, err))
		return nil
	}
	return data
}

// plain is a value of the file as encoding/json has it.
func (w *walker) plain(key string, n *yaml.Node) any {
	node := deref(n)
	switch node.Kind {
	case yaml.MappingNode:
		return w.plainMapping(key, node)
	case yaml.SequenceNode:
		list := make([]any, len(node.Content))
		for i, item := range node.Content {
			list[i] = w.plain(key, item)
		}
		return list
	}
	switch node.ShortTag() {
	case "!!null":
		return nil
	case "!!bool":
		return strings.EqualFold(node.Value, "true")
	case "!!int", "!!float":
		if json.Valid([]byte(node.Value)) {
			return json.Number(node.Value)
		}
		w.problem(w.pos(n), fmt.Sprintf("%s: want a plain decimal number, got %s", key, describe(node)))
		return nil
	}
	return node.Value
}

// plainMapping is a mapping whose keys are distinct words.
func (w *walker) plainMapping(key string, node *yaml.Node) map[string]any {
	object := map[string]any{}
	for k, v := range w.entries(node, key) {
		name, ok := w.text("a key of "+key, k)
		if !ok {
			continue
		}
		if _, twice := object[name.Value]; twice {
			w.problem(name.Pos, fmt.Sprintf("%s: the key %s appears twice; keep one", key, quote(name.Value)))
		}
		object[name.Value] = w.plain(name.Value, v)
	}
	return object
}
