package artifact

import (
	"bytes"
	"encoding/json"
	"errors"
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
	if raw == nil {
		return nil, errors.New("null")
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

// errNoList means that an answer lacks its list.
var errNoList = errors.New("it lacks its list")

// list is a list of objects. An answer without it, or with null, has none.
func (f fields) list(name string) ([]fields, error) {
	raw, ok := f[normal(name)]
	if !ok || string(raw) == "null" {
		return nil, errNoList
	}
	in := json.NewDecoder(bytes.NewReader(raw))
	if first, err := in.Token(); err != nil || first != json.Delim('[') {
		return nil, fmt.Errorf("its %s is not a list", name)
	}
	list := []fields{}
	for in.More() {
		if len(list) == maxListed {
			return nil, fmt.Errorf("its %s are more than %d", name, maxListed)
		}
		var raw json.RawMessage
		if err := in.Decode(&raw); err != nil {
			return nil, err
		}
		item, err := decodeFields(raw)
		if err != nil {
			return nil, fmt.Errorf("its %s: %w", name, err)
		}
		list = append(list, item)
	}
	return list, nil
}
