package deploymentmanager

import (
	"encoding/json"
	"slices"
	"strings"

	"sluice/stages/driver"
)

// problem is an error or a warning of an operation, whatever its parts are.
type problem struct {
	Code     json.RawMessage `json:"code"`
	Location json.RawMessage `json:"location"`
	Message  json.RawMessage `json:"message"`
	Data     []struct {
		Key   string `json:"key"`
		Value string `json:"value"`
	} `json:"data"`
}

// readable is the problem with its innermost message.
func (p problem) readable() driver.Problem {
	r := driver.Problem{Code: plain(p.Code), Location: plain(p.Location), Message: innermost(p.Message)}
	for _, d := range p.Data {
		r.Message += " (" + d.Key + ": " + d.Value + ")"
	}
	if r.Message == "" {
		r.Message = "no message is given"
	}
	return r
}

// deepest is how far messages are opened: deeper ones are shown as they are.
const deepest = 8

// innermost is the message within a message: a JSON text is opened for as long
// as one that explains more is found inside.
func innermost(raw json.RawMessage) string { return inner(plain(raw), deepest) }

func inner(text string, depth int) string {
	trimmed := strings.TrimSpace(text)
	if depth == 0 || !strings.HasPrefix(trimmed, "{") && !strings.HasPrefix(trimmed, "[") && !strings.HasPrefix(trimmed, `"`) {
		return text
	}
	var value any
	if json.Unmarshal([]byte(trimmed), &value) != nil {
		return text
	}
	if found := strings.Join(messages(value, depth-1), "; "); found != "" {
		return found
	}
	return text
}

// messages finds what a JSON value says, in the fields that were seen to hold
// it, the innermost first.
func messages(value any, depth int) []string {
	switch v := value.(type) {
	case string:
		if v == "" {
			return nil
		}
		return []string{inner(v, depth)}
	case []any:
		var all []string
		for _, element := range v {
			all = append(all, messages(element, depth)...)
		}
		slices.Sort(all)
		return slices.Compact(all)
	case map[string]any:
		if depth <= 0 {
			return nil
		}
		for _, field := range []string{"ResourceErrorMessage", "message", "error", "errors"} {
			if found := messages(v[field], depth-1); len(found) > 0 {
				return found
			}
		}
		return bare(v)
	}
	return nil
}

// bare is what is left to say where there is no message: a status, and of which
// request.
func bare(v map[string]any) []string {
	for _, field := range []string{"statusMessage", "ResourceErrorCode"} {
		text, _ := v[field].(string)
		if text == "" {
			continue
		}
		if path, _ := v["requestPath"].(string); path != "" {
			method, _ := v["httpMethod"].(string)
			text += " (" + strings.TrimSpace(method+" "+path) + ")"
		}
		return []string{text}
	}
	return nil
}

// plain is a JSON string's text, or the JSON itself; null is "".
func plain(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	return string(raw)
}
