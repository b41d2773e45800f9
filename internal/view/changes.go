package view

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// changes lists how one JSON object becomes another: a line for every path
// whose value is not the same, sorted. What stands at the top of the first and
// not of the second is no removal: nobody knows it before the platform says.
func changes(before, after json.RawMessage) []string {
	had, has := valuesIn(before), valuesIn(after)
	paths := map[string]bool{}
	for path := range had {
		paths[path] = true
	}
	for path := range has {
		paths[path] = true
	}
	var lines []string
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		if had[path] != has[path] {
			lines = append(lines, path+": "+orNone(had[path])+" → "+becomes(path, has[path], len(has) > 0))
		}
	}
	return lines
}

func orNone(value string) string {
	if value == "" {
		return "(none)"
	}
	return value
}

// becomes is a value after a change.
func becomes(path, value string, predicted bool) string {
	if value == "" && predicted && !strings.Contains(path, ".") {
		return "(not known before)"
	}
	return orNone(value)
}

// valuesIn are the values of a JSON object by their paths, strings as they are
// and everything else as JSON has it.
func valuesIn(raw json.RawMessage) map[string]string {
	found := map[string]string{}
	var root any
	if json.Unmarshal(raw, &root) == nil {
		collectValues(found, "", root)
	}
	return found
}

func collectValues(found map[string]string, path string, value any) {
	switch v := value.(type) {
	case map[string]any:
		for key, inner := range v {
			below := key
			if path != "" {
				below = path + "." + key
			}
			collectValues(found, below, inner)
		}
	case string:
		found[path] = v
	case nil:
	default:
		if text, err := json.Marshal(v); err == nil {
			found[path] = string(text)
		}
	}
}
