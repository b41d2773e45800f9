package artifact

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// fields is a JSON object whose keys may be snake_case or camelCase: GitHub
// answers with the one, act with the other.
type fields map[string]json.RawMessage

func normal(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", "")) }

func decodeFields(text []byte) (fields, error) {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(text, &raw); err != nil {
		return nil, err
	}
	f := fields{}
	for name, value := range raw {
		f[normal(name)] = value
	}
	return f, nil
}

// text is a field as text, whatever its JSON type; "" where there is none.
func (f fields) text(name string) string {
	raw, ok := f[normal(name)]
	if !ok || string(raw) == "null" {
		return ""
	}
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}

// number is an int64, which protobuf writes as a string and act as a number;
// 0 where there is none.
func (f fields) number(name string) (int64, error) {
	text := f.text(name)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("the artifact service's %s is %.40q, not a number", name, text)
	}
	return n, nil
}

func (f fields) list(name string) ([]fields, error) {
	raw, ok := f[normal(name)]
	if !ok {
		return nil, nil
	}
	var items []json.RawMessage
	if err := json.Unmarshal(raw, &items); err != nil {
		return nil, fmt.Errorf("the artifact service's %s: %w", name, err)
	}
	list := make([]fields, len(items))
	for i, item := range items {
		var err error
		if list[i], err = decodeFields(item); err != nil {
			return nil, fmt.Errorf("the artifact service's %s: %w", name, err)
		}
	}
	return list, nil
}
