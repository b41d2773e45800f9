package googleapi

import (
	"encoding/json"
	"slices"
	"strings"

	"sluice/internal/sandbox/kit"
)

// Masked is have with the fields of an update mask from want. "*" is every one that can
// be changed: gcloud sends "*,labels". Fields may be named in snake case. A field that
// cannot be changed is refused.
func Masked[T any](have, want *T, mask string, changeable []string) (*T, error) {
	fields := strings.Split(mask, ",")
	if slices.Contains(fields, "*") {
		fields = changeable
	}
	old, _ := kit.Fields(have).(map[string]any)
	sent, _ := kit.Fields(want).(map[string]any)
	for _, field := range fields {
		name := camel(strings.TrimSpace(field))
		if !slices.Contains(changeable, name) {
			return nil, Invalid("Invalid field in update_mask: %q; the sandbox changes %s", field, strings.Join(changeable, ", "))
		}
		delete(old, name)
		if value, ok := sent[name]; ok {
			old[name] = value
		}
	}
	text, err := json.Marshal(old)
	if err != nil {
		return nil, err
	}
	next := new(T)
	return next, json.Unmarshal(text, next)
}

// camel is a field's name as JSON has it: serial_pipeline is serialPipeline.
func camel(field string) string {
	words := strings.Split(field, "_")
	for i, w := range words[1:] {
		if w != "" {
			words[i+1] = strings.ToUpper(w[:1]) + w[1:]
		}
	}
	return strings.Join(words, "")
}
